import keras
import numpy as np
import operations_of_pillow
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt
from keras_tricks.layers.rand_augment import spread

tf = pytest.importorskip("tensorflow")

IMAGE = np.random.default_rng(0).integers(20, 230, (16, 12, 3), "uint8")
ENHANCE = ("Brightness", "Color", "Contrast", "Sharpness")
NOTHING = ("AutoContrast", "Equalize")


def torchvisions(level):
    """Return the operations and arguments of level `level`, each once per sign."""
    part = level / 30
    rows = []
    for sign in (1, -1):
        shift_x, shift_y = (int(150 / 331 * part * size) for size in (12, 16))
        rows += [
            ("Identity", 0),
            ("ShearX", sign * 0.3 * part),
            ("ShearY", sign * 0.3 * part),
            ("TranslateX", sign * shift_x),
            ("TranslateY", sign * shift_y),
            ("Rotate", sign * 30 * part),
            *((name, 1 + sign * 0.9 * part) for name in ENHANCE),
            ("Posterize", 8 - round(4 * part)),
            ("Solarize", 255 - 8.5 * level),
            *((name, 0) for name in NOTHING),
        ]
    return rows


def timms(level):
    """Return the same of timm's increasing operations."""
    part = level / 10
    rows = []
    for sign in (1, -1):
        rows += [
            ("ShearX", sign * 0.3 * part),
            ("ShearY", sign * 0.3 * part),
            ("TranslateX", sign * 0.45 * part * 12),
            ("TranslateY", sign * 0.45 * part * 16),
            ("Rotate", sign * 30 * part),
            *((name, max(0.1, 1 + sign * 0.9 * part)) for name in ENHANCE),
            ("Posterize", 4 - int(4 * part)),
            ("Solarize", 256 - int(256 * part)),
            ("SolarizeAdd", int(110 * part)),
            *((name, 0) for name in (*NOTHING, "Invert")),
        ]
    return rows


def results(rows, fill=0, image=IMAGE):
    return [operations_of_pillow.apply(image, *row, fill) for row in rows]


def augmented(count, image=IMAGE, **arguments):
    layer = kt.layers.RandAugment(**{"seed": 1, **arguments})
    function = tf.function(layer, autograph=False)
    return function(tf.constant(np.stack([image] * count))).numpy()


def frequencies(images, expected, weights):
    """Return how often each result was seen, and how often it should have been."""
    known = sorted({image.tobytes() for image in expected})
    seen = [known.index(image.tobytes()) for image in images]  # fails if unknown
    chances = np.zeros(len(known))
    for image, weight in zip(expected, weights, strict=True):
        chances[known.index(image.tobytes())] += weight
    return np.bincount(seen, minlength=len(known)), chances / chances.sum() * len(seen)


@pytest.mark.slow
def test_every_operation_and_sign_of_torchvision_is_equally_frequent():
    expected = results(torchvisions(20))
    images = augmented(1500, num_ops=1, magnitude=20)
    assert stats.chisquare(*frequencies(images, expected, np.ones(28))).pvalue > 0.01


@pytest.mark.slow
def test_half_of_timms_operations_are_applied():
    expected = [IMAGE, *results(timms(9), fill=(124, 116, 104))]
    images = augmented(1500, num_ops=1, dialect="timm_increasing")
    weights = [30, *np.ones(30)]
    assert stats.chisquare(*frequencies(images, expected, weights)).pvalue > 0.01


def test_operations_follow_one_another():
    rows = torchvisions(12)
    twice = {
        second.tobytes()
        for first in results(rows)
        for second in results(rows, image=first)
    }
    images = [image.tobytes() for image in augmented(300, magnitude=12)]
    # Not all: AutoContrast may differ from Pillow's by a grey level.
    assert np.mean([image in twice for image in images]) > 0.95
    assert len(set(images)) > 150


def eager(count, image=IMAGE, **arguments):
    layer = kt.layers.RandAugment(**{"seed": 1, **arguments})
    return ops.convert_to_numpy(layer(np.stack([image] * count)))


def test_probability_zero_does_nothing():
    assert (eager(9, magnitude=30, probability=0.0) == IMAGE).all()


