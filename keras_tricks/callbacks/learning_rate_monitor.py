"""LearningRateMonitor: the learning rate in History and in TensorBoard."""

import keras
import numpy as np
from keras import ops

from keras_tricks._checks import check_integer

Schedule = keras.optimizers.schedules.LearningRateSchedule


class LearningRateMonitor(keras.callbacks.Callback):
    """Log the learning rate of every epoch, which Keras's History lacks.

    Under `"learning_rate"` stands the rate of the *last step done*: the one that the
    epoch was trained with. (`optimizer.learning_rate`, and so the
    `epoch_learning_rate` of `keras.callbacks.TensorBoard`, is that of the step to
    come: after an epoch of a staircase, the next epoch's.) `"momentum"` and `"beta_1"`
    stand beside it when they are schedules; with `groups`, also `"learning_rate_0"`,
    `"learning_rate_1"`, ..., which are 0 for a group that has not begun. The optimizers
    of a `MultiOptimizer` are logged by name.

    Put it first: callbacks behind it (`CSVLogger`, `ModelCheckpoint`'s file names) see
    the values, as History does. Nothing is done between the ends of epochs, so nothing
    is slowed down: the steps' rates are computed from the schedule then. A rate that
    another callback sets during an epoch is seen as it is at the end.

    Args:
        log_dir: Folder for TensorBoard, where the same values are written over the
            optimizer's steps. `None` for History only.
        every: Optimizer steps from one point of TensorBoard's curve to the next.
            Integer, at least 1.

    Raises:
        TypeError: If `every` is not an integer.
        ValueError: If `every` is below 1.
        ImportError: If there is a `log_dir` but TensorBoard is not installed.

    Example:
        >>> from keras_tricks.schedules import WarmupCosine
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(WarmupCosine(0.1, 6, 2)), "mse")
        >>> x = y = np.ones((4, 1))
        >>> callback = LearningRateMonitor()
        >>> history = model.fit(
        ...     x, y, batch_size=2, epochs=3, verbose=0, callbacks=[callback]
        ... )
        >>> [round(rate, 4) for rate in history.history["learning_rate"]]
        [0.05, 0.0854, 0.0146]

    Reference:
        `LearningRateMonitor` of PyTorch Lightning.
    """

    def __init__(self, log_dir=None, every=10):
        super().__init__()
        check_integer("every", every, 1)
        self.log_dir = log_dir
        self.every = every
        self._writer = None

    def on_train_begin(self, logs=None):
        if self.log_dir is not None:
            self._writer = _new_writer(self.log_dir)
            self._next = _steps_done(self.model.optimizer)

    def on_epoch_end(self, epoch, logs=None):
        optimizer = self.model.optimizer
        done = _steps_done(optimizer)
        if logs is not None:
            last = np.array([max(done - 1, 0)])
            values = _values(optimizer, last)
            logs.update({name: float(value[0]) for name, value in values.items()})
        if self._writer is not None and self._next < done:
            steps = np.arange(self._next, done, self.every)
            for name, values in _values(optimizer, steps).items():
                for step, value in zip(steps, values, strict=True):
                    self._writer.add_scalar(name, float(value), int(step))
            self._next += self.every * len(steps)
            self._writer.flush()

    def on_train_end(self, logs=None):
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _values(optimizer, steps):
    """Return an optimizer's rates at some of its steps, an array for each name."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if hasattr(optimizer, "optimizers"):
        return {
            f"{name}_{part.name}": values
            for part in optimizer.optimizers
            for name, values in _values(part, steps).items()
        }
    # `learning_rate` would be the schedule's value at the step to come.
    rate = vars(optimizer).get("_learning_rate")
    rate = rate if isinstance(rate, Schedule) else optimizer.learning_rate
    values = {"learning_rate": rate}
    for name in ("momentum", "beta_1"):
        if isinstance(getattr(optimizer, name, None), Schedule):
            values[name] = getattr(optimizer, name)
    values = {name: _at(value, steps, optimizer) for name, value in values.items()}
    groups = getattr(optimizer, "groups", None)
    if groups is not None:
        for index, factor in enumerate(groups.rates):
            start = groups.starts[index]
            is_open = steps >= (np.inf if start is None else start)
            values[f"learning_rate_{index}"] = (
                values["learning_rate"] * factor * is_open
            )
    return values


def _at(value, steps, optimizer):
    """Return a schedule's values at some steps, or a number as often."""
    if not isinstance(value, Schedule):
        return np.full(len(steps), ops.convert_to_numpy(value))
    # Keras 3.15.1 asks its schedules for the number of batches; ours for steps.
    if not hasattr(optimizer, "at_this_step"):
        steps = (steps + 1) * (optimizer.gradient_accumulation_steps or 1) - 1
    if len(steps) == 1:  # to map takes longer
        return np.array([ops.convert_to_numpy(value(int(steps[0])))])
    # Not value(steps): some of Keras's take one step only.
    steps = ops.convert_to_tensor(steps, "int32")
    return ops.convert_to_numpy(ops.vectorized_map(value, steps))


def _steps_done(optimizer):
    return int(ops.convert_to_numpy(optimizer.iterations))


def _new_writer(log_dir):
    try:
        from tensorboard.summary import Writer
    except ImportError as error:
        raise ImportError(
            "`log_dir` needs TensorBoard: pip install 'keras-tricks[tensorboard]'"
        ) from error
    return Writer(str(log_dir))
