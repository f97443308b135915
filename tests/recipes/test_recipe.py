import dataclasses
import re

import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

NAMES = [name for name in kt.recipes.__all__ if name != "Recipe"]
TINY = {"num_examples": 4, "num_classes": 3, "image_size": 8, "batch_size": 4}
each_recipe = pytest.mark.parametrize("name", NAMES)


def published(name):
    arguments = {"num_examples": 900, "num_classes": 100}
    return getattr(kt.recipes, name)(**arguments if name == "fine_tune" else {})


@pytest.mark.parametrize(
    "name",
    # The operations of RandAugment take 8 s to compile.
    [
        pytest.param(name, marks=[pytest.mark.slow] * name.startswith("resnet_strikes"))
        for name in NAMES
    ],
)
def test_one_step_of_training_runs(name, fit):
    history = fit(getattr(kt.recipes, name)(**TINY, seed=1))
    assert np.isfinite(history["loss"]).all()
    assert "learning_rate" in history


@each_recipe
def test_published_recipe_has_no_contradiction(name):
    assert published(name).problems() == []


@each_recipe
def test_card_shows_every_setting_with_its_origin(name):
    recipe = published(name)
    lines = str(recipe).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == recipe.name
    for setting, origin in recipe.origins.items():
        if getattr(recipe, setting) is not None:
            row = next(x for x in lines if x.startswith(f"{setting} "))
            assert row.endswith(origin)


@each_recipe
def test_card_has_all_texts_and_every_source_is_used(name):
    recipe = published(name)
    card = " ".join(str(recipe).split())
    texts = (*recipe.published, *recipe.not_included, *recipe.notes)
    for text in (*texts, *recipe.sources.values()):
        assert " ".join(text.split()) in card
    quoted = {key for text in texts for key in re.findall(r"\[([\w.]+)\]", text)}
    quoted -= {"head"}
    used = quoted | set(recipe.origins.values())
    assert set(recipe.sources) <= used <= {*recipe.sources, "ours", "yours"}
    assert all(re.search(r"\d.*\[", figure) for figure in recipe.published)


@each_recipe
def test_every_setting_that_is_not_a_default_has_an_origin(name):
    recipe = published(name)
    for field in dataclasses.fields(recipe):
        if field.name in recipe.settings and field.name not in recipe.origins:
            assert getattr(recipe, field.name) == field.default


@each_recipe
def test_what_a_function_takes_by_default_is_what_was_published(name):
    given = {"num_examples", "num_classes"} if name == "fine_tune" else set()
    origins = published(name).origins.items()
    assert given == {setting for setting, origin in origins if "yours" in origin}


@each_recipe
def test_settings_are_plain_data(name):
    plain = (int, float, str, bool, tuple, type(None))
    for value in published(name).settings.values():
        assert isinstance(value, plain)


@each_recipe
@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("batch_size", 0, ValueError),
        ("batch_size", 2.5, TypeError),
        ("epochs", 0, ValueError),
        ("num_examples", -1, ValueError),
        ("num_classes", 1, ValueError),
        ("image_size", 0, ValueError),
        ("seed", -1, ValueError),
    ],
)
def test_bad_arguments_are_refused(name, argument, value, error):
    with pytest.raises(error, match=argument):
        getattr(kt.recipes, name)(**{**TINY, argument: value})


def test_everything_is_made_anew_at_each_access():
    recipe = kt.recipes.torchvision_2021(**TINY)
    for name in ("optimizer", "loss", "augmentation", "callbacks", "schedule"):
        assert getattr(recipe, name) is not getattr(recipe, name)


def test_one_recipe_serves_two_models():
    recipe = kt.recipes.fine_tune(**TINY)
    for _ in range(2):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        model.compile(recipe.optimizer, recipe.loss, run_eagerly=True)
        model.train_on_batch(np.ones((4, 2)), np.arange(4) % 3)


def test_steps_count_the_last_small_batch():
    recipe = kt.recipes.fine_tune(num_examples=9, num_classes=3, batch_size=4)
    assert recipe.steps_per_epoch == 3
    assert recipe.total_steps == 3 * recipe.epochs


@pytest.mark.parametrize(
    ("scaling", "rate"), [("linear", 0.025), ("sqrt", 0.05), ("none", 0.1)]
)
@pytest.mark.filterwarnings("ignore:.*is not scaled")
def test_rate_follows_the_batch_size(scaling, rate):
    recipe = kt.recipes.imagenet_resnet50().replace(scaling=scaling)
    assert recipe.replace(batch_size=64).learning_rate == pytest.approx(rate)


