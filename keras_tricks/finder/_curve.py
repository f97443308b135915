"""The curve of a sweep, what it suggests, and its picture."""

import dataclasses

import numpy as np

from keras_tricks._figure import new_figure
from keras_tricks.finder import _suggestions
from keras_tricks.finder._suggestions import BETA, fallen, falls, smooth
from keras_tricks.finder._trials import vertex

NAMES = ("suggestion", "valley", "steep", "minimum", "slide")


@dataclasses.dataclass(frozen=True)
class Curve:
    """Loss over learning rate. A suggestion is None where the curve has no answer.

    Attributes:
        rates: Float array (points,).
        losses: Float array (points,), the loss of each point's own batches.
        steps: Points planned; the sweep ends early when the loss diverges.
        trials: Mean final loss by rate, of the short trainings.
    """

    rates: np.ndarray
    losses: np.ndarray
    steps: int
    trials: dict = dataclasses.field(default_factory=dict)

    @property
    def smoothed(self):
        """The exponential average of the losses so far, as fastai's."""
        return smooth(self.losses, BETA)

    @property
    def falls(self):
        """Whether the loss falls by more than its noise; else there is no answer."""
        return falls(self.losses)

    @property
    def suggestion(self):
        """The rate to train with: where the trials say, else read off the curve."""
        if self.trials:
            has_answer = min(self.trials.values()) < fallen(self.losses)
            return vertex(self.trials) if has_answer else None
        return self.guess if self.falls else None

    @property
    def guess(self):
        """What the curve says about the rate to train with, noise or not."""
        return _suggestions.suggestion(self.rates, self.losses)

    @property
    def valley(self):
        """Halfway down the longest valley, as fastai's."""
        return self._read(_suggestions.valley)

    @property
    def steep(self):
        """Where the loss falls fastest, as fastai's."""
        return self._read(_suggestions.steep)

    @property
    def minimum(self):
        """A tenth of the rate at the lowest loss, as fastai's."""
        return self._read(_suggestions.minimum)

    @property
    def slide(self):
        """Left of which the slope hardly changes, as fastai's."""
        return self._read(_suggestions.slide)

    def _read(self, rule):
        # fastai drops as many as of a whole sweep, also of one that ended early.
        kept = slice(self.steps // 10, -5)
        if not self.falls or len(self.rates[kept]) < 2:
            return None
        return rule(self.rates[kept], self.smoothed[kept])

    def __str__(self):
        if not len(self.losses):
            return "No answer: the loss of the first batch is not finite."
        shown = (
            f"{len(self.losses)} of {self.steps} points, rates {self.rates[0]:.3g} to "
            f"{self.rates[-1]:.3g}, loss {self.losses[0]:.4g}, lowest average "
            f"{self.smoothed.min():.4g}"
        )
        if not self.falls and self.suggestion is None:
            return (
                f"No answer: the loss does not fall by more than its noise ({shown}). "
                "A larger batch has less noise, a smaller `start` leaves room before "
                "the loss diverges, and a larger `end` tries higher rates."
            )
        answers = {name: getattr(self, name) for name in NAMES}
        found = [
            f"{n} {'none' if v is None else f'{v:.3g}'}" for n, v in answers.items()
        ]
        return f"{', '.join(found)} ({shown})"

    def plot(self):
        """Return a `matplotlib.figure.Figure` of the losses and the suggestions."""
        figure = new_figure(7, 4)
        axes = figure.add_subplot()
        axes.plot(self.rates, self.losses, ".", color="0.7", label="loss of each batch")
        axes.plot(self.rates, self.smoothed, color="black", label="average so far")
        for number, name in enumerate(NAMES):
            rate = getattr(self, name)
            if rate is not None:
                axes.axvline(
                    rate, color=f"C{number}", linestyle="--", label=f"{name} {rate:.2g}"
                )
        axes.set_xscale("log")
        if len(self.losses):
            # The last points, on their way to infinity, would flatten all others.
            low, high = self.losses.min(), self.smoothed.max()
            margin = 0.1 * (high - low) or 1
            axes.set_ylim(low - margin, high + margin)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss")
        if self.suggestion is None:
            axes.set_title("no answer: noise, or no fall")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        return figure
