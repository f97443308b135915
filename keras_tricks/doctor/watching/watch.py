"""What was seen of one training: all that a rule's `during` reads."""

import dataclasses
import functools

import numpy as np

from keras_tricks.doctor.watching.trend import blocks, finite_head


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One look at a training, before one of its steps and after it.

    What needs data is that of one fixed batch, and empty or None without it.

    Attributes:
        step: Steps done before.
        rate: Learning rate of the step, None if unknown.
        weights: `{variable path: norm}`, trainable ones.
        updates: `{variable path: norm of what the step changed / norm}`.
        moved: Whether any trainable weight differs from the last snapshot's.
        steadiness: Length of the way from the last snapshot, as the crow flies, by
            that of its steps: 1 straight on, `1 / sqrt(steps)` for a random walk.
        loss: Loss at inference, penalties included.
        train_loss: Loss in training mode, penalties included.
        penalty: What regularizers and `add_loss` add to the loss at inference.
        gradients: `{variable path: norm}`, in training mode.
        dead: `{layer: share of relu units that give zero for the whole batch}`.
        saturated: `{layer: share of tanh or sigmoid outputs at their bounds}`.
        batch_norm: `{layer: (mean, variance)}`: how far the moving mean is from the
            batch's, in standard deviations, and the factor between the variances.
        spread: Variance of the output over the rows by that of all its values.
        classes: Rows by predicted class, None if the targets are no classes.
    """

    step: int
    rate: float | None = None
    weights: dict = dataclasses.field(default_factory=dict)
    updates: dict = dataclasses.field(default_factory=dict)
    moved: bool = True
    steadiness: float | None = None
    loss: float | None = None
    train_loss: float | None = None
    penalty: float | None = None
    gradients: dict = dataclasses.field(default_factory=dict)
    dead: dict = dataclasses.field(default_factory=dict)
    saturated: dict = dataclasses.field(default_factory=dict)
    batch_norm: dict = dataclasses.field(default_factory=dict)
    spread: float | None = None
    classes: np.ndarray | None = None

    @property
    def update(self):
        """Median update ratio of the kernels, None if there is none."""
        ratios = [self.updates[name] for name in self.updates if is_kernel(name)]
        return float(np.median(ratios)) if ratios else None

    @property
    def gradient(self):
        """Norm of the whole gradient."""
        return float(np.sqrt(sum(norm**2 for norm in self.gradients.values())))


@dataclasses.dataclass
class Watch:
    """A training as far as it was seen.

    Attributes:
        logs: `{name: value per epoch}`, as in `History.history`.
        step_losses: Loss of each step, in training mode, epochs one after another;
            empty where only epochs are known.
        rates: Learning rate at the begin of each epoch, None where unknown.
        epochs: Planned epochs, None if unknown.
        finished: Whether the training is over.
        snapshots: List of `Snapshot`.
        origin: Where the first value that is not finite came from, an `Origin`.
        task: What the fixed batch's targets are, a `Task`, if there is one output.
        facts: `{"optimizer": ..., "loss": ..., "reduction": ..., "parameters": ...,
            "dropout": names, "batch_norm": names, "rows": of the fixed batch}` as far
            as known.

    Example:
        >>> watch = Watch(logs={"loss": [2.0, 1.0, 0.5]}, epochs=6, finished=False)
        >>> watch.first, watch.last, watch.share
        (2.0, 0.5, 0.5)
    """

    logs: dict = dataclasses.field(default_factory=dict)
    step_losses: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    rates: list = dataclasses.field(default_factory=list)
    epochs: int | None = None
    finished: bool = True
    snapshots: list = dataclasses.field(default_factory=list)
    origin: object = None
    task: object = None
    facts: dict = dataclasses.field(default_factory=dict)

    @property
    def done(self):
        """Epochs done."""
        return len(self.logs.get("loss", ()))

    @property
    def share(self):
        """Part of the planned epochs that is done, 1 if finished, None if unknown."""
        if self.finished:
            return 1.0
        return self.done / self.epochs if self.epochs else None

    @property
    def losses(self):
        """Training loss of the epochs, up to the first that is not finite."""
        return finite_head(self.logs.get("loss", ()))

    @property
    def val_losses(self):
        """Validation loss of the epochs, up to the first that is not finite."""
        return finite_head(self.logs.get("val_loss", ()))

    @functools.cached_property
    def course(self):
        """The training loss as finely as it is known: per step, else per epoch."""
        steps = finite_head(self.step_losses)
        return steps if len(steps) else self.losses

    @functools.cached_property
    def curve(self):
        """`(means, errors)` of the training loss in 20 blocks."""
        return blocks(self.course)

    @property
    def first(self):
        """Training loss at the begin, None if unknown."""
        course = self.course
        # The first steps fall fast: few are taken, not one, which is one batch's noise.
        return (
            float(course[: max(1, min(5, len(course) // 100))].mean())
            if len(course)
            else None
        )

    @property
    def last(self):
        """Training loss now: the mean of the last twentieth."""
        return float(self.curve[0][-1]) if len(self.course) else None

    @property
    def fallen(self):
        """Share of the first loss that is gone, None if unknown or not positive."""
        if not self.first or self.first <= 0:
            return None
        return 1 - self.last / self.first

    @property
    def looked(self):
        """The snapshots that hold a look at a fixed batch."""
        return [snapshot for snapshot in self.snapshots if snapshot.loss is not None]

    @property
    def update(self):
        """Median update ratio of the kernels over the last three snapshots."""
        ratios = [s.update for s in self.snapshots if s.step and s.update is not None]
        return float(np.median(ratios[-3:])) if ratios else None

    @property
    def fastest(self):
        """Largest update ratio among the kernels, median of the last three looks."""
        ratios = [
            max(kernels)
            for s in self.snapshots
            if s.step and (kernels := [s.updates[n] for n in s.updates if is_kernel(n)])
        ]
        return float(np.median(ratios[-3:])) if ratios else None

    @property
    def chance(self):
        """Cross-entropy of the best constant output, None for other tasks."""
        known = self.task is not None and self.task.classifies
        mean = self.facts.get("reduction") != "sum"
        if not (known and mean and "crossentropy" in (self.facts.get("loss") or "")):
            return None
        shares = self.task.counts[self.task.counts > 0] / self.task.counts.sum()
        return float(-(shares * np.log(shares)).sum())

    @property
    def rate(self):
        """Learning rate of the last step that is known."""
        known = [s.rate for s in self.snapshots if s.rate is not None]
        known = known[-1:] or [rate for rate in self.rates[-1:] if rate is not None]
        return known[-1] if known else None


def is_kernel(path):
    """Whether a variable is multiplied with the input, by its name."""
    return path.rpartition("/")[2].endswith(("kernel", "embeddings"))
