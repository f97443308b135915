import numpy as np
import operations_of_pillow
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

# Large enough for Pillow's equalization not to be the identity.
IMAGE = np.random.default_rng(0).integers(20, 230, (24, 30, 3), "uint8")


def augmented(count, **arguments):
    layer = kt.layers.TrivialAugment(**{"seed": 1, **arguments})
    function = tf.function(layer, autograph=False)
    return function(tf.constant(np.stack([IMAGE] * count))).numpy()


def every_result():
    """Return the result of every operation, level and sign, with its probability."""
    chances = {}
    for level in range(31):
        for sign in (1, -1):
            part = sign * level / 30
            enhance = ("Brightness", "Color", "Contrast", "Sharpness")
            rows = [
                ("Identity", 0),
                *((name, 0.99 * part) for name in ("ShearX", "ShearY")),
                *((name, int(32 * part)) for name in ("TranslateX", "TranslateY")),
                ("Rotate", 135 * part),
                *((name, 1 + 0.99 * part) for name in enhance),
                ("Posterize", 8 - round(level / 5)),
                ("Solarize", 255 - 8.5 * level),
                ("AutoContrast", 0),
                ("Equalize", 0),
            ]
            for row in rows:
                image = operations_of_pillow.apply(IMAGE, *row).tobytes()
                chances[image] = chances.get(image, 0) + 1 / 31 / 2 / len(rows)
    return chances


@pytest.mark.slow
def test_every_operation_level_and_sign_is_equally_frequent():
    chances = every_result()
    images = [image.tobytes() for image in augmented(3000)]
    assert set(images) <= set(chances)
    frequent = [image for image, p in chances.items() if p > 0.01]
    seen = [images.count(image) for image in frequent]
    seen.append(len(images) - sum(seen))
    expected = [chances[image] * len(images) for image in frequent]
    expected.append(len(images) - sum(expected))
    assert len(frequent) >= 3  # nothing, AutoContrast, Equalize
    assert stats.chisquare(seen, expected).pvalue > 0.01
    # Of those of a single level, 3.5 each: as many are missed as should be.
    rare = [p for p in chances.values() if p < 0.01]
    missed = sum((1 - p) ** len(images) for p in rare)
    found = len(set(images) - set(frequent))
    assert len(rare) - found == pytest.approx(missed, abs=4 * missed**0.5)


def test_fill_value_is_the_colour_from_outside():
    images = np.zeros((30, 12, 10, 3), "float32")
    layer = kt.layers.TrivialAugment(fill_value=0.5, value_range=(0, 1), seed=0)
    found = np.unique(ops.convert_to_numpy(layer(images)))
    np.testing.assert_allclose(found, [0, 128 / 255], atol=1e-6)


def test_boxes_and_masks_move_with_the_pixels():
    layer = kt.layers.TrivialAugment(bounding_box_format="xywh", seed=2)
    masks = np.zeros((24, 120, 100), "uint8")
    masks[:, 55:65, 45:53] = 1
    box = [45.0, 55.0, 8.0, 10.0]
    out = layer(
        {
            "images": np.full((24, 120, 100, 3), 90, "uint8"),
            "segmentation_masks": masks,
            "bounding_boxes": {
                "boxes": np.array([[box]] * 24, "float32"),
                "labels": np.zeros((24, 1), "int32"),
            },
        }
    )
    seen = 0
    for mask, found, label in zip(
        ops.convert_to_numpy(out["segmentation_masks"]),
        ops.convert_to_numpy(out["bounding_boxes"]["boxes"]),
        ops.convert_to_numpy(out["bounding_boxes"]["labels"]),
        strict=True,
    ):
        rows, columns = np.nonzero(mask)
        if not len(rows) or rows.max() == 119 or columns.max() == 99 or not rows.min():
            continue
        extent = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        np.testing.assert_allclose(found[0], extent, atol=2)
        assert label == 0
        seen += 1
    assert seen > 12


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"fill_value": (0, 0)}, ValueError, "`fill_value` must be a number, or three"),
        ({"value_range": 1}, TypeError, "`value_range` must be two numbers"),
        ({"bounding_box_format": "a"}, ValueError, "`bounding_box_format` must be one"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.TrivialAugment(**arguments)


@pytest.mark.reference
def test_torchvision_has_the_same_results(timm):
    import torch
    from PIL import Image
    from torchvision.transforms import TrivialAugmentWide

    torch.manual_seed(0)
    theirs, picture = TrivialAugmentWide(), Image.fromarray(IMAGE)
    theirs = {np.asarray(theirs(picture)).tobytes() for _ in range(2000)}
    known = set(every_result())
    # torchvision's float32 levels can fall on the other side of a pixel's border.
    assert len(theirs & known) / len(theirs) > 0.95
