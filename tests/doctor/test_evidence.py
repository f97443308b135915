"""What the doctor measures before training, each thing once and only if asked."""

import keras
import numpy as np
import pytest

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
HEADS = (("z", 1), ("b", 2))
CLASSES = np.array([0] * 30 + [1] * 10)


def program(optimizer="adam", loss="mse", units=1, activation=None):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, activation)])
    model.compile(optimizer, loss)
    return model


@pytest.fixture
def evidence(in_diagnosis):
    """Return a function of a model and data: the evidence, before it is asked."""

    def read(model, x=X, y=X[:, 0], **arguments):
        return in_diagnosis(lambda found: found, model, x, y, **arguments)

    return read


def test_nothing_is_measured_until_it_is_asked_for(evidence):
    found = evidence(program())
    assert not {"graph", "losses", "tasks", "start", "trials"} & set(vars(found))
    assert found.losses is found.losses
    assert not {"start", "trials"} & set(vars(found))


def test_plan_is_that_of_fit(evidence):
    plan = evidence(program(), epochs=5, initial_epoch=2, class_weight={0: 2.0}).plan
    assert (plan.batch_size, plan.epochs, plan.steps_per_epoch, plan.steps) == (
        32,
        3,
        2,
        6,
    )
    assert plan.shuffle
    assert plan.class_weight == {0: 2.0}
    few = evidence(program(), batch_size=8, steps_per_epoch=3, shuffle=False).plan
    assert (few.batch_size, few.steps, few.shuffle) == (8, 3, False)


def test_validation_is_given_or_the_tail(evidence):
    assert evidence(program()).validation is None
    tail = evidence(program(), validation_split=0.25)
    np.testing.assert_array_equal(tail.data.inputs[0], X[:30])
    np.testing.assert_array_equal(tail.validation.inputs[0], X[30:])
    assert tail.plan.steps == 1
    given = evidence(program(), validation_data=(X[:5], X[:5, 0], X[:5, 1]))
    assert given.data.rows == 40
    np.testing.assert_array_equal(given.validation.targets[0], X[:5, 0])
    np.testing.assert_array_equal(given.validation.weights[0], X[:5, 1])


def test_rates_are_those_of_the_schedule_over_the_plan(evidence):
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 100, 0.0)
    found = evidence(program(keras.optimizers.SGD(schedule)), batch_size=4, epochs=5)
    expected = 1 - np.linspace(0, 49, 101).astype(int) / 100
    np.testing.assert_allclose(found.rates, expected, rtol=1e-5)
    constant = evidence(program(keras.optimizers.SGD(0.3)))
    np.testing.assert_allclose(constant.rates, 0.3)


def test_rates_are_those_of_a_learning_rate_scheduler(evidence):
    def halved(epoch, rate):
        return rate if epoch == 0 else rate / 2

    callback = keras.callbacks.LearningRateScheduler(halved)
    model = program(keras.optimizers.SGD(0.8))
    found = evidence(model, batch_size=10, epochs=4, callbacks=[callback])
    steps = np.linspace(0, 15, 101).astype(int)
    np.testing.assert_allclose(found.rates, 0.8 / 2 ** (steps // 4), rtol=1e-5)
    by_epoch = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1))
    found = evidence(model, epochs=2, callbacks=[by_epoch])
    np.testing.assert_allclose(found.rates[[0, -1]], [0.1, 0.2], rtol=1e-5)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.8)


def test_imbalance_is_the_commonest_per_rarest(evidence):
    binary = program(loss="binary_crossentropy", activation="sigmoid")
    assert evidence(binary, y=CLASSES).imbalance == 3
    assert evidence(program()).imbalance == 1


@pytest.mark.parametrize(("scale", "shift", "odd"), [(1, 0, 0), (99, 0, 1), (1, 9, 1)])
def test_odd_inputs_and_targets_are_far_from_the_usual(scale, shift, odd, evidence):
    found = evidence(program(), x=scale * X + shift, y=scale * X[:, 0] + shift)
    assert (found.odd_inputs, found.odd_targets) == (odd, odd)


def test_classes_are_no_odd_targets(evidence):
    model = program(loss="sparse_categorical_crossentropy", units=20)
    assert not evidence(model, y=np.arange(40) % 20).odd_targets


@pytest.mark.parametrize(
    ("activation", "loss", "repairs"),
    [
        ("sigmoid", "binary_crossentropy", ()),
        (None, keras.losses.BinaryCrossentropy(from_logits=True), ()),
        (None, "hinge", ()),
        ("relu", "binary_crossentropy", ("head",)),
        ("softmax", "binary_crossentropy", ("head",)),
        ("relu", lambda y, output: keras.ops.mean(y - output), ()),
    ],
)
def test_repairs_are_what_the_head_needs(activation, loss, repairs, evidence):
    model = program(loss=loss, activation=activation)
    assert evidence(model, y=CLASSES).repairs == repairs


def test_repairs_give_hidden_layers_an_activation(evidence):
    layers = [keras.layers.Dense(4), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("adam", "mse")
    assert evidence(model).repairs == ("hidden",)


def test_targets_by_name_are_in_the_order_of_the_outputs(evidence):
    entry = keras.Input((3,))
    heads = [keras.layers.Dense(size, name=name)(entry) for name, size in HEADS]
    model = keras.Model(entry, dict(zip("zb", heads, strict=True)))
    model.compile("adam", {"z": "mse", "b": "sparse_categorical_crossentropy"})
    found = evidence(model, y={"b": CLASSES, "z": X[:, 0]})
    kinds = dict(zip(model.output_names, found.tasks, strict=True))
    assert {name: task.kind for name, task in kinds.items()} == {
        "z": "regression",
        "b": "multiclass",
    }


def test_without_seconds_nothing_is_trained(evidence):
    found = evidence(program(), seconds=0)
    assert found.rehearsal is None
    assert found.trial(rate=0.1) is None
    assert not found.sick
    assert not found.lame


def test_a_training_that_fails_is_not_judged(evidence):
    def refuse(y, output):
        raise ValueError("no such loss\nwith more words")

    found = evidence(program(loss=refuse))
    assert found.rehearsal is None
    failed = ("a training on a copy", "ValueError: no such loss")
    assert found.not_judged == [failed]
    assert found.trial(rate=0.1) is None
    assert found.not_judged == [failed]


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "sick"), [(0.1, False), (3.0, True)])
def test_sick_is_what_a_changed_copy_learns_and_the_plan_does_not(rate, sick, evidence):
    found = evidence(program(keras.optimizers.SGD(rate)), batch_size=4, epochs=10)
    assert (found.sick, found.lame) == (sick, sick)
    if sick:
        assert found.cures(found.lower[0.1])
        assert "less" in found.tried("less", found.lower[0.1])
    else:
        assert found.rehearsal.score > 0.95
