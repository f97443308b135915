import colorsys
import itertools

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 5, 7, 3)).astype("uint8")
IMAGES[:, 0, :4] = [[0, 0, 0], [255, 255, 255], [90, 90, 90], [10, 200, 200]]
ORDERS = list(itertools.permutations(range(3)))
NEUTRAL = {
    "brightness": (1, 1),
    "contrast": (1, 1),
    "saturation": (1, 1),
    "hue": (0, 0),
}


def distorted(images=IMAGES, seed=0, **arguments):
    layer = kt.layers.RandomPhotometricDistort(**{"seed": seed, **arguments})
    return ops.convert_to_numpy(layer(images))


def matches(images, candidates, atol=1):
    """Return for every image which candidates, in which order of channels, it is.

    In a few values of a thousand a float next to a whole number is cut to another.
    """
    found = []
    for i, image in enumerate(images):
        same = [
            (name, order)
            for name, expected in candidates.items()
            for order in ORDERS
            if _close(image, expected[i][..., order], atol)
        ]
        assert same, f"image {i} is none of them"
        found.append(same[0])
    return found


def _close(image, expected, atol):
    difference = np.abs(image.astype(float) - expected)
    return difference.max() <= atol and np.mean(difference > atol / 2) < 0.05


def brightness(images, factor):
    return np.floor(np.minimum(images * factor, 255))


