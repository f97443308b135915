"""The private resizing of the crops has tests of its own: its oracle is Pillow."""

import numpy as np
import pytest
from keras import ops

from keras_tricks.layers._resize import bilinear, nearest, on_channels, weigh

tf = pytest.importorskip("tensorflow")

# (height, width), (new height, new width): larger, smaller, one of each, as it is
SIZES = [
    ((7, 9), (20, 31)),
    ((40, 61), (12, 7)),
    ((33, 10), (16, 25)),
    ((11, 50), (30, 20)),
    ((8, 6), (8, 6)),
    ((1, 1), (3, 2)),
]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype("uint8")


def windows(count, height, width, seed=1):
    rng = np.random.default_rng(seed)
    heights, widths = (
        rng.integers(1, height + 1, count),
        rng.integers(1, width + 1, count),
    )
    heights[0], widths[0] = height, width
    top, left = (
        rng.integers(0, height - heights + 1),
        rng.integers(0, width - widths + 1),
    )
    return [x.astype("int32") for x in (top, left, heights, widths)]


def resized(images, window, size, **arguments):
    window = [ops.convert_to_tensor(side) for side in window]
    images = ops.convert_to_tensor(images)
    return ops.convert_to_numpy(bilinear(images, window, size, **arguments))


def whole(images):
    count, height, width = images.shape[:3]
    return [np.full(count, x, "int32") for x in (0, 0, height, width)]


def cut(image, window, i):
    top, left, height, width = (side[i] for side in window)
    return image[top : top + height, left : left + width]


def by_pillow(image, size):
    """Resize columns, then rows: in one call Pillow 13 takes the cheaper order."""
    from PIL import Image

    image = Image.fromarray(image)
    image = image.resize((size[1], image.height), Image.Resampling.BILINEAR)
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def triangle(old, new, antialias=True):
    """The matrix of weights `(new, old)` of one axis in float64."""
    scale = old / new
    reach = max(scale, 1) if antialias else 1
    centre = (np.arange(new)[:, None] + 0.5) * scale
    weights = np.maximum(1 - np.abs(np.arange(old) + 0.5 - centre) / reach, 0)
    return weights / weights.sum(1, keepdims=True)


def by_formula(image, size, antialias=True):
    rows = triangle(image.shape[0], size[0], antialias)
    columns = triangle(image.shape[1], size[1], antialias)
    return np.einsum("yh,hwc,xw->yxc", rows, image.astype("float64"), columns)


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_uint8_is_exactly_pillows(old, new):
    images = noise(2, *old, 3)
    expected = [by_pillow(image, new) for image in images]
    np.testing.assert_array_equal(resized(images, whole(images), new), expected)


@pytest.mark.parametrize("new", [(20, 31), (12, 7)])
def test_every_image_has_its_own_window_as_if_cut_out_before(new):
    images = noise(6, 30, 41, 3)
    window = windows(6, 30, 41)
    mine = resized(images, window, new)
    for i in range(6):
        alone = cut(images[i], window, i)
        np.testing.assert_array_equal(mine[i], by_pillow(alone, new))
        assert np.abs(mine[i] - by_formula(alone, new)).max() <= 1.001


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_floats_are_those_of_the_formula(old, new, antialias):
    images = np.random.default_rng(0).random((2, *old, 2)).astype("float32")
    expected = [by_formula(image, new, antialias) for image in images]
    mine = resized(images, whole(images), new, antialias=antialias)
    assert mine.dtype == "float32"
    np.testing.assert_allclose(mine, expected, atol=2e-6)


def test_without_antialias_uint8_is_rounded_from_the_formula():
    images = noise(2, 40, 30, 3)
    mine = resized(images, whole(images), (11, 9), antialias=False)
    for i in range(2):
        exact = by_formula(images[i], (11, 9), antialias=False)
        assert np.abs(mine[i] - exact).max() <= 1.001


def test_other_integers_are_rounded():
    images = noise(2, 9, 12, 1).astype("int32") * 100
    mine = resized(images, whole(images), (5, 7))
    expected = [by_formula(image, (5, 7)) for image in images]
    assert mine.dtype == "int32"
    assert np.abs(mine - expected).max() <= 0.51


def test_flat_images_stay_flat():
    for value, dtype in ((255, "uint8"), (1.0, "float32"), (0.3, "float16")):
        images = np.full((1, 37, 50, 1), value, dtype)
        mine = resized(images, whole(images), (13, 61))
        np.testing.assert_allclose(mine, images[0, 0, 0, 0], rtol=1e-6)


