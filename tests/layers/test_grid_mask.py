import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt
from keras_tricks.layers.grid_mask import grid_mask


def drawn_mask(height, width, period, stripe, phase, angle):
    """Draw the mask as the authors do: stripes on a canvas, rotated, cropped."""
    from PIL import Image

    tall, wide = int(1.5 * height), int(1.5 * width)
    kept = np.ones((tall, wide), "uint8")
    for i in range(-1, tall // period + 1):
        begin = period * i + phase[0]
        kept[max(begin, 0) : max(begin + stripe, 0)] = 0
    for i in range(-1, wide // period + 1):
        begin = period * i + phase[1]
        kept[:, max(begin, 0) : max(begin + stripe, 0)] = 0
    kept = np.asarray(Image.fromarray(kept).rotate(angle))
    top, left = (tall - height) // 2, (wide - width) // 2
    return kept[top : top + height, left : left + width] == 0


def computed_mask(height, width, period, stripe, phase, angle):
    per_image = (np.float32([value]) for value in (period, stripe, *phase, angle))
    period, stripe, y, x, angle = (ops.convert_to_tensor(v) for v in per_image)
    mask = grid_mask(
        ops.arange(height),
        ops.arange(width),
        (height, width),
        period,
        stripe,
        (y, x),
        angle,
    )
    return ops.convert_to_numpy(mask)[0]


CASES = [(41, 30, 7, 4, (3, 6)), (30, 41, 12, 5, (0, 11)), (24, 24, 5, 1, (4, 0))]


@pytest.mark.parametrize("case", CASES)
def test_mask_is_the_drawn_one_without_rotation(case):
    np.testing.assert_array_equal(computed_mask(*case, 0), drawn_mask(*case, 0))


@pytest.mark.parametrize("angle", [1, 33, 90, 144, 180, 271, 359])
def test_rotated_mask_is_the_drawn_one_but_for_rounding(angle):
    # A square: on a long image the authors' canvas ends before the corners do.
    case = (64, 64, 17, 9, (5, 12))
    same = computed_mask(*case, angle) == drawn_mask(*case, angle)
    assert same.mean() > 0.995


def masked(count=64, height=20, width=28, **arguments):
    arguments = {"seed": 1, "probability": 1.0, **arguments}
    images = np.ones((count, height, width, 2), "float32")
    return ops.convert_to_numpy(kt.layers.GridMask(**arguments)(images))


@pytest.mark.parametrize("ratio", [0.3, 0.6])
@pytest.mark.parametrize("mode", [0, 1])
def test_kept_fraction_is_that_of_the_formula(ratio, mode):
    kept = masked(256, 40, 40, d_min=20, d_max=21, ratio=ratio, mode=mode).mean()
    squares = (1 - ratio) ** 2
    assert kept == pytest.approx(squares if mode == 0 else 1 - squares, abs=0.02)


def test_defaults_are_the_papers_at_224_pixels():
    images = np.ones((48, 224, 224, 1), "float32")
    layer = kt.layers.GridMask(rotate=1, probability=1.0, seed=2)
    kept = ops.convert_to_numpy(layer(images))[..., 0]
    sides = []
    for image in kept:
        # lengths of removed runs in the rows that have any: d - round(0.6 d)
        row = image[np.argmin(image.sum(1))]
        edges = np.diff(np.concatenate([[1], row, [1]]))
        begins, ends = np.nonzero(edges == -1)[0], np.nonzero(edges == 1)[0]
        whole = (begins > 0) & (ends < 224)
        sides += list((ends - begins)[whole])
    periods = np.arange(96, 224)
    possible = periods - np.floor(periods * 0.6 + 0.5)
    assert len(sides) > 20
    assert set(sides) <= set(possible)
    assert kept.mean() == pytest.approx(0.84, abs=0.03)


def test_every_image_has_a_mask_of_its_own():
    kept = masked(8)
    assert len({image.tobytes() for image in kept}) == 8
    assert (kept[..., 0] == kept[..., 1]).all()
    assert set(np.unique(kept)) == {0, 1}


def test_probability_is_that_of_an_image():
    untouched = masked(400, probability=0.3).all((1, 2, 3))
    assert untouched.mean() == pytest.approx(0.7, abs=0.08)
    assert masked(20, probability=0.0).all()


def test_probability_ramps_up_from_zero_over_the_steps():
    layer = kt.layers.GridMask(probability=0.8, ramp_steps=4, seed=3)
    images = np.ones((500, 8, 9, 1), "float32")
    masked = [
        1 - ops.convert_to_numpy(layer(images)).all((1, 2, 3)).mean() for _ in range(7)
    ]
    # d of 3 to 7 pixels: every mask removes something
    np.testing.assert_allclose(masked, [0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8], atol=0.07)
    assert masked[0] == 0


def test_after_the_ramp_the_images_are_those_without_it():
    images = np.ones((8, 12, 9, 1), "float32")
    ramped, plain = (kt.layers.GridMask(ramp_steps=steps, seed=3) for steps in (1, 0))
    assert (ops.convert_to_numpy(ramped(images)) == 1).all()
    plain(images)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ramped(images)), ops.convert_to_numpy(plain(images))
    )


def test_ramp_of_certain_masks_has_no_gap_at_its_end():
    layer = kt.layers.GridMask(probability=1.0, ramp_steps=1, seed=3)
    images = np.ones((64, 8, 9, 1), "float32")
    layer(images)
    assert not ops.convert_to_numpy(layer(images)).all((1, 2, 3)).any()


