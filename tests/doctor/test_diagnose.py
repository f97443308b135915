"""`diagnose` takes what `fit` takes, changes nothing, and fails in words."""

import inspect
import random
import types

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_tricks.doctor import Diagnosis, Finding, diagnose, rules

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 3)).astype("float32")
VALUES = X[:, 0] - X[:, 1] ** 2
CLASSES = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0)


def sequential(*stack, loss="mse", optimizer="adam", **arguments):
    model = keras.Sequential([keras.Input((3,)), *stack, layers.Dense(1)])
    model.compile(optimizer, loss, **arguments)
    return model


def noisy(**arguments):
    """A model with everything that training moves, and a draw of NumPy."""

    class Jitter(layers.Layer):
        def __init__(self):
            super().__init__()
            self.generator = keras.random.SeedGenerator(5)

        def call(self, x, training=False):
            draw = np.float32(np.random.rand() * random.random() * training)
            if keras.backend.backend() != "jax":  # which wants a seed in a trace
                draw *= keras.random.uniform(())
            # At inference as well.
            return x + draw + 0.1 * keras.random.uniform((), seed=self.generator)

    drop = layers.Dropout(0.5), layers.Dropout(0.1, seed=3)
    stack = layers.Dense(8, "relu"), layers.BatchNormalization(), *drop, Jitter()
    return sequential(*stack, metrics=["mae"], **arguments)


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def state_of(model):
    variables = [*model.variables, *model.metrics_variables]
    if model.optimizer.built:
        variables += model.optimizer.variables
    functions = model.train_function, model.test_function, model.predict_function
    streams = random.getstate(), np.random.get_state()[1].tolist()
    facts = model.built, model.optimizer.built, model.stop_training, model.run_eagerly
    return values(variables), (functions, streams, facts, len(model.losses))


