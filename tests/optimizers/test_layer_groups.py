import json
import warnings

import keras
import numpy as np
import pytest
from keras import layers

import keras_tricks as kt

LayerGroups = kt.optimizers.LayerGroups
layer_groups = kt.optimizers.layer_groups


def nested():
    """Rescaling, a body of three layers with weights, a head of two."""
    inputs = keras.Input((8, 6, 3))
    x = layers.Conv2D(4, 3, name="stem")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(5, 3, name="block")(x)
    body = keras.Model(inputs, layers.GlobalAveragePooling2D()(x), name="body")
    outer = keras.Input((8, 6, 3))
    x = layers.Dense(7, name="hidden")(body(layers.Rescaling(1 / 255)(outer)))
    return keras.Model(outer, layers.Dense(2, name="logits")(x))


def of(groups, model):
    """Return (rate, start) by the name of the layer."""
    found = {}
    for variable in model.trainable_variables:
        layer = variable.path.split("/")[-2]
        assert found.setdefault(layer, groups.of(variable.path)) == groups.of(
            variable.path
        )
    return found


def test_first_pattern_found_in_the_path_decides():
    groups = LayerGroups(["gamma|beta", "^head", ""], [3, 2, 1.0], [None, 0, 7])
    assert groups.of("head/norm/gamma") == (3, None)
    assert groups.of("head/kernel") == (2, 0)
    assert groups.of("body/head/kernel") == (1.0, 7)


def test_groups_train_at_once_and_at_full_rate_by_default():
    assert LayerGroups(["a", "b"]).of("xb") == (1.0, 0)


def test_variable_without_a_group_is_an_error():
    groups = LayerGroups(["^head/"])
    for ask in (lambda: groups.of("body/w"), lambda: groups.check(["body/w"])):
        with pytest.raises(ValueError, match=r"'body/w' is in none.*Add the pattern"):
            ask()


def test_group_without_a_variable_is_warned_of():
    groups = LayerGroups(["^haed/", "kernel", ""])
    with pytest.warns(UserWarning, match=r"no trainable variable.*'\^haed/'"):
        groups.check(["head/kernel", "head/bias"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        groups.check(["haed/kernel", "body/kernel", "body/bias"])


def test_groups_survive_json():
    groups = LayerGroups(["^head", ""], [1.0, 0.1], [0, None])
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(groups)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == groups.get_config()
    assert again.of("x") == (0.1, None)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("head",), TypeError, "`patterns` must be a list"),
        (([],), ValueError, "`patterns` must not be empty"),
        (([3],), TypeError, "`patterns` must be strings"),
        ((["("],), ValueError, "`patterns` must be regular expressions"),
        ((["a", "b"], [1.0]), ValueError, "`rates` must have one entry .* 2 groups"),
        ((["a"], 0.1), TypeError, "`rates` must be a list"),
        ((["a"], [-0.1]), ValueError, "`rates` must be at least 0"),
        ((["a"], [1.0], [0, 1]), ValueError, "`starts` must have one entry"),
        ((["a"], [1.0], [-1]), ValueError, "`starts` must be at least 0"),
        ((["a"], [1.0], [0.5]), TypeError, "`starts` must be an integer"),
    ],
)
def test_bad_groups_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        LayerGroups(*arguments)


def test_body_and_head_are_two_groups():
    model = nested()
    body, head = (0.1, 50), (1.0, 0)
    expected = {"stem": body, "norm": body, "block": body, "hidden": head}
    expected["logits"] = head
    for boundary in ("hidden", model.get_layer("hidden")):
        groups = layer_groups(model, [boundary], rates=0.1, starts=50)
        assert of(groups, model) == expected


def test_boundaries_may_be_inside_of_a_model_in_the_model():
    model = nested()
    groups = layer_groups(model, ["block", "hidden"], [1, 2, 3], [None, 9, 0])
    low, middle, head = (1, None), (2, 9), (3, 0)
    assert of(groups, model) == {
        "stem": low,
        "norm": low,
        "block": middle,
        "hidden": head,
        "logits": head,
    }


