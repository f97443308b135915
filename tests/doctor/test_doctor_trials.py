"""The user's own training on a copy, and the same with one thing changed."""

import keras
import numpy as np
import pytest

from keras_tricks.doctor.measuring import trials as _trials

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3)).astype("float32")
Y = X[:, 0] - 2 * X[:, 1] + 5
RARE = (X[:, 0] > 1).astype("int32")
PLAN = {"batch_size": 30, "epochs": 4}


def program(loss="mse", activation=None, rate=0.05):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation)])
    model.compile(keras.optimizers.SGD(rate), loss)
    return model


@pytest.fixture(scope="module")
def trials_of(in_diagnosis):
    def read(model, x=X, y=Y, seconds=60, **arguments):
        arguments = PLAN | arguments | {"seconds": seconds}
        return in_diagnosis(lambda evidence: evidence.trials, model, x, y, **arguments)

    return read


@pytest.fixture(scope="module")
def values(trials_of):
    """Trials of a regression, shared: runs of one change are the same ones."""
    keras.utils.set_random_seed(0)
    return trials_of(program())


def explained(output, target):
    return 1 - ((output - target) ** 2).sum() / ((target - target.mean()) ** 2).sum()


def test_rows_are_trained_on_or_held_out(values):
    rows = np.sort(np.r_[values.kept, values.held])
    np.testing.assert_array_equal(rows, np.arange(300))
    assert len(values.held) == 60
    assert set(values.shown) <= set(values.kept)


def test_few_rows_are_all_trained_on(trials_of):
    rows = _trials.FEWEST_TO_HOLD_OUT - 1
    few = trials_of(program(), X[:rows], Y[:rows])
    assert (len(few.kept), len(few.held)) == (rows, 0)


def test_planned_run_takes_all_steps_and_knows_its_skill(values):
    run = values.run()
    assert (run.steps, run.planned, run.finished) == (40, 40, True)
    assert run.stretch == 1
    known = run.output[0][:, 0]
    assert run.skill == pytest.approx(explained(known, Y[values.shown]), abs=1e-5)
    assert run.loss == pytest.approx(((known - Y[values.shown]) ** 2).mean(), rel=1e-4)
    assert run.train_loss == pytest.approx(run.loss)
    assert 0.9 < run.score == run.holdout_skill < 1
    assert run.losses[0] > 10 > run.losses[-1]
    assert run.recalls is None


def test_a_change_is_tried_once(values):
    run, spent = values.run(), values.spent
    assert values.run(rate=1.0, repairs=()).losses is run.losses
    assert values.spent == spent


def test_without_a_rate_nothing_is_learnt(values):
    first = values.model.predict(X[values.shown], verbose=0)
    run = values.run(rate=0.0)
    np.testing.assert_allclose(run.output[0], first, rtol=1e-5)
    assert not run.diverged


def test_a_rate_beyond_measure_diverges(values):
    run = values.run(rate=1e9)
    assert run.diverged
    assert run.score == -1


def test_smaller_batches_see_as_many_rows(values, monkeypatch):
    monkeypatch.setattr(_trials, "SECONDS", 1e6)
    run = values.run(batch_size=15)
    assert (run.steps, run.planned, run.stretch) == (80, 80, 1)


def test_longer_training_has_more_steps(values, monkeypatch):
    monkeypatch.setattr(_trials, "SECONDS", 1e6)
    run = values.run(longer=3.0)
    assert (run.steps, run.planned) == (120, 120)
    np.testing.assert_allclose(run.losses[:40], values.run().losses, rtol=1e-5)


def test_standard_inputs_and_targets_are_those_of_numpy(values):
    run = values.run(inputs="standard", targets="standard", rate=0.0)
    kernel, bias = values.model.get_weights()
    x, y = (X - X.mean(0)) / X.std(0), (Y - Y.mean()) / Y.std()
    output = (x @ kernel + bias)[values.shown]
    np.testing.assert_allclose(run.output[0], output, rtol=1e-4, atol=1e-5)
    error = (output[:, 0] - y[values.shown]) ** 2
    assert run.loss == pytest.approx(error.mean(), rel=1e-4)


