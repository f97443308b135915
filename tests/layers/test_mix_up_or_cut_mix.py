import numpy as np
import pytest
from keras import ops

import keras_tricks as kt


def mixed(count=64, **arguments):
    """Return mixed images, pixel value = index of the image, and their labels."""
    ids = np.arange(count, dtype="float32").reshape(-1, 1, 1, 1)
    images = np.broadcast_to(ids, (count, 9, 7, 1))
    layer = kt.layers.MixUpOrCutMix(count, seed=3, **arguments)
    images, labels = layer(images, np.arange(count))
    return ops.convert_to_numpy(images)[..., 0], ops.convert_to_numpy(labels)


def is_cut(images):
    """Whether an image consists of whole pixels of both, boolean `(batch,)`."""
    return np.array([len(np.unique(image)) > 1 for image in images])


def test_every_pair_gets_one_or_the_other_with_its_label():
    images, labels = mixed(cut_mix_alpha=20.0)
    cut = is_cut(images)
    assert 0.2 < cut.mean() < 0.8
    np.testing.assert_allclose(images.mean((1, 2)), labels @ np.arange(64), atol=1e-4)
    partner = np.argmax(labels - 2 * np.eye(64), axis=1)
    np.testing.assert_array_equal(cut, cut[partner])
    assert np.isin(images[cut], np.arange(64)).all()


@pytest.mark.parametrize(
    ("arguments", "share"),
    [({"switch_probability": 0.0}, 0), ({"switch_probability": 1.0}, 1)],
)
def test_switch_probability_is_that_of_cut_mix(arguments, share):
    images, labels = mixed(cut_mix_alpha=20.0, mix_up_alpha=20.0, **arguments)
    assert is_cut(images).mean() == share
    assert (np.diag(labels) < 1).all()


def test_mode_says_how_often_it_is_drawn():
    images, _ = mixed(cut_mix_alpha=20.0, mode="batch")
    assert is_cut(images).mean() in (0, 1)
    images, labels = mixed(cut_mix_alpha=20.0, mode="sample")
    cut = is_cut(images)
    partner = np.argmax(labels - 2 * np.eye(64), axis=1)
    assert (cut != cut[partner]).any()


def test_probability_is_that_of_being_mixed():
    _, labels = mixed(400, cut_mix_alpha=20.0, probability=0.25, mode="sample")
    assert (np.diag(labels) < 1).mean() == pytest.approx(0.25, abs=0.07)


def test_limits_are_mix_up_and_cut_mix():
    images = np.random.default_rng(0).random((256, 6, 5, 2)).astype("float32")
    both = kt.layers.MixUpOrCutMix(256, minmax=(0.5, 0.5), switch_probability=1.0)
    _, labels = both(images, np.arange(256))
    kept = np.diag(ops.convert_to_numpy(labels))
    np.testing.assert_allclose(kept, 1 - (3 * 2) / 30, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mix_up_alpha": 0}, "`mix_up_alpha` must be above 0"),
        ({"cut_mix_alpha": -1}, "`cut_mix_alpha` must be above 0"),
        ({"switch_probability": 1.5}, "`switch_probability` must be between"),
        ({"minmax": (0.9, 0.1)}, "`minmax` must not fall"),
    ],
)
def test_bad_argument_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kt.layers.MixUpOrCutMix(**arguments)