def assert_same(state, other):
    for mine, theirs in zip(state[0], other[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert state[1] == other[1]


def test_arguments_are_those_of_fit():
    mine = dict(inspect.signature(diagnose).parameters)
    theirs = dict(inspect.signature(keras.Model.fit).parameters)
    assert mine.pop("seconds").default > 0
    assert list(mine)[1:] == list(theirs)[1:]
    for name in list(theirs)[2:]:
        assert mine[name].default == theirs[name].default


@pytest.mark.parametrize("trained", [False, True])
def test_nothing_changes(trained):
    model = noisy(run_eagerly=True)
    if trained:
        model.train_on_batch(X, VALUES)
    before = state_of(model)
    diagnosis = diagnose(model, X, VALUES, batch_size=16, epochs=2, seconds=0)
    assert_same(state_of(model), before)
    assert diagnosis.facts["trainings tried"] == 0
    assert "curves" not in diagnosis.instruments


class Unbuilt(keras.Model):
    """Subclassed: the first call makes its weights."""

    def __init__(self):
        super().__init__()
        self.hidden, self.drop = layers.Dense(8, "relu"), layers.Dropout(0.2)
        self.head = layers.Dense(1)

    def call(self, x, training=False):
        return self.head(self.drop(self.hidden(x), training=training))


def unbuilt():
    model = Unbuilt()
    model.compile("adam", "mse")
    return model


def end_of_fit(diagnosed, build):
    keras.utils.set_random_seed(7)
    keras.random.uniform(())  # The first draw makes Keras's global generator.
    model = build()
    if diagnosed:
        before = state_of(model) if model.built else None
        diagnosis = diagnose(model, X, VALUES, batch_size=16, epochs=2, seconds=1)
        if before:
            assert_same(state_of(model), before)
        assert diagnosis.facts["trainings tried"] > 0
        assert "curves" in diagnosis.instruments
    history = model.fit(X, VALUES, batch_size=16, epochs=2, verbose=0).history
    draws = [np.random.rand(), random.random(), float(keras.random.uniform(()))]
    return [
        *values(model.variables),
        *values(model.optimizer.variables),
        draws,
    ], history


def eager():
    return noisy(run_eagerly=True)


SLOW = [pytest.param(build, marks=pytest.mark.slow) for build in (noisy, unbuilt)]


@pytest.mark.parametrize("build", [eager, *SLOW])
def test_fit_ends_with_exactly_the_weights_of_a_fit_without(build):
    """With dropout, batch norm, shuffling, and draws of NumPy and Python."""
    (plain, losses), (found, again) = (end_of_fit(flag, build) for flag in (0, 1))
    for mine, theirs in zip(found, plain, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert again == losses


def functional():
    a, b = keras.Input((3,), name="a"), keras.Input((1,), name="b")
    both = layers.Dense(4, "relu")(layers.Concatenate()([a, b]))
    heads = layers.Dense(1, name="value")(both), layers.Dense(3, name="kind")(both)
    model = keras.Model(
        {"a": a, "b": b}, dict(zip(("value", "kind"), heads, strict=True))
    )
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", {"value": "mse", "kind": crossentropy})
    x = {"a": X, "b": X[:, :1]}
    return model, x, {"value": VALUES, "kind": CLASSES}, {}


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = layers.Dense(8, "relu"), layers.Dense(3)

    def call(self, x):
        return self.head(self.hidden(x))


def subclassed():
    model = Subclassed()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model, X, CLASSES, {"class_weight": {0: 1.0, 1: 2.0, 2: 3.0}}


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(16 * index, 16 * index + 16)
        return X[rows], VALUES[rows]


def py_dataset():
    return sequential(), Batches(), None, {"validation_data": Batches(), "epochs": 2}


def tf_data():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((X, VALUES)).batch(16)
    arguments = {"steps_per_epoch": 2, "validation_data": dataset, "shuffle": False}
    return sequential(), dataset.repeat(), None, arguments


def recurrent():
    words = RNG.integers(0, 9, (48, 5))
    stack = layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3)
    model = keras.Sequential([keras.Input((5,)), *stack, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model, words, (words[:, 0] > 4).astype("int32"), {"validation_split": 0.2}


def scheduled():
    cosine = keras.optimizers.schedules.CosineDecay(0.1, 30)
    model = sequential(optimizer=keras.optimizers.SGD(cosine, momentum=0.9))
    return model, X, VALUES, {"epochs": 10, "sample_weight": np.linspace(0, 1, 48)}


def called_back():
    halves = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    loss = keras.losses.Huber(reduction="sum")
    callbacks = [halves, keras.callbacks.EarlyStopping("loss")]
    arguments = {"epochs": 3, "callbacks": callbacks, "verbose": 0}
    return sequential(loss=loss), X, VALUES, arguments


def own_loss():
    def loss(y, output):
        return ops.mean(ops.abs(y - output) ** 1.5)

    return sequential(loss=loss, jit_compile=True), X, VALUES[:, None], {}


def autoencoder():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Dense(3)])
    model.compile("rmsprop", "mse", steps_per_execution=2)
    return model, X, X, {"validation_data": (X, X), "shuffle": False}


PROGRAMS = [
    *(functional, subclassed, py_dataset, tf_data, recurrent),
    *(scheduled, called_back, own_loss, autoencoder),
]


def check_program(program, seconds):
    model, x, y, arguments = program
    diagnosis = diagnose(model, x, y, **arguments, seconds=seconds)
    assert isinstance(diagnosis, Diagnosis)
    assert len(diagnosis.checked) == sum(
        hasattr(rule, "before") for rule in rules.modules().values()
    )
    assert (seconds == 0) == ("curves" not in diagnosis.instruments)
    assert str(diagnosis)
    assert diagnosis.to_json()


def test_every_rule_judges():
    check_program(functional(), seconds=0)


@pytest.mark.slow
@pytest.mark.parametrize("build", PROGRAMS)
def test_every_rule_judges_with_trials_and_fit_follows(build):
    model, x, y, arguments = program = build()
    check_program(program, seconds=3)
    model.fit(x, y, **arguments | {"verbose": 0})


REFUSED = {
    "columns": lambda: (sequential(), X[:, :2], VALUES),
    "inputs": lambda: (sequential(), [X, X], VALUES),
    "rank": lambda: (sequential(), X[:, None, None], VALUES),
    "units": lambda: (sequential(loss="categorical_crossentropy"), X, X),
    "ids": lambda: (sequential(loss="sparse_categorical_crossentropy"), X, CLASSES + 7),
    "no targets": lambda: (sequential(), X, None),
    "texts": lambda: (sequential(), X, np.array(["yes", "no"] * 24)),
    "texts as input": lambda: (sequential(), np.array([["a"] * 3] * 48), VALUES),
    "objects": lambda: (sequential(), X, np.array([None, 1] * 24, "object")),
    "outputs": lambda: (sequential(), X, [VALUES, VALUES]),
    "nan": lambda: (sequential(), X * np.nan, VALUES),
}


FEW = ("columns", "no targets")


@pytest.mark.parametrize(
    "name",
    [n if n in FEW else pytest.param(n, marks=pytest.mark.slow) for n in REFUSED],
)
def test_what_fit_would_refuse_is_said_and_no_crash(name):
    model, x, y = REFUSED[name]()
    try:
        diagnosis = diagnose(model, x, y, seconds=1)
    except (TypeError, ValueError) as error:
        assert len(str(error)) > 20  # noqa: PT017
    else:
        assert diagnosis.findings or diagnosis.not_judged


def test_one_callback_needs_no_list():
    callback = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    assert diagnose(sequential(), X, VALUES, callbacks=callback, seconds=0).checked


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1"),
        ({"batch_size": 2.5}, TypeError, "`batch_size` must be an integer"),
        ({"epochs": 0}, ValueError, "`epochs` must be at least 1"),
        ({"seconds": -1}, ValueError, "`seconds` must be at least 0"),
        ({"seconds": None}, TypeError, "`seconds` must be a number"),
        ({"validation_split": 1.5}, ValueError, "`validation_split` must be between"),
        ({"y": VALUES[:5]}, ValueError, "same number of rows"),
        ({"x": iter([(X, VALUES)]), "y": None}, TypeError, "can be read twice"),
        ({"x": Batches()}, ValueError, "go with arrays"),
        ({"validation_data": (X, X[:5])}, ValueError, "`validation_data`, `y`"),
        ({"epochs": 2, "initial_epoch": 2}, ValueError, "initial_epoch"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        diagnose(sequential(), **{"x": X, "y": VALUES} | arguments)


def test_a_model_must_be_compiled():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="`model` must be compiled"):
        diagnose(model, X, VALUES)


@pytest.fixture
def judged(monkeypatch):
    """Return a function of rules, which are all that there is: the `Diagnosis`."""

    def read(**found):
        monkeypatch.setattr(rules, "modules", lambda: found)
        return diagnose(sequential(), X, VALUES, seconds=0)

    return read


def rule(severity, **settings):
    finding = Finding(f"of {severity}", severity, "here", "1", "Why.", "fix")
    return types.SimpleNamespace(before=lambda evidence: finding, **settings)


def test_a_rule_that_fails_does_not_silence_the_others(judged):
    broken = types.SimpleNamespace(before=lambda evidence: evidence.nonsense)
    later = types.SimpleNamespace(during=None)
    diagnosis = judged(broken=broken, fine=rule("note"), later=later)
    assert diagnosis.checked == ["fine"]
    assert [finding.severity for finding in diagnosis.findings] == ["note"]
    [why] = [why for what, why in diagnosis.not_judged if what == "broken"]
    assert "AttributeError" in why
    assert "nonsense" in why


def test_a_symptom_is_not_told_beside_an_error(judged):
    found = judged(a=rule("error"), b=rule("warning", SYMPTOM=True)).findings
    assert [finding.severity for finding in found] == ["error"]