def test_paddleclas_removes_three_quarters_in_straight_stripes():
    images = np.ones((200, 56, 56, 1), "uint8")
    layer = kt.layers.GridMask.paddleclas(fill_value=3, seed=0)
    removed = ops.convert_to_numpy(layer(images))[..., 0] == 3
    assert removed.mean() == pytest.approx(0.75, abs=0.02)
    for mask in removed:
        kept_rows, kept_columns = ~mask.all(1), ~mask.all(0)
        np.testing.assert_array_equal(~mask, kept_rows[:, None] & kept_columns)
    assert layer.get_config()["d_min"] == 96 / 224
    assert kt.layers.GridMask.paddleclas(ratio=0.4).get_config()["ratio"] == 0.4


def test_rotated_mask_is_the_same_under_xla_byte_for_byte():
    tf = pytest.importorskip("tensorflow")
    images = np.ones((64, 40, 30, 1), "uint8")
    eager = kt.layers.GridMask(probability=1.0, seed=6)(images)
    compiled = tf.function(
        kt.layers.GridMask(probability=1.0, seed=6), jit_compile=True
    )
    np.testing.assert_array_equal(compiled(images).numpy(), ops.convert_to_numpy(eager))


def test_fill_value_that_integers_cannot_hold_is_refused():
    layer = kt.layers.GridMask(fill_value=-0.5)
    with pytest.raises(ValueError, match="whole number between 0 and 255 for uint8"):
        layer(np.zeros((2, 4, 4, 3), "uint8"))


def test_fill_value_replaces_the_pixels():
    images = np.full((3, 16, 12, 3), 7, "uint8")
    layer = kt.layers.GridMask(probability=1.0, fill_value=200, seed=0)
    assert set(np.unique(ops.convert_to_numpy(layer(images)))) == {7, 200}


def test_one_image_without_batch_axis():
    image = np.ones((20, 28, 3), "uint8")
    alone = kt.layers.GridMask(probability=1.0, seed=5)(image)
    batch = kt.layers.GridMask(probability=1.0, seed=5)(image[None])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(alone), ops.convert_to_numpy(batch)[0]
    )


def test_channels_first_is_channels_last_transposed():
    images = np.random.default_rng(0).random((3, 12, 9, 2)).astype("float32")
    arguments = {"probability": 1.0, "seed": 5}
    last = kt.layers.GridMask(**arguments)(images)
    layer = kt.layers.GridMask(data_format="channels_first", **arguments)
    first = ops.convert_to_numpy(layer(images.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(
        first.transpose(0, 2, 3, 1), ops.convert_to_numpy(last)
    )


def test_labels_boxes_and_weights_are_passed_on():
    images = np.ones((2, 8, 9, 3), "float32")
    labels, weight = np.array([1, 2]), np.array([0.5, 1.0])
    layer = kt.layers.GridMask(seed=0)
    _, out_labels, out_weight = layer(images, labels, weight)
    np.testing.assert_array_equal(ops.convert_to_numpy(out_labels), labels)
    np.testing.assert_array_equal(ops.convert_to_numpy(out_weight), weight)
    boxes = {"boxes": np.zeros((2, 1, 4)), "labels": np.zeros((2, 1))}
    batch = {"images": images, "bounding_boxes": boxes}
    out = layer(batch)
    assert set(out) == set(batch)
    assert set(batch) == {"images", "bounding_boxes"}
    np.testing.assert_array_equal(
        ops.convert_to_numpy(out["bounding_boxes"]["boxes"]), boxes["boxes"]
    )
    assert (batch["images"] == 1).all()


def test_in_a_model_it_works_in_training_only():
    inputs = keras.Input((16, 12, 3), dtype="uint8")
    outputs = kt.layers.GridMask(probability=1.0, seed=0)(inputs)
    assert outputs.shape == (None, 16, 12, 3)
    model = keras.Model(inputs, outputs)
    images = np.full((4, 16, 12, 3), 9, "uint8")
    assert (ops.convert_to_numpy(model(images, training=False)) == 9).all()
    assert (ops.convert_to_numpy(model(images, training=True)) == 0).any()
    assert (model.predict(images, verbose=0) == 9).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"d_min": 10}, TypeError, "must both be integers .pixels. or both floats"),
        ({"d_min": 0.5, "d_max": 0.5}, ValueError, "`d_min` must be above 0 and below"),
        ({"d_min": 0.5, "d_max": 1.5}, ValueError, "`d_max` must be between 0 and 1"),
        ({"d_min": 9, "d_max": 9}, ValueError, "below `d_max`"),
        ({"ratio": 1.2}, ValueError, "`ratio` must be between 0 and 1"),
        ({"mode": 2}, ValueError, "`mode` must be one of 0, 1. Received: mode=2"),
        ({"rotate": 0}, ValueError, "`rotate` must be between 1 and 360"),
        ({"probability": 1.1}, ValueError, "`probability`"),
        ({"fill_value": None}, TypeError, "`fill_value` must be a number"),
        ({"ramp_steps": -1}, ValueError, "`ramp_steps` must be at least 0"),
        ({"ramp_steps": 0.5}, TypeError, "`ramp_steps` must be an integer"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.GridMask(**arguments)


def test_bad_images_are_refused():
    with pytest.raises(ValueError, match=r"\(height, width, channels\) or \(batch"):
        kt.layers.GridMask()(np.ones((4, 4)))