def test_name_of_a_model_inside_is_its_first_layer():
    inner = keras.Sequential([layers.Dense(3), layers.Dense(3)], name="inner")
    model = keras.Sequential([keras.Input((3,)), layers.Dense(3), inner])
    groups = layer_groups(model, ["inner"], starts=5)
    starts = [groups.of(variable.path)[1] for variable in model.trainable_variables]
    assert starts == [5, 5, 0, 0, 0, 0]


def test_one_rate_is_spaced_geometrically_and_one_start_spares_the_head():
    model = nested()
    boundaries = ["norm", "block", "hidden", "logits"]
    groups = layer_groups(model, boundaries, rates=0.65**4, starts=3)
    found = of(groups, model)
    rates = [found[name][0] for name in ("stem", *boundaries)]
    np.testing.assert_allclose(rates, [0.65**k for k in (4, 3, 2, 1, 0)])
    assert [found[name][1] for name in ("stem", *boundaries)] == [3, 3, 3, 3, 0]


def test_groups_hold_for_a_model_loaded_from_a_file(tmp_path):
    model = nested()
    groups = layer_groups(model, ["block", "logits"], rates=0.01)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert of(groups, loaded) == of(groups, model)


def test_what_a_model_holds_itself_is_in_the_first_group():
    class Tokens(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.head = layers.Dense(3), layers.Dense(2)
            self.token = self.add_weight(shape=(3,), name="token")

        def call(self, x):
            return self.head(self.embed(x) + self.token)

    model = Tokens()
    model(np.ones((1, 4)))
    groups = layer_groups(model, [model.head], rates=0.1)
    rates = {v.path: groups.of(v.path)[0] for v in model.trainable_variables}
    head = {path for path in rates if model.head.name in path}
    assert {path: 1.0 if path in head else 0.1 for path in rates} == rates
    assert len(head) == 2


def test_groups_hold_for_a_sequential_loaded_from_a_file(tmp_path):
    stack = [keras.Input((3,)), layers.Dense(3, name="a"), layers.Dense(3, name="b")]
    model = keras.Sequential(stack, name="net")
    groups = layer_groups(model, ["b"], rates=0.01)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert of(groups, loaded) == of(groups, model) == {"a": (0.01, 0), "b": (1.0, 0)}


def twice_named():
    first = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="d")], name="s")
    again = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="d")], name="s")
    return keras.Sequential([first, keras.Sequential([again], name="t")])


@pytest.mark.parametrize(
    ("model", "boundaries", "error", "message"),
    [
        (lambda: "body", ["a"], TypeError, "`model` must be a Keras model"),
        (lambda: keras.Sequential([layers.Dense(1)]), ["a"], ValueError, "be built"),
        (nested, "logits", TypeError, "`boundaries` must be a list"),
        (nested, [], ValueError, "`boundaries` must be layers in the order"),
        (nested, ["haed"], ValueError, "'haed'. Its layers: .*hidden, logits"),
        (nested, ["logits", "hidden"], ValueError, "order of the model.*logits"),
        (nested, ["hidden", "hidden"], ValueError, "order of the model"),
        (nested, ["body"], ValueError, r"group 0 .* no variables"),
        (twice_named, ["t"], ValueError, "named 'd' are in two groups"),
    ],
)
def test_bad_cuts_are_refused(model, boundaries, error, message):
    with pytest.raises(error, match=message):
        layer_groups(model(), boundaries)


def test_bad_rate_or_start_of_all_groups_is_refused():
    model = nested()
    with pytest.raises(ValueError, match="`rates` must be at least 0"):
        layer_groups(model, ["hidden"], rates=-1.0)
    with pytest.raises(TypeError, match="`starts` must be an integer"):
        layer_groups(model, ["hidden"], starts=0.5)
