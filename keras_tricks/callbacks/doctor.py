"""The doctor at the side of a running training."""

import keras

from keras_tricks._checks import check_integer
from keras_tricks.callbacks._sample import check_sample
from keras_tricks.doctor.watching.board import Board
from keras_tricks.doctor.watching.judge import judge
from keras_tricks.doctor.watching.known import fixed_rows
from keras_tricks.doctor.watching.observer import Observer


class Doctor(keras.callbacks.Callback):
    """Watch a training and say what keeps it from learning.

    Every few steps it looks at one fixed batch: the loss in training mode and at
    inference, gradients, dead and saturated units, batch norm's statistics against
    the batch's; and at what a step changes in the weights. When the loss is no longer
    finite, it looks for the first value that is not, layer by layer. At the end of an
    epoch its rules judge what was seen so far; a finding of severity `"error"` is
    printed at once, the whole diagnosis at the end of `fit`.

    A callback does not see the data of `fit`. Without `x` and `y` only the logs and
    the weights are watched; what needs a batch is listed as not judged.

    The training is bit for bit what it is without this callback: weights, statistics,
    optimizer, metrics, random generators and compiled functions. A copy of the weights
    is kept in the memory of the host.

    Args:
        log_dir: Folder for TensorBoard: losses of the fixed batch, update ratios,
            gradient norms, dead units, and the findings as text. None for nothing.
        x: Inputs of the fixed batch, as for `fit`; of more than 64 rows, 64 evenly
            spread are taken. Take some that are not augmented. Or a tuple `(x, y)` or
            `(x, y, sample_weight)`, as a dataset yields it; then leave out `y`.
        y: Targets of the fixed batch.
        period: Steps from one look to the next, at the begin fewer. Integer, at least
            1.
        verbose: 0 for silence, 1 for the findings.

    Attributes:
        diagnosis: What the rules said at the end of the last epoch, a
            `kt.doctor.Diagnosis`; None before.
        watch: What they saw, by name; None before.

    Raises:
        TypeError: If `period` is not an integer, or `x` or `y` not made of arrays.
        ValueError: If `period` is below 1, or there is a `y` without `x`; in `fit`, if
            `x` and `y` have not as many rows.
        ImportError: If there is a `log_dir` but TensorBoard is not installed.

    Example:
        >>> x, y = np.random.rand(64, 4), np.arange(64) % 3
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> model.compile(keras.optimizers.SGD(1e9), loss)
        >>> doctor = Doctor(x=x[:32], y=y[:32], verbose=0)
        >>> history = model.fit(x, y, epochs=4, callbacks=[doctor], verbose=0)
        >>> [finding.name for finding in doctor.diagnosis.findings]
        ['lr-high']

    Reference:
        Schneider et al., 2021, [Cockpit](https://arxiv.org/abs/2102.06604).
    """

    def __init__(self, log_dir=None, x=None, y=None, period=200, verbose=1):
        super().__init__()
        check_integer("period", period, 1)
        if y is not None and x is None:
            raise ValueError("`y` needs `x`. Received: x=None.")
        if x is not None:
            check_sample(x, y)
        self.log_dir = log_dir
        self.x = x
        self.y = y
        self.period = period
        self.verbose = verbose
        self.diagnosis = None
        self.watch = None

    def on_train_begin(self, logs=None):
        batch = None if self.x is None else fixed_rows(self.x, self.y)
        plan = [(self.params or {}).get(name) for name in ("epochs", "steps")]
        self._observer = Observer(self.model, batch, self.period, *plan)
        self._board = None if self.log_dir is None else Board(self.log_dir)
        self._printed = set()

    def on_epoch_begin(self, epoch, logs=None):
        self._observer.begin_epoch(self.model)

    def on_train_batch_begin(self, batch, logs=None):
        self._looking = self._observer.due()
        if self._looking:
            self._observer.begin_step(self.model)

    def on_train_batch_end(self, batch, logs=None):
        observer = self._observer
        finite = observer.end_step(batch + 1, logs)
        if self._looking:
            observer.complete(self.model)
        if not finite and observer.origin is None:
            observer.trace(self.model)
            self._judge(finished=False)

    def on_epoch_end(self, epoch, logs=None):
        self._observer.end_epoch(logs)
        self._judge(finished=False)

    def on_train_end(self, logs=None):
        self._observer.end(self.model)
        self._judge(finished=True)
        if self.verbose:
            print(self.diagnosis)
        if self._board is not None:
            self._board.close()
            self.diagnosis.to_tensorboard(self.log_dir, self._observer.done)
        self._observer = None  # it holds the weights

    def _judge(self, finished):
        self.watch = self._observer.watch(finished)
        self.diagnosis = judge(self.watch)
        if self._board is not None:
            self._board.write(self.watch.snapshots)
        for finding in self.diagnosis.findings:
            new = finding.severity == "error" and finding.name not in self._printed
            if new and self.verbose and not finished:
                self._printed.add(finding.name)
                print(f"\nDoctor: {finding.name} ({finding.where}): {finding.evidence}")
