import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt


def erased(batch=64, height=20, width=28, **arguments):
    """Return which pixels are erased, `(batch, height, width)`."""
    images = np.ones((batch, height, width, 1), "uint8")
    layer = kt.layers.RandomErasing(**{"seed": 1, "probability": 1.0, **arguments})
    return ops.convert_to_numpy(layer(images))[..., 0] == 0


def sides(masks):
    """Return heights and widths of boxes, 0 where nothing is erased."""
    return masks.any(2).sum(1), masks.any(1).sum(1)


def drawn_sides(count, height, width, area=(0.02, 1 / 3), aspect=(0.3, 1 / 0.3)):
    """Draw boxes one by one as the definition says."""
    rng = np.random.default_rng(0)
    found = np.zeros((count, 2), int)
    for i in range(count):
        for _ in range(10):
            pixels = rng.uniform(*area) * height * width
            ratio = math.exp(rng.uniform(*np.log(aspect)))
            tall = round(math.sqrt(pixels * ratio))
            wide = round(math.sqrt(pixels / ratio))
            if tall < height and wide < width:
                found[i] = tall, wide
                break
    return found.T


def assert_alike(mine, theirs):
    """Compare area and aspect of boxes, and how often there is none."""
    (tall, wide), (their_tall, their_wide) = mine, theirs
    assert np.mean(tall == 0) == pytest.approx(np.mean(their_tall == 0), abs=0.03)
    some, others = tall > 0, their_tall > 0
    for mine, theirs in (
        ((tall * wide)[some], (their_tall * their_wide)[others]),
        ((tall / np.maximum(wide, 1))[some], (their_tall / their_wide.clip(1))[others]),
    ):
        assert stats.ks_2samp(mine, theirs).pvalue > 0.01


# A square, 4:3, and so long that many boxes do not fit.
SIZES = [(32, 32), (48, 64), (200, 12)]


@pytest.mark.parametrize("size", SIZES)
def test_boxes_are_distributed_as_those_drawn_one_by_one(size):
    masks = erased(4000, *size, seed=2)
    for mask in masks[:200]:
        rows, columns = mask.any(1), mask.any(0)
        assert (mask == rows[:, None] & columns).all()
        assert np.diff(np.nonzero(rows)[0]).max(initial=1) == 1
        assert np.diff(np.nonzero(columns)[0]).max(initial=1) == 1
    assert_alike(sides(masks), drawn_sides(4000, *size))


def test_area_is_uniform_and_aspect_log_uniform_on_a_4_to_3_image():
    # Boxes that always fit, large enough for rounding not to show.
    tall, wide = sides(erased(4000, 96, 128, area=(0.05, 0.2)))
    area = tall * wide / (96 * 128)
    assert stats.kstest(area, stats.uniform(0.05, 0.15).cdf).pvalue > 0.01
    aspect = np.log(tall / wide) / math.log(1 / 0.3)
    assert stats.kstest(aspect, stats.uniform(-1, 2).cdf).pvalue > 0.01
    assert np.median(tall / wide) == pytest.approx(1, abs=0.05)


def test_sides_follow_from_area_and_aspect():
    tall, wide = sides(erased(16, 40, 60, area=(0.1, 0.1), aspect=(0.6, 0.6)))
    assert set(tall) == {round(math.sqrt(0.1 * 2400 * 0.6))}
    assert set(wide) == {round(math.sqrt(0.1 * 2400 / 0.6))}


def test_place_is_uniform_and_always_inside():
    masks = erased(4000, 9, 8, area=(0.28, 0.28), aspect=(1.25, 1.25))
    tall, wide = sides(masks)
    assert (set(tall), set(wide)) == ({5}, {4})
    counts = np.zeros((5, 5))
    np.add.at(counts, (masks.any(2).argmax(1), masks.any(1).argmax(1)), 1)
    assert stats.chisquare(counts.ravel()).pvalue > 0.01


def test_box_that_never_fits_leaves_the_image():
    assert not erased(area=(1.0, 1.0)).any()
    # As wide as the image is not smaller than it.
    assert not erased(8, 10, 10, area=(1.0, 1.0), aspect=(1.0, 1.0)).any()
    assert erased(8, 10, 10, area=(0.81, 0.81), aspect=(1.0, 1.0)).any((1, 2)).all()


def test_more_tries_find_more_boxes():
    shares = [
        erased(500, 100, 8, num_tries=tries).any((1, 2)).mean() for tries in (1, 2, 40)
    ]
    one = shares[0]
    assert shares[1] == pytest.approx(1 - (1 - one) ** 2, abs=0.08)
    assert shares[2] > 0.99


def test_probability_is_that_of_an_image():
    untouched = ~erased(400, probability=0.3).any((1, 2))
    assert untouched.mean() == pytest.approx(0.7, abs=0.08)
    assert not erased(probability=0.0).any()
    assert erased(probability=1.0).any((1, 2)).all()
    with_noise = colours(200, mode="pixel", probability=0.5)
    assert (with_noise == -9).all((1, 2, 3)).mean() == pytest.approx(0.5, abs=0.12)


