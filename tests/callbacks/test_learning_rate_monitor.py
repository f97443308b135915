import csv

import keras
import numpy as np
import pytest

import keras_tricks as kt

SCHEDULE = kt.schedules.WarmupCosine(0.1, 9, 3)
STEPS = 3  # in an epoch


class Count(keras.optimizers.schedules.LearningRateSchedule):
    """The rate is the step."""

    def __call__(self, step):
        return keras.ops.cast(step, "float32")

    def get_config(self):
        return {}


def history(optimizer, callbacks=(), epochs=3, **arguments):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", **arguments)
    x = np.zeros((2 * STEPS, 1), "float32")
    monitored = model.fit(
        x,
        x,
        batch_size=2,
        epochs=epochs,
        verbose=0,
        callbacks=[*callbacks] or [kt.callbacks.LearningRateMonitor()],
    )
    return monitored.history


def test_history_has_the_rate_of_the_last_step_of_each_epoch():
    rates = history(keras.optimizers.SGD(SCHEDULE))["learning_rate"]
    np.testing.assert_allclose(rates, [float(SCHEDULE(step)) for step in (2, 5, 8)])


def test_constant_rate_and_one_that_a_callback_lowers():
    plateau = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=1, min_delta=1.0
    )
    monitor = kt.callbacks.LearningRateMonitor()
    logged = history(keras.optimizers.SGD(0.25), [monitor, plateau])
    assert logged["learning_rate"] == [0.25, 0.25, 0.125]
    assert set(logged) == {"loss", "learning_rate"}


def test_schedule_of_keras_under_mixed_precision():
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(Count()))
    assert history(optimizer)["learning_rate"] == [2, 5, 8]


def test_accumulation_logs_the_rate_of_the_last_update():
    optimizer = keras.optimizers.SGD(Count(), gradient_accumulation_steps=2)
    # Keras asks its schedule for batches: 1, 3, 5, 7 at the four updates.
    assert history(optimizer)["learning_rate"] == [1, 5, 7]
    # Ours ask for steps.
    optimizer = kt.optimizers.SGD(Count(), gradient_accumulation_steps=2)
    assert history(optimizer)["learning_rate"] == [0, 2, 3]


@pytest.mark.slow
def test_all_steps_of_one_execution_are_counted():
    if keras.backend.backend() == "torch":
        pytest.skip("Keras on PyTorch takes one step per execution")
    rates = history(
        keras.optimizers.SGD(Count()), steps_per_execution=3, run_eagerly=False
    )
    assert rates["learning_rate"] == [2, 5, 8]


def test_momentum_that_is_a_schedule_is_logged():
    cycle = kt.schedules.OneCycle(0.1, 9)
    optimizer = kt.optimizers.SGD(cycle, momentum=cycle.momentum())
    logged = history(optimizer)["momentum"]
    expected = [float(cycle.momentum()(step)) for step in (2, 5, 8)]
    np.testing.assert_allclose(logged, expected)


def test_groups_are_logged_and_closed_ones_have_no_rate():
    groups = kt.optimizers.LayerGroups(["bias", ""], [0.5, 1.0], [4, 0])
    logged = history(kt.optimizers.SGD(0.25, groups=groups))
    assert logged["learning_rate_0"] == [0, 0.125, 0.125]
    assert logged["learning_rate_1"] == [0.25] * 3


def test_optimizers_of_a_multi_optimizer_are_logged_by_name():
    first, second = (keras.optimizers.SGD(0.25, name=name) for name in "ab")
    choice = keras.optimizers.OptimizerMap(first, {".*/bias": second})
    logged = history(keras.optimizers.MultiOptimizer(choice))
    assert logged["learning_rate_a"] == logged["learning_rate_b"] == [0.25] * 3


def test_csv_logger_behind_it_sees_the_rate(tmp_path):
    path = tmp_path / "log.csv"
    monitor = kt.callbacks.LearningRateMonitor()
    callbacks = [monitor, keras.callbacks.CSVLogger(path)]
    history(keras.optimizers.SGD(Count()), callbacks)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [float(row["learning_rate"]) for row in rows] == [2, 5, 8]


def scalars(folder, tag):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    from tensorboard.util.tensor_util import make_ndarray

    events = accumulator.EventAccumulator(str(folder)).Reload()
    return {
        event.step: float(make_ndarray(event.tensor_proto))
        for event in events.Tensors(tag)
    }


@pytest.mark.parametrize(("every", "steps"), [(2, [0, 2, 4, 6, 8]), (7, [0, 7])])
def test_tensorboard_gets_steps(tmp_path, every, steps):
    pytest.importorskip("tensorboard")
    monitor = kt.callbacks.LearningRateMonitor(tmp_path, every=every)
    history(keras.optimizers.SGD(SCHEDULE), [monitor])
    expected = {step: float(SCHEDULE(step)) for step in steps}
    assert scalars(tmp_path, "learning_rate") == pytest.approx(expected)


def test_keras_tensorboard_writes_the_rate_of_the_step_to_come(tmp_path):
    pytest.importorskip("tensorboard")
    pytest.importorskip("tensorflow")
    monitor = kt.callbacks.LearningRateMonitor()
    board = keras.callbacks.TensorBoard(tmp_path, write_graph=False)
    logged = history(keras.optimizers.SGD(Count()), [monitor, board])
    assert logged["learning_rate"] == [2, 5, 8]
    keras_logged = scalars(tmp_path / "train", "epoch_learning_rate")
    assert keras_logged == {0: 3, 1: 6, 2: 9}


@pytest.mark.parametrize(
    ("every", "error", "message"),
    [
        (0, ValueError, "`every` must be at least 1"),
        ("epoch", TypeError, "`every` must be an integer"),
    ],
)
def test_bad_argument_is_refused(every, error, message):
    with pytest.raises(error, match=message):
        kt.callbacks.LearningRateMonitor(every=every)


def test_killed_run_goes_on_with_the_same_curve_to_the_same_weights(tmp_path):
    cycle = kt.schedules.OneCycle(0.1, 3 * STEPS)

    class Kill(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            epoch = len(self.model.history.epoch)
            if epoch + batch == 3:  # in the middle of the second epoch
                raise KeyboardInterrupt

    def run(folder, *callbacks):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        decay = kt.optimizers.WeightDecay(0.1)
        optimizer = kt.optimizers.SGD(cycle, cycle.momentum(), weight_decay=decay)
        model.compile(optimizer, "mse", run_eagerly=True)
        x = np.arange(4.0 * STEPS, dtype="float32").reshape(-1, 2)
        backup = keras.callbacks.BackupAndRestore(folder)
        monitor = kt.callbacks.LearningRateMonitor()
        arguments = {"epochs": 3, "batch_size": 2, "shuffle": False, "verbose": 0}
        y = np.ones((2 * STEPS, 3))
        fitted = model.fit(x, y, callbacks=[*callbacks, monitor, backup], **arguments)
        return fitted, model.get_weights()

    whole, expected = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", Kill())
    rest, weights = run(tmp_path / "killed")
    assert rest.epoch == [1, 2]
    for name, values in whole.history.items():
        assert rest.history[name] == values[1:], name
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