def test_levels_are_normally_distributed_and_clipped():
    layer = kt.layers.RandAugment(magnitude=9, magnitude_std=0.5, dialect="timm")
    levels, limits = spread(9, 0.5, layer._dialect)
    assert len(levels) == len(limits) + 1 == 101
    chances = np.diff([0, *limits, 1])
    edges = np.array([-np.inf, *(np.arange(100) / 10 + 0.05), np.inf])
    np.testing.assert_allclose(
        chances, np.diff(stats.norm(9, 0.5).cdf(edges)), atol=1e-6
    )


def test_spread_magnitudes_differ_from_image_to_image():
    images = eager(60, num_ops=1, magnitude=15, magnitude_std=4)
    assert len(np.unique(images, axis=0)) > 28


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_dtype_does_not_matter(dtype):
    images = np.stack([IMAGE] * 5)
    expected = kt.layers.RandAugment(seed=3)(images)
    given = kt.layers.RandAugment(seed=3)(images.astype(dtype))
    assert keras.backend.standardize_dtype(given.dtype) == dtype
    np.testing.assert_array_equal(ops.convert_to_numpy(expected), given)


def test_value_range_is_rescaled():
    images = np.stack([IMAGE] * 5)
    expected = ops.convert_to_numpy(kt.layers.RandAugment(seed=3)(images)) / 127.5 - 1
    layer = kt.layers.RandAugment(seed=3, value_range=(-1, 1), fill_value=-1)
    given = layer((images / 127.5 - 1).astype("float32"))
    np.testing.assert_allclose(expected, ops.convert_to_numpy(given), atol=1e-6)


def test_floats_are_rounded_to_grey_levels():
    images = np.full((4, 8, 8, 1), 99.6, "float32")
    layer = kt.layers.RandAugment(seed=3, probability=0.0)
    assert (ops.convert_to_numpy(layer(images)) == 100).all()
    assert (ops.convert_to_numpy(layer(images + 500)) == 255).all()


def test_grey_images_are_those_of_pillow():
    image = IMAGE[..., :1]
    expected = {r.tobytes() for r in results(torchvisions(20), image=image)}
    images = eager(40, image=image, num_ops=1, magnitude=20)
    assert {image.tobytes() for image in images} <= expected


@pytest.mark.parametrize(
    ("channels", "arguments", "colours"),
    [
        (3, {"dialect": "timm"}, {(124, 116, 104)}),
        (1, {"dialect": "timm"}, {(117,)}),
        (3, {"dialect": "paper"}, {(128, 128, 128)}),
        (3, {"fill_value": (1, 2, 3)}, {(1, 2, 3)}),
        (1, {"fill_value": 77}, {(77,)}),
    ],
)
def test_fill_value_is_the_colour_from_outside(channels, arguments, colours):
    # Nothing but fill can leave a middle grey in a black image.
    images = np.zeros((30, 9, 9, channels), "uint8")
    layer = kt.layers.RandAugment(
        num_ops=1, magnitude=10, seed=0, probability=1.0, **arguments
    )
    found = np.unique(ops.convert_to_numpy(layer(images)).reshape(-1, channels), axis=0)
    inverted = {(v,) * channels for v in (0, 110, 255)}
    assert {tuple(v) for v in found.tolist()} - inverted == colours


def moving(count=24, **arguments):
    """Return a layer, and a batch with a rectangle, its box and its masks."""
    layer = kt.layers.RandAugment(
        magnitude=10, bounding_box_format="xyxy", seed=2, **arguments
    )
    masks = np.zeros((count, 80, 60), "int32")
    masks[:, 32:46, 24:34] = 3
    box = [24, 32, 34, 46]
    return layer, {
        "images": np.full((count, 80, 60, 3), 90, "uint8"),
        "labels": np.arange(count),
        "segmentation_masks": masks,
        "bounding_boxes": {
            "boxes": np.array([[box, [-1] * 4]] * count, "float32"),
            "labels": np.array([[5, -1]] * count),
        },
    }