def grey(images):
    weighed = images.astype(int) @ [2989, 5870, 1140]
    return (weighed // 10_000)[..., None]


def contrast(images, factor):
    mean = grey(images).mean(axis=(1, 2, 3), keepdims=True)
    return np.floor(np.clip(mean + factor * (images - mean), 0, 255))


def saturation(images, factor):
    shades = grey(images)
    return np.floor(np.clip(shades + factor * (images - shades), 0, 255))


def hue(images, turns):
    def turn(pixel):
        h, s, v = colorsys.rgb_to_hsv(*(pixel / 255))
        return np.floor(np.array(colorsys.hsv_to_rgb((h + turns) % 1, s, v)) * 255.999)

    return np.apply_along_axis(turn, -1, images)


@pytest.mark.parametrize(
    ("name", "function", "value"),
    [
        ("brightness", brightness, 1.2718),
        ("contrast", contrast, 1.4),
        ("contrast", contrast, 0.6),
        ("saturation", saturation, 1.7),
        ("saturation", saturation, 0.3),
        ("hue", hue, 0.31),
        ("hue", hue, -0.05),
    ],
)
def test_each_change_is_its_formula(name, function, value):
    changed = distorted(probability=1, **{**NEUTRAL, name: (value, value)})
    assert changed.dtype == "uint8"
    found = matches(changed, {"": function(IMAGES, value)})
    assert len({order for _, order in found}) == 6


def test_contrast_comes_first_or_last():
    arguments = {"brightness": 1.1, "contrast": 1.4, "saturation": 1.5, "hue": 0.04}
    ranges = {name: (value, value) for name, value in arguments.items()}
    first = brightness(IMAGES, 1.1)
    before = hue(saturation(contrast(first, 1.4), 1.5), 0.04)
    after = contrast(hue(saturation(first, 1.5), 0.04), 1.4)
    changed = distorted(probability=1, **ranges)
    found = matches(changed, {"before": before, "after": after})
    assert {name for name, _ in found} == {"before", "after"}


def test_floats_are_not_rounded():
    ranges = {"brightness": (1.1, 1.1), "saturation": (0.5, 0.5), "hue": (0.1, 0.1)}
    ranges = {**NEUTRAL, **ranges, "probability": 1}
    images = (IMAGES / 255).astype("float32")
    floats = distorted(images, value_range=(0, 1), **ranges)
    assert floats.dtype == "float32"
    whole = distorted(**ranges)
    np.testing.assert_allclose(255 * floats, whole, atol=4)
    assert np.std(255 * floats - whole) > 0.1
    shifted = distorted(2 * images - 1, value_range=(-1, 1), **ranges)
    np.testing.assert_allclose(shifted, 2 * floats - 1, atol=1e-5)


def test_half_of_the_images_draw_each_factor_uniformly():
    grey_images = np.full((2000, 1, 1, 1), 100, "float32")
    changed = distorted(grey_images, contrast=(1, 1)).ravel()
    drawn = changed[changed != 100]
    assert len(drawn) / 2000 == pytest.approx(0.5, abs=0.05)
    assert stats.kstest(drawn, "uniform", (87.5, 25)).pvalue > 0.01


def test_half_of_the_images_get_any_order_of_channels():
    images = np.tile(np.array([10, 20, 30], "uint8"), (3000, 1, 1, 1))
    found = distorted(images, **NEUTRAL)[:, 0, 0] // 10 - 1
    counts = np.array([(found == order).all(1).mean() for order in ORDERS])
    np.testing.assert_allclose(counts, [7 / 12] + [1 / 12] * 5, atol=0.04)


def test_one_channel_changes_light_and_contrast():
    images = IMAGES[..., :1]
    changed = distorted(
        images, probability=1, brightness=(1.2, 1.2), contrast=(0.5, 0.5)
    )
    bright = brightness(images, 1.2)
    mean = bright.mean(axis=(1, 2, 3), keepdims=True)
    expected = np.floor(mean + 0.5 * (bright - mean))
    np.testing.assert_allclose(changed, expected, atol=1)
    assert np.mean(changed != expected) < 0.01


def test_nothing_happens_with_probability_zero():
    np.testing.assert_array_equal(distorted(probability=0), IMAGES)


def test_boxes_and_masks_stay():
    boxes = {"boxes": np.ones((24, 2, 4)), "labels": np.array([[1, -1]] * 24)}
    batch = {"images": IMAGES, "bounding_boxes": boxes, "segmentation_masks": IMAGES}
    out = kt.layers.RandomPhotometricDistort(seed=1)(batch)
    assert (ops.convert_to_numpy(out["images"]) != IMAGES).any()
    for key in ("bounding_boxes", "segmentation_masks"):
        flat = (keras.tree.flatten(x[key]) for x in (batch, out))
        for old, new in zip(*flat, strict=True):
            np.testing.assert_array_equal(old, ops.convert_to_numpy(new))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"brightness": 0.2}, TypeError, "`brightness` must be two numbers"),
        ({"contrast": (-1, 1)}, ValueError, "`contrast` must be at least 0"),
        ({"saturation": (2, 1)}, ValueError, "`saturation` must not fall"),
        ({"hue": (-1, 1)}, ValueError, "`hue` must be between -0.5 and 0.5"),
        ({"probability": 2}, ValueError, "`probability` must be between 0 and 1"),
        ({"value_range": (1, 1)}, ValueError, "`value_range` must rise"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.RandomPhotometricDistort(**arguments)


def test_images_of_two_channels_are_refused():
    with pytest.raises(ValueError, match="one channel or three"):
        distorted(IMAGES[..., :2])


@pytest.mark.reference
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_it_is_torchvisions(timm, dtype):
    import torch
    from torchvision.transforms.v2 import RandomPhotometricDistort

    # No round numbers: multiples of 0.2 lie on the border of two grey levels.
    values = [1.1037, 0.7071, 1.4137, -0.0417]
    values = dict(zip(NEUTRAL, values, strict=True))
    images = IMAGES if dtype == "uint8" else (IMAGES / 255).astype("float32")
    theirs = {}
    for before in (True, False):
        params = {f"{name}_factor": value for name, value in values.items()}
        params |= {"contrast_before": before, "channel_permutation": None}
        tensor = torch.tensor(images.transpose(0, 3, 1, 2))
        changed = [RandomPhotometricDistort().transform(x, params) for x in tensor]
        theirs[before] = torch.stack(changed).numpy().transpose(0, 2, 3, 1)
    mine = distorted(
        images,
        probability=1,
        value_range=(0, 255 if dtype == "uint8" else 1),
        **{name: (value, value) for name, value in values.items()},
    )
    found = matches(mine, theirs, 1 if dtype == "uint8" else 1e-5)
    assert {before for before, _ in found} == {True, False}


def test_without_swap_channels_the_order_stays():
    neutral = {**NEUTRAL, "probability": 1.0}
    same = distorted(**neutral, swap_channels=False)
    np.testing.assert_array_equal(same, IMAGES)
    assert (distorted(**neutral) != IMAGES).any()
