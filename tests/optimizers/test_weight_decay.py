import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

import keras_tricks as kt


def build_model(optimizer):
    inputs = keras.Input((6, 5, 3))
    x = keras.layers.Conv2D(4, 3, name="stem")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.compile(optimizer, "mse", jit_compile=False)
    return model


def forget(model, steps=3):
    """Do some steps without a gradient and return by how much each path shrank."""
    variables = model.trainable_variables
    for variable in variables:
        variable.assign(np.ones(variable.shape))
    for _ in range(steps):
        model.optimizer.apply([ops.zeros(v.shape) for v in variables])
    return {v.path: float(ops.convert_to_numpy(v).max()) for v in variables}


ALL = [
    "stem/kernel",
    "stem/bias",
    "norm/gamma",
    "norm/beta",
    "head/kernel",
    "head/bias",
]


@pytest.mark.parametrize(
    ("decay", "decayed"),
    [
        (0.1, ALL),
        (kt.optimizers.WeightDecay(0.1), ["stem/kernel", "head/kernel"]),
        (kt.optimizers.WeightDecay(0.1, exclude=["head/"]), ["stem/kernel"]),
        (kt.optimizers.WeightDecay(0.1, exclude=["stem"]), ["head/kernel"]),
        (
            kt.optimizers.WeightDecay(0.1, exclude=["bias$"], min_rank=0),
            ["stem/kernel", "norm/gamma", "norm/beta", "head/kernel"],
        ),
    ],
)
def test_what_decays_is_what_is_listed(decay, decayed):
    model = build_model(kt.optimizers.SGD(0.5, weight_decay=decay))
    model.optimizer.build(model.trainable_variables)
    assert model.optimizer.decayed == decayed
    for path, left in forget(model).items():
        assert left == pytest.approx(0.95**3 if path in decayed else 1.0)


def test_coupled_or_not_is_a_choice():
    ways = {}
    for coupled in (None, True, False):
        decay = kt.optimizers.WeightDecay(0.1, coupled=coupled)
        optimizer = kt.optimizers.SGD(0.5, momentum=0.9, weight_decay=decay)
        model = build_model(optimizer)
        optimizer.build(model.trainable_variables)
        ways[coupled] = forget(model)["head/kernel"]
    assert ways[False] == pytest.approx(0.95**3)
    assert ways[None] == ways[True] < ways[False] - 0.05


def test_what_is_excluded_survives_saving(tmp_path):
    decay = kt.optimizers.WeightDecay(0.1, exclude=["head/"])
    model = build_model(kt.optimizers.SGD(0.5, weight_decay=decay))
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.decayed == ["stem/kernel"]
    assert forget(loaded) == forget(model)


def test_what_is_excluded_in_keras_does_not_survive(tmp_path):
    optimizer = keras.optimizers.SGD(0.5, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = build_model(optimizer)
    optimizer.build(model.trainable_variables)
    assert forget(model)["head/bias"] == 1.0
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_allclose(forget(loaded)["head/bias"], 0.95**3, rtol=1e-6)  # 3.15.1


def test_pattern_must_fit_with_and_without_the_name_of_a_sequential(tmp_path):
    decay = kt.optimizers.WeightDecay(0.1, exclude=["(^|/)head/"])
    layers = [
        keras.Input((3,)),
        keras.layers.Dense(4),
        keras.layers.Dense(2, name="head"),
    ]
    model = keras.Sequential(layers, name="tower")
    model.compile(kt.optimizers.SGD(0.5, weight_decay=decay), "mse")
    model.optimizer.build(model.trainable_variables)
    assert model.optimizer.decayed == ["tower/dense/kernel"]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.decayed == ["dense/kernel"]


def test_pattern_that_is_nowhere_is_warned_of():
    decay = kt.optimizers.WeightDecay(0.1, exclude=["batch_norm", "head"])
    model = build_model(kt.optimizers.SGD(0.5, weight_decay=decay))
    with pytest.warns(UserWarning, match="has 'batch_norm' in its path") as warned:
        model.optimizer.build(model.trainable_variables)
    assert len(warned) == 1


def test_nothing_left_to_decay_is_warned_of():
    decay = kt.optimizers.WeightDecay(0.1, exclude=["kernel"])
    model = build_model(kt.optimizers.AdamW(0.5, weight_decay=decay))
    with pytest.warns(UserWarning, match="none of 6 trainable variables decays"):
        model.optimizer.build(model.trainable_variables)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rate": -0.1}, ValueError, "`rate` must be at least 0"),
        ({"rate": "1e-4"}, TypeError, "`rate` must be a number"),
        ({"coupled": "yes"}, TypeError, "`coupled` must be True, False or None"),
        ({"exclude": "bias"}, TypeError, "`exclude` must be a list"),
        ({"exclude": [3]}, TypeError, "`exclude` must hold strings"),
        ({"exclude": ["("]}, ValueError, "`exclude` must hold regular expressions"),
        ({"min_rank": 1.5}, TypeError, "`min_rank` must be an integer"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.optimizers.WeightDecay(**{"rate": 0.1, **arguments})