def test_boxes_and_masks_move_with_the_pixels():
    layer, batch = moving()
    out = layer(batch)
    boxes = out["bounding_boxes"]
    moved = 0
    for mask, box, label in zip(
        ops.convert_to_numpy(out["segmentation_masks"]),
        ops.convert_to_numpy(boxes["boxes"]),
        ops.convert_to_numpy(boxes["labels"]),
        strict=True,
    ):
        rows, columns = np.nonzero(mask)
        extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box[0], extent, atol=1.5)
        assert (box[1] == -1).all()
        assert label.tolist() == [5, -1]
        assert set(np.unique(mask)) == {0, 3}
        moved += extent != [24, 32, 34, 46]
    assert moved > 8
    np.testing.assert_array_equal(ops.convert_to_numpy(out["labels"]), np.arange(24))


def test_masks_of_several_classes_and_floats():
    layer, batch = moving(8)
    plain = ops.convert_to_numpy(layer(batch)["segmentation_masks"])
    layer, _ = moving(8)
    batch["segmentation_masks"] = np.stack(
        [batch["segmentation_masks"], 0.5 + np.zeros((8, 80, 60))], -1
    ).astype("float32")
    several = ops.convert_to_numpy(layer(batch)["segmentation_masks"])
    assert several.dtype == "float32"
    np.testing.assert_array_equal(several[..., 0], plain)
    assert set(np.unique(several[..., 1])) <= {0.0, 0.5}


def test_boxes_need_a_format():
    _, batch = moving(2)
    with pytest.raises(ValueError, match="`bounding_box_format`"):
        kt.layers.RandAugment()(batch)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_other_channels_are_refused(data_format):
    shape = (2, 8, 8, 4) if data_format == "channels_last" else (2, 4, 8, 8)
    layer = kt.layers.RandAugment(data_format=data_format)
    with pytest.raises(ValueError, match="1 channel or 3, channels_"):
        layer(np.zeros(shape, "uint8"))


def test_channels_first_is_channels_last_transposed():
    images = np.stack([IMAGE] * 6)
    last = kt.layers.RandAugment(seed=5)(images)
    layer = kt.layers.RandAugment(seed=5, data_format="channels_first")
    first = ops.convert_to_numpy(layer(images.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(
        first.transpose(0, 2, 3, 1), ops.convert_to_numpy(last)
    )


def test_one_image_without_batch_axis():
    alone = kt.layers.RandAugment(seed=5)(IMAGE)
    batch = kt.layers.RandAugment(seed=5)(IMAGE[None])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(alone), ops.convert_to_numpy(batch)[0]
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_ops": 0}, ValueError, "`num_ops` must be at least 1"),
        ({"magnitude": 31}, ValueError, "between 0 and 30.*dialect='torchvision'"),
        ({"magnitude": 9.5}, TypeError, "`magnitude` must be an integer.*torchvision"),
        (
            {"magnitude": 11, "dialect": "timm"},
            ValueError,
            "`magnitude` must be between 0 and 10. .*dialect='timm'",
        ),
        ({"magnitude_std": -1}, ValueError, "`magnitude_std` must be at least 0"),
        ({"dialect": "keras"}, ValueError, "`dialect` must be one of 'torchvision'"),
        ({"probability": 2}, ValueError, "`probability` must be between 0 and 1"),
        ({"fill_value": (1, 2)}, ValueError, "`fill_value` must be a number, or three"),
        ({"fill_value": "red"}, TypeError, "`fill_value` must be a number"),
        ({"value_range": 255}, TypeError, "`value_range` must be two numbers"),
        ({"value_range": (1, 0)}, ValueError, "`value_range` must rise"),
        ({"bounding_box_format": "xy"}, ValueError, "`bounding_box_format`"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.RandAugment(**arguments)


@pytest.mark.reference
@pytest.mark.parametrize("level", [4, 17])
def test_results_are_torchvisions_and_as_frequent(timm, level):
    import torch
    from PIL import Image
    from torchvision.transforms import RandAugment

    torch.manual_seed(0)
    theirs = RandAugment(num_ops=1, magnitude=level)
    picture = Image.fromarray(IMAGE)
    theirs = [np.asarray(theirs(picture)).tobytes() for _ in range(2000)]
    mine = [i.tobytes() for i in augmented(2000, num_ops=1, magnitude=level)]
    known = sorted({*theirs, *mine})
    table = [[found.count(image) for image in known] for found in (mine, theirs)]
    assert len(known) < 28
    assert stats.chi2_contingency(table).pvalue > 0.01
