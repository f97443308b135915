"""Each contradiction beside a healthy case that is as near to it as can be."""

import keras
import numpy as np
import pytest

import keras_tricks as kt

IDS = np.array([0, 2, 1])
ONE_HOT = np.eye(3, dtype="float32")[IDS]
SMOOTHED = ONE_HOT * 0.9 + 0.1 / 3


def recipe(**changes):
    return kt.recipes.imagenet_resnet50(num_classes=3).replace(**changes)


class OfSize(keras.Sequential):
    """A model that says it has so many weights."""

    def __init__(self, size, activation=None):
        super().__init__([keras.Input((4,)), keras.layers.Dense(3, activation)])
        self._size = size

    def count_params(self):
        return self._size


def compiled(optimizer="sgd", loss="mse", size=30_000_000):
    model = OfSize(size)
    model.compile(optimizer, loss)
    return model


SMALL = {"size": 7_000_000}
SGD, Sum = keras.optimizers.SGD, keras.losses.BinaryCrossentropy

# Words of the sentence, settings, arguments of `problems`; then the healthy case.
OF_SETTINGS = [
    ("warmup of 5 epochs does not end", {"warmup_epochs": 5, "epochs": 5, "drops": ()}),
    ("A cosine over 99 epochs", {"epochs": 99}),
    ("not scaled to 64", {"scaling": "none", "batch_size": 64}),
    ("Mixing in a fine-tuning of 19", {"pretrained": True, "epochs": 19}),
]
HEALTHY_SETTINGS = [
    {"warmup_epochs": 5, "epochs": 6, "drops": ()},
    {"epochs": 100},
    {"epochs": 30, "drops": (10, 20)},
    {"scaling": "none"},
    {"pretrained": True, "epochs": 20},
    {"pretrained": True, "epochs": 5, "mix_up": 0.0},
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("words", "changes"), OF_SETTINGS)
def test_settings_that_do_not_go_together_are_found(words, changes):
    (problem,) = recipe(**changes).problems()
    assert words in problem


@pytest.mark.parametrize("changes", HEALTHY_SETTINGS)
def test_settings_that_go_together_are_not(changes):
    assert recipe(**changes).problems() == []


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("labels", [None, IDS, IDS[:, None]])
def test_mixing_of_class_ids_needs_the_number_of_classes(labels):
    (problem,) = recipe(num_classes=None).problems(labels=labels)
    assert "Set `num_classes`" in problem
    assert recipe(num_classes=3).problems(labels=labels) == []
    assert recipe(num_classes=None).problems(labels=ONE_HOT) == []
    assert recipe(num_classes=None, mix_up=0.0).problems(labels=labels) == []


def test_smoothed_labels_are_not_to_be_smoothed_again():
    (problem,) = recipe().problems(labels=SMOOTHED)
    assert "0.81 instead of 0.9" in problem
    assert recipe(label_smoothing=0.0).problems(labels=SMOOTHED) == []
    for labels in (IDS, ONE_HOT, 0.7 * ONE_HOT + 0.3 * ONE_HOT[::-1]):
        assert recipe().problems(labels=labels) == []


@pytest.mark.parametrize(
    ("words", "changes", "model"),
    [
        ("70.98 to 70.81", {}, lambda: compiled(size=11_700_000)),
        ("53.18 with (0.2, 1)", {"label_smoothing": 0.0}, lambda: compiled(**SMALL)),
        (
            "51.45 with 3e-5",
            {"label_smoothing": 0.0, "crop_scale": (0.2, 1.0)},
            lambda: compiled(**SMALL),
        ),
        ("ends with softmax", {}, lambda: OfSize(30_000_000, "softmax")),
        ("3 outputs and the recipe 10", {"num_classes": 10}, lambda: compiled()),
        (
            "about 10 times weaker",
            {},
            lambda: compiled(SGD(1.0, 0.9, weight_decay=1e-4)),
        ),
        ("for 32 it is 0.0125", {"batch_size": 32}, lambda: compiled(SGD(0.1))),
        ("absent class 0.05", {}, lambda: compiled(loss=Sum(label_smoothing=0.1))),
    ],
)
def test_model_that_does_not_fit_is_found(words, changes, model):
    found = recipe(**{"weight_decay": 7e-5, **changes}).problems(model())
    assert any(words in problem for problem in found)
    expected = {"53.18": 2}.get(words[:5], 1)
    assert len(found) == expected


@pytest.mark.parametrize(
    ("changes", "model"),
    [
        ({}, lambda: compiled(size=25_600_000)),
        ({"label_smoothing": 0.0}, lambda: compiled(size=11_700_000)),
        (
            {"label_smoothing": 0.0, "crop_scale": (0.2, 1.0), "weight_decay": 4e-5},
            lambda: compiled(**SMALL),
        ),
        (  # few examples ask for more decay
            {
                "label_smoothing": 0.0,
                "crop_scale": (0.2, 1.0),
                "num_examples": 99_999,
            },
            lambda: compiled(**SMALL),
        ),
        (
            {"label_smoothing": 0.0, "image_size": None, "weight_decay": 0.0},
            lambda: compiled(**SMALL),
        ),
        ({}, lambda: OfSize(30_000_000, "relu")),
        ({"num_classes": None, "mix_up": 0.0}, lambda: compiled()),
        ({}, lambda: compiled(SGD(1.0, weight_decay=1e-4))),
        ({}, lambda: compiled(keras.optimizers.AdamW(1.0, weight_decay=1e-4))),
        ({}, lambda: compiled(SGD(0.1))),
        ({"batch_size": 32}, lambda: compiled(SGD(0.0125))),
        ({"batch_size": 160}, lambda: compiled(SGD(0.1))),
        ({}, lambda: compiled(loss=Sum())),
        ({}, lambda: OfSize(30_000_000)),
    ],
)
def test_model_that_fits_is_not_found(changes, model):
    assert recipe(**changes).problems(model()) == []


def test_softmax_of_a_layer_of_its_own_is_found():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])
    problems = recipe(label_smoothing=0.0, crop_scale=(0.2, 1.0)).problems(model)
    assert any("ends with softmax" in problem for problem in problems)


def test_model_without_a_list_of_layers_is_not_judged_by_it():
    class Plain(keras.Model):
        def call(self, x):
            return x

    model = Plain()
    model(np.zeros((1, 3)))
    mine = kt.recipes.mobilenet_small(num_classes=3)
    assert mine.problems(model) == []


def test_compiled_recipe_has_no_contradiction():
    mine = recipe(batch_size=32)
    assert mine.problems(compiled(mine.optimizer, mine.loss), IDS) == []


def test_optimizer_of_this_package_has_the_decay_of_pytorch():
    optimizer = kt.optimizers.SGD(0.5, momentum=0.9, weight_decay=1e-4)
    assert recipe().problems(compiled(optimizer)) == []


def test_lamb_is_not_judged_by_the_decay_of_sgd():
    mine = kt.recipes.resnet_strikes_back_a2(num_classes=3)
    mine = mine.replace(crop_scale=(0.25, 1.0))
    model = compiled(keras.optimizers.SGD(1.0, 0.9, weight_decay=1e-4), **SMALL)
    assert mine.problems(model) == []