@pytest.mark.slow
def test_class_weights_are_sample_weights(trials_of):
    classes = {0: 0.5, 1: 3.0}
    arguments = {"loss": "binary_crossentropy", "activation": "sigmoid"}
    model = program(**arguments)
    weights = np.where(RARE, 3.0, 0.5)
    runs = [
        trials_of(model, y=RARE, **given).run()
        for given in ({"class_weight": classes}, {"sample_weight": weights})
    ]
    np.testing.assert_allclose(runs[0].losses, runs[1].losses, rtol=1e-5)
    assert runs[0].recalls.shape == (2,)


@pytest.mark.slow
@pytest.mark.parametrize("form", [lambda w: w[:, None], lambda w: [w]])
def test_sample_weights_come_in_the_forms_that_fit_takes(form, trials_of):
    model, weights = program("binary_crossentropy", "sigmoid"), RNG.random(300)
    known = trials_of(model, y=RARE, sample_weight=weights).run()
    found = trials_of(model, y=RARE, sample_weight=form(weights)).run()
    np.testing.assert_allclose(found.losses, known.losses, rtol=1e-5)


@pytest.mark.slow
def test_balanced_weights_make_classes_count_alike(trials_of):
    model = program("binary_crossentropy", "sigmoid")
    count = np.bincount(RARE)
    weight = dict(enumerate(300 / (2 * count)))
    known = trials_of(model, y=RARE, class_weight=weight).run()
    found = trials_of(model, y=RARE)
    found.run()
    np.testing.assert_allclose(found.run(balanced=True).losses, known.losses, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("shuffle", [False, True])
def test_arrays_are_shuffled_as_fit_is_told_to(shuffle, trials_of, monkeypatch):
    taken, run = [], _trials.Copy.run

    def seen(copy, data, order, *rest):
        taken.append(order)
        return run(copy, data, order, *rest)

    monkeypatch.setattr(_trials.Copy, "run", seen)
    trials = trials_of(program(), shuffle=shuffle)
    trials.run()
    assert taken[-1].shape == (40, 30)
    epochs = taken[-1].reshape(5, 240)
    np.testing.assert_array_equal(np.sort(epochs), np.tile(trials.kept, (5, 1)))
    assert (epochs == trials.kept).all() == (not shuffle)


def test_a_long_plan_is_rehearsed_in_fewer_steps(trials_of, monkeypatch):
    monkeypatch.setattr(_trials, "MOST_STEPS", 5)
    run = trials_of(program()).run()
    assert (run.steps, run.planned, run.finished) == (5, 40, False)
    assert run.stretch == 8


def test_one_batch_of_all_rows_is_one_of_all_that_are_kept(trials_of):
    run = trials_of(program(), batch_size=300).run()
    assert (run.steps, run.planned) == (4, 4)


def test_without_time_nothing_is_tried(trials_of):
    trials = trials_of(program(), seconds=0)
    assert trials.run() is None
    assert trials.runs == {}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_tokens_stay_as_they_are_where_inputs_are_standardized(kind, trials_of):
    tokens = RNG.integers(0, 9, (300, 4)).astype(kind)
    stack = keras.layers.Embedding(9, 2), keras.layers.Flatten(), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((4,)), *stack])
    model.compile("sgd", "mse")
    trials = trials_of(model, tokens, Y)
    standard, plain = trials.run(inputs="standard"), trials.run()
    np.testing.assert_array_equal(standard.losses, plain.losses)


def test_standardized_is_per_column_and_per_channel():
    table = RNG.normal(size=(20, 3)) * [1, 50, 0] + [0, 7, 3]
    found = _trials.standardized(table)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(0), [1, 1, 0], rtol=1e-5)
    images = RNG.integers(0, 255, (9, 4, 5, 3)).astype("uint8")
    found = _trials.standardized(images)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.mean((0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(found.std((0, 1, 2)), 1, rtol=1e-5)


def test_what_is_no_number_is_not_standardized():
    for array in (np.array(["a", "b"]), np.array([True, False])):
        assert _trials.standardized(array) is array


def test_changes_are_said_in_words():
    assert _trials.Change().said() == "as planned"
    said = _trials.Change(rate=0.1, batch_size=8, repairs=("head",)).said()
    for word in ("0.1", "8", "head"):
        assert word in said