def test_count_splits_the_area_among_the_boxes():
    masks = erased(400, 60, 60, count=4, area=(0.2, 0.2), aspect=(1.0, 1.0))
    # 4 squares of round(sqrt(0.2 · 3600 / 4)) = 13 pixels, which may overlap
    sizes = masks.sum((1, 2))
    assert sizes.max() == 4 * 13**2
    assert np.mean(sizes == 4 * 13**2) > 0.2
    assert sizes.min() >= 13**2


def colours(batch=64, height=20, width=28, **arguments):
    """Return images of three channels, -9 where nothing is erased."""
    images = np.full((batch, height, width, 3), -9, "float32")
    layer = kt.layers.RandomErasing(**{"seed": 1, "probability": 1.0, **arguments})
    return ops.convert_to_numpy(layer(images))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_rand_is_one_normal_colour_per_box_and_channel(data_format):
    images = np.full((1400, 9, 7, 3), -9, "float32")
    if data_format == "channels_first":
        images = images.transpose(0, 3, 1, 2)
    layer = kt.layers.RandomErasing(
        1.0, mode="rand", fill_value=2.0, std=0.5, data_format=data_format, seed=3
    )
    out = ops.convert_to_numpy(layer(images))
    if data_format == "channels_first":
        out = out.transpose(0, 2, 3, 1)
    found = []
    for image in out:
        values = image[(image != -9).any(-1)]
        assert (values == values[:1]).all()
        found.append(values[0])
    found = np.array(found)
    assert stats.kstest(found.ravel(), stats.norm(2, 0.5).cdf).pvalue > 0.01
    assert np.abs(np.corrcoef(found.T) - np.eye(3)).max() < 0.1


def test_rand_gives_every_box_a_colour_of_its_own():
    images = colours(mode="rand", count=3, area=(0.05, 0.05))
    distinct = [len(np.unique(i.reshape(-1, 3), axis=0)) for i in images]
    assert max(distinct) == 4  # three boxes and what is not erased


def test_pixel_is_normal_noise_per_value():
    images = colours(16, mode="pixel", fill_value=1.0, std=2.0, area=(0.3, 0.3))
    masks = images != -9
    same = erased(16, area=(0.3, 0.3))
    np.testing.assert_array_equal(masks, np.repeat(same[..., None], 3, -1))
    values = images[masks]
    assert len(values) > 4000
    assert stats.kstest(values, stats.norm(1, 2).cdf).pvalue > 0.01
    assert (
        len({image[mask].tobytes() for image, mask in zip(images, masks, strict=True)})
        == 16
    )
    pairs = values[:-1], values[1:]  # the channels of a pixel and its neighbour
    assert abs(np.corrcoef(*pairs)[0, 1]) < 0.04


def test_noise_in_integers_is_rounded_and_clipped():
    arguments = {
        "mode": "pixel",
        "fill_value": 116,
        "std": 58,
        "seed": 2,
        "area": (0.5,) * 2,
    }
    layer = kt.layers.RandomErasing(1.0, aspect=(1.0, 1.0), **arguments)
    out = ops.convert_to_numpy(layer(np.zeros((40, 20, 20, 3), "uint8")))
    erased = out[out.any(-1)].astype(float)  # ~20,000 values
    assert erased.mean() == pytest.approx(116, abs=2)
    assert erased.std() == pytest.approx(57, abs=2)
    expected = stats.norm(116, 58)
    assert np.mean(erased == 255) == pytest.approx(expected.sf(254.5), abs=0.005)
    assert np.mean(erased == 0) == pytest.approx(expected.cdf(0.5), abs=0.01)
    arguments.update(fill_value=10, std=1)
    layer = kt.layers.RandomErasing(1.0, aspect=(1.0, 1.0), **arguments)
    out = ops.convert_to_numpy(layer(np.zeros((40, 20, 20, 3), "uint8")))
    assert out[out > 0].mean() == pytest.approx(10, abs=0.05)  # not 9.5


@pytest.mark.parametrize("mode", ["const", "rand", "pixel"])
@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_what_is_not_erased_stays(mode, dtype):
    images = np.random.default_rng(0).integers(0, 90, (6, 12, 9, 3)).astype(dtype)
    layer = kt.layers.RandomErasing(
        1.0, (0.3, 0.3), mode=mode, fill_value=200, std=20, count=2, seed=0
    )
    out = ops.convert_to_numpy(layer(images))
    assert out.dtype == images.dtype
    filled = (out > 95).all(-1)
    assert 0.1 < filled.mean() < 0.32
    np.testing.assert_array_equal(out[~filled], images[~filled])