def test_drops_take_the_place_of_the_cosine():
    recipe = kt.recipes.imagenet_resnet50(num_examples=256 * 10)
    recipe = recipe.replace(drops=(30, 60, 90), epochs=120, warmup_epochs=5)
    steps = (0, 25, 50, 299, 300, 600, 900, 1199)
    rates = [float(recipe.schedule(step)) for step in steps]
    expected = (0, 0.05, 0.1, 0.1, 0.01, 1e-3, 1e-4, 1e-4)
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_what_the_user_changes_is_marked_as_such():
    recipe = kt.recipes.paddleclas(epochs=200)
    assert recipe.origins["epochs"] == "yours (config: 300)"
    again = recipe.replace(epochs=250, label_smoothing=0.1)
    assert again.origins["epochs"] == "yours (config: 300)"
    assert again.origins["label_smoothing"] == "yours"
    assert "label_smoothing 0.1 yours" in " ".join(str(again).split())
    assert recipe.epochs == 200
    untouched = kt.recipes.paddleclas(epochs=300, seed=None)
    assert untouched.origins["epochs"] == "config"
    assert "seed" not in untouched.origins


def test_replace_warns_of_a_new_contradiction_once():
    recipe = kt.recipes.torchvision_2021()
    with pytest.warns(UserWarning, match="2021: The warmup of 5 epochs") as caught:
        short = recipe.replace(epochs=4, drops=(3,))
    assert len(caught) == 1
    short.replace(label_smoothing=0.2)  # the same contradiction: silent
    assert "The warmup of 5 epochs" in str(short)


def test_replace_refuses_what_is_no_setting():
    recipe = kt.recipes.paddleclas()
    with pytest.raises(TypeError, match="Received: learning_rate, name"):
        recipe.replace(name="mine", learning_rate=0.1)
    with pytest.raises(ValueError, match="scaling"):
        recipe.replace(scaling="cubic")


def test_setting_without_a_source_is_refused():
    recipe = kt.recipes.paddleclas()
    for origins in ({**recipe.origins, "epochs": "hearsay"}, {}):
        with pytest.raises(ValueError, match="origins"):
            dataclasses.replace(recipe, origins=origins)


def test_groups_reach_the_optimizer(small_model):
    groups = kt.optimizers.layer_groups(small_model, ["head"], starts=2)
    optimizer = kt.recipes.fine_tune(**TINY, groups=groups).optimizer
    optimizer.build(small_model.trainable_variables)
    head = small_model.trainable_variables[-1]
    before = [ops.convert_to_numpy(v) for v in small_model.trainable_variables]
    optimizer.apply([ops.ones(v.shape) for v in small_model.trainable_variables])
    for variable, old in zip(small_model.trainable_variables, before, strict=True):
        moved = (ops.convert_to_numpy(variable) != old).any()
        assert moved == (variable is head or "head" in variable.path)


def test_nothing_to_augment_is_none():
    recipe = kt.recipes.mobilenet_small(image_size=None).replace(operations=())
    assert recipe.augmentation is None


@pytest.mark.parametrize(
    ("changes", "layer"),
    [
        ({"mix_up": 0.3}, kt.layers.MixUp),
        ({"cut_mix": 0.3}, kt.layers.CutMix),
        ({"mix_up": 0.3, "cut_mix": 0.4}, kt.layers.MixUpOrCutMix),
    ],
)
def test_mixing_is_the_last_layer(changes, layer):
    recipe = kt.recipes.mobilenet_small().replace(**changes)
    last = recipe.augmentation.layers[-1]
    assert type(last) is layer
    assert last.num_classes == 1000
    assert last.mode == "batch"
    alphas = (getattr(last, "mix_up_alpha", None), getattr(last, "cut_mix_alpha", None))
    assert getattr(last, "alpha", 0.3) == 0.3
    assert alphas in ((None, None), (0.3, 0.4))


def test_one_seed_gives_the_same_pictures():
    images = np.random.default_rng(0).integers(0, 256, (4, 12, 10, 3)).astype("uint8")
    recipe = kt.recipes.torchvision_2021(**TINY, seed=3)
    first, second = (recipe.augmentation(images, np.arange(4) % 3)[0] for _ in range(2))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(first), ops.convert_to_numpy(second)
    )
