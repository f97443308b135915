"""WeightAveraging: a moving average of weights and batch-norm statistics."""

import keras

from keras_tricks._checks import check_integer, check_number
from keras_tricks.callbacks._average import Average, mover


class WeightAveraging(keras.callbacks.Callback):
    """Validate, save and end with a moving average of the weights.

    After the n-th step of the optimizer in this `fit`

        average = d * average + (1 - d) * weights,  d = min(decay, 1 - n ** (-2/3))

    for all weights, the statistics of batch normalization too; integers are left as
    they are. The growing d forgets the untrained weights: the first step copies, and a
    decay of 0.9999 is reached after a million steps.

    The model has the average from the validation, or else the end, of each epoch to
    the begin of the next, and after `fit`. Training goes on with the raw weights: it is
    what it would be without the callback. Put this callback before those that look at
    the weights when an epoch ends, such as `ModelCheckpoint`. `BackupAndRestore` saves
    both sets: a resumed run has the average of an uninterrupted one.

    Each `fit` begins an average of its own with the weights of the model. `swap()`
    gives the raw weights back, or after an interrupted `fit` the average. If it was
    interrupted in its validation, the next `fit` with this callback goes on from the
    raw weights.

    Keras 3.15.1 averages with `use_ema=True` and `SwapEMAWeights` without a warmup of
    the decay (a decay of 0.9999 keeps a third of the untrained weights after 10,000
    steps), and leaves out the statistics, which then belong to other weights.

    Args:
        decay: Part of the average that one step of the optimizer leaves, at most.
            Float in [0, 1].
        warmup: Whether d grows as above; otherwise it is 0 in the first step, `decay`
            in all others.
        every: Steps of the optimizer from one update to the next, after the first.
            For k of them, d is taken to the power of k. `steps_per_execution` batches
            give one update at most. Integer.

    Attributes:
        averaged: Whether the model has the average at present.

    Raises:
        TypeError: If `decay` is not a number, or `every` is not an integer.
        ValueError: If an argument is out of its range. In `fit`: if weights have less
            than 32 bits, or the optimizer averages too.

    Example:
        >>> x, y = np.random.rand(8, 4), np.arange(8) % 3
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> model.compile("sgd", "mse")
        >>> y = np.eye(3)[y]
        >>> averaging = WeightAveraging(decay=0.999)
        >>> history = model.fit(x, y, verbose=0, callbacks=[averaging])
        >>> averaging.averaged
        True

    Reference:
        [Polyak and Juditsky, 1992](https://doi.org/10.1137/0330046); `ModelEmaV3` of
        timm 1.0.31 with `use_warmup`, whose averages these are; `every`: torchvision's
        `--model-ema-steps 32`.
    """

    def __init__(self, decay=0.9999, warmup=True, every=1):
        super().__init__()
        check_number("decay", decay, 0, 1)
        check_integer("every", every, 1)
        self.decay = decay
        self.warmup = warmup
        self.every = every
        self._average = None
        self._fitting = False

    @property
    def averaged(self):
        return self._average is not None and self._average.shown

    def swap(self):
        """Exchange the raw weights and the average in the model."""
        if self._average is None or not self._average.step:
            raise ValueError("There is no average yet: `fit` with this callback.")
        _synchronize(self.model)
        self._average.swap(self._variables)

    def decay_at(self, step):
        """Return d after the given step of the optimizer, counted from 1."""
        if step <= 1:
            return 0.0
        return min(self.decay, 1 - step ** (-2 / 3)) if self.warmup else self.decay

    def set_model(self, model):
        super().set_model(model)
        # Here and not when training begins: BackupAndRestore fills the average then.
        if model.built:
            self._begin()

    def on_train_begin(self, logs=None):
        self._fitting = True

    def on_epoch_begin(self, epoch, logs=None):
        self._batch = 0
        self._show(False)

    def on_train_batch_end(self, batch, logs=None):
        average = self._average or self._begin()
        # The last of `steps_per_execution` batches, beyond the end of the epoch or not.
        seen = min(batch + 1, self.params["steps"] or batch + 1)
        average.batches += seen - self._batch
        self._batch = seen
        step = average.batches // self._batches_per_step
        first = average.step == 0
        if step and (first or step // self.every > average.step // self.every):
            decay = 0.0 if first else self.decay_at(step) ** (step - average.step)
            _synchronize(self.model)
            self._move(decay)
            average.step = step

    def on_test_begin(self, logs=None):
        if self._fitting:
            self._show(True)
        else:
            self._detach()

    def on_predict_begin(self, logs=None):
        if not self._fitting:
            self._detach()

    def on_epoch_end(self, epoch, logs=None):
        self._show(True)

    def on_train_end(self, logs=None):
        self._show(True)
        self._fitting = False
        self._detach()

    def _begin(self):
        """Hang a new average on the optimizer."""
        model, optimizer = self.model, self.model.optimizer
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        if inner.use_ema:
            raise ValueError(
                "WeightAveraging and an optimizer with `use_ema=True` would average "
                f"twice. Leave one of them out. Received: {inner.name}."
            )
        self._batches_per_step = inner.gradient_accumulation_steps or 1
        self._variables = [v for v in model.weights if "float" in v.dtype]
        _check_precision(self._variables)
        abandoned = getattr(optimizer, "weight_averaging", None)
        if abandoned is not None and abandoned.shown:
            abandoned.swap(self._variables)
        self._average = optimizer.weight_averaging = Average(self._variables)
        self._move = mover(self._average.weights, self._variables)
        return self._average

    def _detach(self):
        if getattr(self.model.optimizer, "weight_averaging", None) is self._average:
            del self.model.optimizer.weight_averaging

    def _show(self, shown):
        average = self._average
        if average is not None and average.step and average.shown != shown:
            self.swap()


def _check_precision(variables):
    for variable in variables:
        if variable.dtype not in ("float32", "float64"):
            raise ValueError(
                "The average moves by less than 16 bits can tell: keep the weights in "
                "float32, as `mixed_bfloat16` does. Received: a variable of dtype "
                f"{variable.dtype}, {variable.path}."
            )


def _synchronize(model):
    # JAX keeps the state outside the variables during an epoch.
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