def test_nearest_takes_the_pixel_under_the_centre():
    images, window = noise(5, 30, 41, 3), windows(5, 30, 41)
    tensors = [ops.convert_to_tensor(side) for side in window]
    mine = nearest(ops.convert_to_tensor(images), tensors, (12, 25))
    for i, image in enumerate(ops.convert_to_numpy(mine)):
        alone = cut(images[i], window, i)
        height, width, _ = alone.shape
        rows = np.floor((np.arange(12) + 0.5) * height / 12 + 1e-9).astype(int)
        columns = np.floor((np.arange(25) + 0.5) * width / 25 + 1e-9).astype(int)
        np.testing.assert_array_equal(image, alone[rows][:, columns])


def test_weights_are_the_triangle_in_22_bits():
    for old, new in ((500, 224), (100, 224), (3000, 7), (1, 5)):
        begin, length = (ops.convert_to_tensor([x], "int32") for x in (2, old))
        index, weight = (
            ops.convert_to_numpy(x)[0] for x in weigh(begin, length, old, new)
        )
        full = np.zeros((new, old), "int64")
        np.add.at(full, (np.arange(new)[:, None], index - 2), weight)
        exact = triangle(old, new) * 2**22
        assert np.abs(full - exact).max() <= 0.5 + 1e-6
        assert np.abs(weight.sum(1) - 2**22).max() <= weight.shape[1] / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("height", "dtype"),
    [(5, "float32"), pytest.param(37, "uint8", marks=pytest.mark.slow)],
)
def test_datasets_of_known_and_unknown_sizes_give_the_same(height, dtype):
    images, window = noise(3, height, 29, 3).astype(dtype), windows(3, height, 29)
    eager = resized(images, window, (12, 31))
    data = tf.data.Dataset.from_tensors((images, *window))

    def compiled(images, *window):
        function = tf.function(
            lambda images, *window: bilinear(images, window, (12, 31)), jit_compile=True
        )
        return function(images, *window)

    def unknown(image, *window):
        image = tf.numpy_function(lambda x: x, [image], dtype)
        image.set_shape((None, None, None))
        return bilinear(image[None], [side[None] for side in window], (12, 31))[0]

    tolerance = 0 if dtype == "uint8" else 1e-4
    known = next(iter(data.map(compiled)))
    np.testing.assert_allclose(known, eager, atol=tolerance)
    single = data.unbatch().map(unknown)
    assert single.element_spec.shape[:2] == (12, 31)
    np.testing.assert_allclose(np.stack(list(single)), eager, atol=tolerance)


def test_channels_first_is_channels_last_transposed():
    images, window = noise(3, 14, 19, 2), windows(3, 14, 19)
    expected = resized(images, window, (6, 25)).transpose(0, 3, 1, 2)
    mine = on_channels(
        lambda images, *window: bilinear(images, window, (6, 25)),
        ops.convert_to_tensor(images.transpose(0, 3, 1, 2)),
        [ops.convert_to_tensor(side) for side in window],
        "channels_first",
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(mine), expected)


@pytest.mark.reference
@pytest.mark.parametrize("antialias", [True, False])
def test_uint8_is_torchvisions_within_one_level(timm, antialias):
    import torch
    from torchvision.transforms.v2 import functional

    images, window = noise(8, 60, 83, 3), windows(8, 60, 83)
    for size in ((48, 40), (70, 100), (20, 90)):
        mine = resized(images, window, size, antialias=antialias)
        for i in range(8):
            top, left, height, width = (int(side[i]) for side in window)
            image = torch.from_numpy(images[i].transpose(2, 0, 1).copy())
            theirs = functional.resized_crop(
                image, top, left, height, width, size, antialias=antialias
            )
            theirs = theirs.numpy().transpose(1, 2, 0).astype(int)
            assert np.abs(mine[i] - theirs).max() <= 1


@pytest.mark.reference
def test_nearest_is_torchvisions_exact_one(timm):
    import torch
    from torchvision.transforms.v2 import InterpolationMode, functional

    images = noise(1, 37, 53, 3)
    window = [ops.convert_to_tensor(side) for side in whole(images)]
    for size in ((19, 80), (64, 20)):
        mine = ops.convert_to_numpy(
            nearest(ops.convert_to_tensor(images), window, size)
        )
        image = torch.from_numpy(images[0].transpose(2, 0, 1).copy())
        theirs = functional.resize(image, size, InterpolationMode.NEAREST_EXACT)
        assert (mine[0] == theirs.numpy().transpose(1, 2, 0)).mean() > 0.99
