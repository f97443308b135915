import numpy as np
import pytest

import keras_tricks as kt

LAYERS = {
    "auto_augment": kt.layers.AutoAugment,
    "mix_up": kt.layers.MixUp,
    "cut_mix": kt.layers.CutMix,
    "cutout": kt.layers.Cutout,
    "grid_mask": kt.layers.GridMask,
    "rand_augment": kt.layers.RandAugment,
    "random_erasing": kt.layers.RandomErasing,
    "hide_and_seek": kt.layers.HideAndSeek,
}
FIGURES = dict(
    zip(LAYERS, (77.95, 78.28, 78.39, 78.01, 77.85, 77.70, 77.91, 77.43), strict=True)
)


@pytest.mark.parametrize("name", LAYERS)
def test_one_layer_stands_behind_crop_and_flip(name):
    recipe = kt.recipes.paddleclas(name)
    *before, last = recipe.augmentation.layers
    assert len(before) == 2
    assert type(last) is LAYERS[name]
    assert f"{FIGURES[name]:.2f} % ResNet50, {name}" in str(recipe)
    assert "77.31 %" in str(recipe)
    assert "ours" not in recipe.origins.values()


def test_settings_are_those_of_the_configurations():
    last = {n: kt.recipes.paddleclas(n).augmentation.layers[-1] for n in LAYERS}
    assert last["mix_up"].alpha == last["cut_mix"].alpha == 0.2
    assert (last["rand_augment"].num_ops, last["rand_augment"].magnitude) == (2, 5)
    assert last["random_erasing"].area == (0.02, 0.4)
    mask, paddle = last["grid_mask"], kt.layers.GridMask.paddleclas()
    for setting in ("d_min", "d_max", "ratio", "mode", "rotate", "probability"):
        assert getattr(mask, setting) == getattr(paddle, setting)
    assert last["cutout"].length == 112 / 224


def test_baseline_has_crop_and_flip_alone():
    recipe = kt.recipes.paddleclas("baseline")
    assert len(recipe.augmentation.layers) == 2
    assert str(recipe).count("77.31 %") == 2


def test_rate_falls_along_a_cosine():
    schedule = kt.recipes.paddleclas(num_examples=2_560).schedule
    rates = [float(schedule(step)) for step in (0, 1500, 2999, 3000)]
    expected = 0.05 * (1 + np.cos(np.pi * np.array([0, 0.5, 2999 / 3000, 1])))
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-10)


def test_every_variable_decays_and_labels_are_not_smoothed(decayed):
    recipe = kt.recipes.paddleclas()
    assert decayed(recipe) == {"kernel", "bias", "gamma", "beta"}
    assert recipe.optimizer.decay.rate == 1e-4
    logits = np.array([[1.0, -2, 0.5]], "float32")
    expected = np.log(np.exp(logits).sum()) - (0.7 * 1.0 + 0.3 * 0.5)
    mixed = np.array([[0.7, 0, 0.3]])
    assert float(recipe.loss(mixed, logits)) == pytest.approx(expected)


def test_unknown_augmentation_is_refused():
    with pytest.raises(ValueError, match=r"augmentation.*cut_mix"):
        kt.recipes.paddleclas("cutmix")
