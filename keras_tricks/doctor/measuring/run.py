"""What one training on a copy came to."""

import dataclasses

import numpy as np

# Of fewer rows a score is too uncertain to compare trainings by.
ENOUGH = 50


@dataclasses.dataclass(frozen=True)
class Run:
    """What a training on a copy came to.

    Attributes:
        losses: Loss of each step, before the step, with penalties.
        planned: Steps of the plan.
        skill: How well the rows it trained on are known at inference: 0 as the best
            constant, 1 perfectly. nan if no task is known.
        holdout_skill: The same on rows that it did not see; nan if there are too few.
        loss: Loss at inference of some rows it trained on, penalties included.
        train_loss: Loss of the same rows as in training.
        output: Outputs of `Trials.shown`, a list of arrays.
        recalls: Share of each class that is told right, of rows that it did not see if
            there are enough; None for other tasks than classes.
        held: Number of rows that it did not see.
        stretch: Steps of the schedule per step here.
        seconds: Time taken.
        by_known: Whether the score is that of known rows, however many are unseen.
    """

    losses: np.ndarray
    planned: int
    skill: float
    holdout_skill: float
    loss: float
    train_loss: float
    output: list
    recalls: np.ndarray | None
    held: int
    stretch: float
    seconds: float
    by_known: bool = False

    @property
    def steps(self):
        """Number of steps taken."""
        return len(self.losses)

    @property
    def finished(self):
        """Whether all planned steps were taken."""
        return self.steps >= self.planned

    @property
    def diverged(self):
        """Whether the loss stopped being a number."""
        return not np.isfinite(self.losses).all()

    @property
    def score(self):
        """Skill on unseen rows where there are enough, else on the known."""
        known = self.by_known or self.held < ENOUGH
        return self.skill if known else self.holdout_skill

    @property
    def first(self):
        """Mean loss of the first twentieth of the steps."""
        return float(np.mean(self.losses[: max(1, self.steps // 20)]))

    @property
    def last(self):
        """Mean loss of the last tenth of the steps."""
        return float(np.mean(self.losses[-max(1, self.steps // 10) :]))

    def beside(self, other, change):
        """Say in one sentence what a change brought about."""
        return (
            f"with {change} the loss went {self.first:.3g} → {self.last:.3g} in "
            f"{self.steps} steps and the score came to {self.score:.2f}; yours: "
            f"{other.first:.3g} → {other.last:.3g}, score {other.score:.2f}"
        )
