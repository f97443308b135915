import numpy as np
import operations_of_pillow
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

# Large enough for Pillow's equalization not to be the identity.
IMAGE = np.random.default_rng(0).integers(20, 230, (24, 30, 3), "uint8")


def augmented(count, image=IMAGE, **arguments):
    layer = kt.layers.AutoAugment(**{"seed": 1, **arguments})
    function = tf.function(layer, autograph=False)
    return function(tf.constant(np.stack([image] * count))).numpy()


# The first pair of the ImageNet policy, of level 8 and 9, in two dialects.
FIRST = {
    "torchvision": ([("Posterize", 4)], [("Rotate", 30.0), ("Rotate", -30.0)]),
    "timm": ([("Posterize", 7)], [("Rotate", 27.0), ("Rotate", -27.0)]),
}


def chances_of_first_pair(dialect, fill):
    """Return the results of `Posterize 0.4, Rotate 0.6` and their probabilities."""
    posterized, rotated = FIRST[dialect]
    chances = {}
    for first, p in ((None, 0.6), (posterized[0], 0.4)):
        image = IMAGE if first is None else operations_of_pillow.apply(IMAGE, *first)
        chances[image.tobytes()] = p * 0.4
        for row in rotated:
            result = operations_of_pillow.apply(image, *row, fill)
            chances[result.tobytes()] = p * 0.6 / 2
    return chances


@pytest.mark.parametrize(
    ("dialect", "fill"), [("torchvision", 0), ("timm", (124, 116, 104))]
)
def test_first_pair_is_as_frequent_as_its_probabilities(dialect, fill):
    chances = chances_of_first_pair(dialect, fill)
    images = [image.tobytes() for image in augmented(1200, dialect=dialect)]
    del chances[IMAGE.tobytes()]  # other pairs do nothing, too
    seen = [images.count(image) for image in chances]
    expected = [p * 1200 / 25 for p in chances.values()]
    # One other pair has these results: `Rotate 0.4, Equalize 0.6` without the latter.
    for row in FIRST[dialect][1]:
        alone = operations_of_pillow.apply(IMAGE, *row, fill).tobytes()
        expected[list(chances).index(alone)] += 1200 / 25 * 0.4 * 0.4 / 2
    rest = [len(images) - sum(seen), len(images) - sum(expected)]
    assert stats.chisquare([*seen, rest[0]], [*expected, rest[1]]).pvalue > 0.01


def test_pairs_are_drawn_uniformly_and_per_image():
    # As rows of the table: two per operation, one for each sign.
    layer = kt.layers.AutoAugment(policy="svhn")
    numbers = np.random.default_rng(0).random((20_000, 5)).astype("float32")
    rows = ops.convert_to_numpy(layer.choose(ops.convert_to_tensor(numbers)))
    assert rows.shape == (20_000, 2)
    assert rows.min() == 0
    assert rows.max() <= 100
    applied = rows > 0
    pair, slot, sign = (rows - 1) // 4, (rows - 1) // 2 % 2, (rows - 1) % 2
    assert (slot == [0, 1])[applied].all()
    both = applied.all(1)
    assert (pair[both, 0] == pair[both, 1]).all()
    assert sign[applied].mean() == pytest.approx(0.5, abs=0.01)
    # The first pair of SVHN: ShearX 0.9, Invert 0.2.
    first = (rows[:, 0] > 0) & (pair[:, 0] == 0)
    assert first.mean() == pytest.approx(0.9 / 25, abs=0.005)
    assert applied[first, 1].mean() == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("policy", ["imagenet", "cifar10", "svhn"])
def test_policies_differ_and_images_too(policy):
    layer = kt.layers.AutoAugment(policy=policy, seed=0, dialect="paper")
    images = ops.convert_to_numpy(layer(np.stack([IMAGE] * 12)))
    assert images.shape == (12, *IMAGE.shape)
    assert len({image.tobytes() for image in images}) > 6


def test_boxes_and_masks_move_with_the_pixels():
    layer = kt.layers.AutoAugment("svhn", bounding_box_format="xyxy", seed=2)
    masks = np.zeros((16, 80, 60), "uint8")
    masks[:, 32:46, 24:34] = 1
    box = [24.0, 32.0, 34.0, 46.0]
    out = layer(
        {
            "images": np.full((16, 80, 60, 3), 90, "uint8"),
            "segmentation_masks": masks,
            "bounding_boxes": {
                "boxes": np.array([[box]] * 16, "float32"),
                "labels": np.zeros((16, 1), "int32"),
            },
        }
    )
    moved = 0
    for mask, found in zip(
        ops.convert_to_numpy(out["segmentation_masks"]),
        ops.convert_to_numpy(out["bounding_boxes"]["boxes"]),
        strict=True,
    ):
        rows, columns = np.nonzero(mask)
        extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(found[0], extent, atol=1.5)
        moved += extent != box
    assert moved > 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policy": "coco"}, "`policy` must be one of 'imagenet', 'cifar10', 'svhn'"),
        ({"dialect": "timm_increasing"}, "`dialect` must be one of 'torchvision', 't"),
        ({"value_range": (1, 1)}, "`value_range` must rise"),
    ],
)
def test_bad_argument_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kt.layers.AutoAugment(**arguments)


@pytest.mark.reference
@pytest.mark.parametrize("policy", ["imagenet", "cifar10", "svhn"])
def test_results_are_torchvisions_and_as_frequent(timm, policy):
    import torch
    from PIL import Image
    from torchvision.transforms import AutoAugment, AutoAugmentPolicy

    torch.manual_seed(0)
    theirs = AutoAugment(AutoAugmentPolicy(policy))
    picture = Image.fromarray(IMAGE)
    theirs = [np.asarray(theirs(picture)).tobytes() for _ in range(3000)]
    mine = [image.tobytes() for image in augmented(3000, policy=policy)]
    # torchvision's levels are float32, and so is 1 minus them: a few factors of
    # brightness and the like are another float, and some pixels another grey level.
    both = sorted({*mine} & {*theirs})
    counts = np.array([[m.count(image) for image in both] for m in (mine, theirs)])
    assert counts.sum() > 0.8 * 6000
    often = counts[:, counts.sum(0) >= 20]
    assert stats.chi2_contingency(often).pvalue > 0.01
