import numpy as np
import operations_of_pillow
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt
from keras_tricks.layers.aug_mix import mixing_weights

tf = pytest.importorskip("tensorflow")

IMAGE = np.random.default_rng(0).integers(20, 230, (24, 30, 3), "uint8")


def weights(width, rows=6000):
    numbers = np.random.default_rng(1).random((rows, width)).astype("float32")
    found = mixing_weights(ops.convert_to_tensor(numbers))
    return ops.convert_to_numpy(found) / 2**15


@pytest.mark.parametrize("width", [1, 2, 3])
def test_weights_are_uniform_times_dirichlet(width):
    found = weights(width)
    assert found.shape == (6000, width + 1)
    assert found.min() >= 0
    np.testing.assert_array_equal(found.sum(1), 1)
    assert stats.kstest(found[:, 0], "uniform").pvalue > 0.01
    if width == 1:
        return
    shares = found[:, 1:] / found[:, 1:].sum(1, keepdims=True).clip(1e-9)
    shares = shares[found[:, 0] < 0.9]  # of a small weight the share is coarse
    for share in shares.T:
        # Every part of Dirichlet(1, ..., 1) is Beta(1, width - 1).
        assert stats.kstest(share, stats.beta(1, width - 1).cdf).pvalue > 0.01


def shares_of_paper(image, severity):
    """Return every operation of the paper on an image, by torchvision's levels."""
    changed = []
    for level in range(severity):
        for sign in (1, -1):
            part = sign * level / 9
            rows = [
                *((name, 0.3 * part) for name in ("ShearX", "ShearY")),
                ("TranslateX", int(30 / 3 * part)),
                ("TranslateY", int(24 / 3 * part)),
                ("Rotate", 30 * part),
                ("Posterize", 4 - round(4 * level / 9)),
                ("Solarize", round(255 - 255 * level / 9, 4)),
                ("AutoContrast", 0),
                ("Equalize", 0),
            ]
            changed += [operations_of_pillow.apply(image, *row) for row in rows]
    return changed


def test_one_chain_of_one_operation_is_a_blend_with_its_result():
    layer = kt.layers.AugMix(severity=4, width=1, depth=1, all_ops=False, seed=0)
    images = ops.convert_to_numpy(layer(np.stack([IMAGE] * 24))).astype(float)
    candidates = np.stack(shares_of_paper(IMAGE, 4)).astype(float)
    ways = candidates - IMAGE  # (candidates, height, width, channels)
    length = (ways**2).sum((1, 2, 3)).clip(1)
    blended, errors = 0, []
    for image in images:
        share = ((image - IMAGE) * ways).sum((1, 2, 3)) / length
        rest = image - IMAGE - share[:, None, None, None] * ways
        best = np.abs(rest).max((1, 2, 3)).argmin()
        assert -1e-6 <= share[best] <= 1
        # Rounding to the nearest, and AutoContrast's grey level.
        assert np.abs(rest[best]).max() < 1.2
        errors.append(rest[best].mean())
        blended += share[best] > 0.05
    assert blended > 12
    assert abs(np.mean(errors)) < 0.1  # rounded, not cut off


def test_colours_are_left_alone_in_the_papers_operations():
    assert len(kt.layers.AugMix()._dialect.arguments) == 13
    assert len(kt.layers.AugMix(all_ops=False)._dialect.arguments) == 9


def chosen(**arguments):
    layer = kt.layers.AugMix(**arguments)
    numbers = np.random.default_rng(0).random((4000, layer.draws)).astype("float32")
    numbers = ops.convert_to_tensor(numbers[:, layer.width :])
    rows = ops.convert_to_numpy(layer.choose(numbers))
    return rows.reshape(4000, layer.width, -1)


def test_depth_is_one_to_three_at_random():
    rows = chosen(width=2)
    depth = (rows > 0).sum(2)
    assert rows.shape == (4000, 2, 3)
    assert stats.chisquare(np.bincount(depth.ravel())[1:]).pvalue > 0.01
    assert ((rows > 0) == (np.arange(3) < depth[..., None])).all()


def test_depth_severity_and_width_are_kept():
    rows = chosen(width=4, depth=5, severity=2)
    assert rows.shape == (4000, 4, 5)
    # 13 operations, 2 levels, 2 signs, all equally frequent.
    counts = np.bincount(rows.ravel(), minlength=53)
    assert counts[0] == 0
    assert len(counts) == 53
    assert stats.chisquare(counts[1:]).pvalue > 0.01


def test_black_image_stays_black_at_the_lowest_level():
    images = np.zeros((6, 9, 7, 3), "uint8")
    layer = kt.layers.AugMix(severity=1, seed=0)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(images)), images)


def test_floats_and_value_range():
    images = np.stack([IMAGE] * 3)
    expected = ops.convert_to_numpy(kt.layers.AugMix(seed=3)(images)) / 255
    layer = kt.layers.AugMix(seed=3, value_range=(0, 1))
    given = layer((images / 255).astype("float32"))
    np.testing.assert_allclose(expected, ops.convert_to_numpy(given), atol=1e-6)


@pytest.mark.parametrize("key", ["bounding_boxes", "segmentation_masks"])
def test_boxes_and_masks_are_refused(key):
    with pytest.raises(ValueError, match=f"differ in place.*Received: {key}"):
        kt.layers.AugMix()({"images": IMAGE[None], key: np.zeros((1, 24, 30))})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"severity": 0}, ValueError, "`severity` must be between 1 and 10"),
        ({"severity": 11}, ValueError, "`severity` must be between 1 and 10"),
        ({"width": 0}, ValueError, "`width` must be at least 1"),
        ({"depth": 0}, ValueError, "`depth` must be at least 1.*Or -1 for one to"),
        ({"depth": 1.5}, TypeError, "`depth` must be an integer"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.AugMix(**arguments)