@pytest.mark.slow
def test_noise_is_the_same_under_xla_byte_for_byte():
    tf = pytest.importorskip("tensorflow")
    images = np.zeros((64, 30, 20, 3), "uint8")
    layers = [
        kt.layers.RandomErasing(
            1.0, mode=mode, fill_value=116, std=58, count=2, seed=seed
        )
        for seed in (4, 5)
        for mode in ("rand", "pixel")
    ]
    eager = [ops.convert_to_numpy(layer(images)) for layer in layers]
    again = [type(layer).from_config(layer.get_config()) for layer in layers]
    compiled = tf.function(lambda x: [layer(x) for layer in again], jit_compile=True)
    np.testing.assert_array_equal(compiled(images), eager)


def test_fill_value_that_integers_cannot_hold_is_refused():
    layer = kt.layers.RandomErasing(fill_value=0.5)
    with pytest.raises(ValueError, match=r"uint8 images\. Received: fill_value=0\.5"):
        layer(np.zeros((2, 4, 4, 3), "uint8"))


@pytest.mark.parametrize("mode", ["const", "rand", "pixel"])
def test_one_image_without_batch_axis(mode):
    image = np.full((20, 28, 3), -9, "float32")
    alone = kt.layers.RandomErasing(1.0, mode=mode, seed=5)(image)
    batch = kt.layers.RandomErasing(1.0, mode=mode, seed=5)(image[None])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(alone), ops.convert_to_numpy(batch)[0]
    )
    assert (ops.convert_to_numpy(alone) != -9).any()


def test_channels_first_is_channels_last_transposed():
    images = np.random.default_rng(0).random((3, 12, 9, 2)).astype("float32")
    for mode in ("const", "rand"):  # noise per value has another order
        arguments = {"probability": 1.0, "mode": mode, "count": 2, "seed": 5}
        last = ops.convert_to_numpy(kt.layers.RandomErasing(**arguments)(images))
        layer = kt.layers.RandomErasing(data_format="channels_first", **arguments)
        first = ops.convert_to_numpy(layer(images.transpose(0, 3, 1, 2)))
        np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)


def test_boxes_masks_and_labels_are_passed_on():
    batch = {
        "bounding_boxes": {"boxes": np.ones((2, 1, 4)), "labels": np.zeros((2, 1))},
        "segmentation_masks": np.ones((2, 8, 9)),
        "labels": np.array([1, 2]),
    }
    layer = kt.layers.RandomErasing(1.0, seed=0)
    out = layer({"images": np.ones((2, 8, 9, 3)), **batch})
    assert (ops.convert_to_numpy(out.pop("images")) == 0).any()
    assert keras.tree.map_structure(np.shape, out) == keras.tree.map_structure(
        np.shape, batch
    )
    for mine, given in zip(*map(keras.tree.flatten, (out, batch)), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(mine), given)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"probability": 1.1}, ValueError, "`probability` must be between 0 and 1"),
        ({"area": 0.3}, TypeError, "`area` must be two numbers"),
        ({"area": (0.1, 1.5)}, ValueError, "`area` must be between 0 and 1"),
        (
            {"area": (0.3, 0.1)},
            ValueError,
            "`area` must not fall. Received: area",
        ),
        ({"aspect": (0.3,)}, TypeError, "`aspect` must be two numbers"),
        ({"aspect": (0.0, 1.0)}, ValueError, "`aspect` must be above 0"),
        ({"mode": "noise"}, ValueError, "must be one of 'const', 'rand', 'pixel'"),
        ({"fill_value": None}, TypeError, "`fill_value` must be a number"),
        ({"std": -1}, ValueError, "`std` must be at least 0"),
        ({"count": 0}, ValueError, "`count` must be between 1 and 32"),
        ({"num_tries": 0}, ValueError, "`num_tries` must be at least 1"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.RandomErasing(**arguments)


def their_sides(erase, count, height, width):
    import torch

    found = []
    for _ in range(count):
        mask = (erase(torch.ones(1, height, width))[0] == 0).numpy()
        found.append((mask.any(1).sum(), mask.any(0).sum()))
    return np.array(found).T


@pytest.mark.reference
@pytest.mark.parametrize("size", SIZES)
def test_boxes_are_distributed_as_in_timm(size, timm):
    import random

    random.seed(0)
    erase = timm.data.random_erasing.RandomErasing(1.0, device="cpu")
    assert_alike(sides(erased(4000, *size, seed=2)), their_sides(erase, 4000, *size))


@pytest.mark.reference
@pytest.mark.parametrize("size", SIZES)
def test_boxes_are_distributed_as_in_torchvision(size, timm):
    import torch
    from torchvision.transforms import v2

    torch.manual_seed(1)
    erase = v2.RandomErasing(1.0)
    arguments = {"area": (0.02, 0.33), "aspect": (0.3, 3.3)}
    mine = sides(erased(4000, *size, seed=2, **arguments))
    assert_alike(mine, their_sides(erase, 4000, *size))
