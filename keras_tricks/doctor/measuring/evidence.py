"""What the doctor measures before training, each thing once and only if asked."""

import functools

import numpy as np

from keras_tricks.doctor.measuring.graph import read_graph
from keras_tricks.doctor.measuring.instruments import first_line
from keras_tricks.doctor.measuring.losses import loss_facts
from keras_tricks.doctor.measuring.memorize import memorize
from keras_tricks.doctor.measuring.needs import everything, is_odd, needed_repairs
from keras_tricks.doctor.measuring.rates import planned_optimizer, planned_rates
from keras_tricks.doctor.measuring.samples import as_scaled, embedded
from keras_tricks.doctor.measuring.start import measure_start
from keras_tricks.doctor.measuring.sweep import HIGHER, LOWER, sweep
from keras_tricks.doctor.measuring.task import by_output, tasks_of
from keras_tricks.doctor.measuring.training import fixed_batch_size, tensors
from keras_tricks.doctor.measuring.trials import Trials

# Below this a score is hardly better than a constant.
LEAST = 0.15
STUCK, BY_HEART, LITTLE, PERFECT = 0.1, 0.5, 0.6, 0.95
# A score below another by this share and at least this, or by that, is worse: rows and
# seeds move it by less. The begin of a training says less than all of it.
SHARE, AT_LEAST, CLEARLY = 0.8, 0.1, 0.15
SHARE_OF_A_BEGIN = 0.6
# What the repairs of the model gain with all else alike.
HELP = 0.08
MOST_HURRY = 30.0
ROWS = 256


class Evidence:
    """All instruments on one training program. Rules read it and measure nothing.

    Args:
        model: A built and compiled model, which is only read.
        data: `Data` to train on.
        validation: `Data` of the validation, or None.
        plan: `Plan` of the training.
        seconds: Time for all trials together.
    """

    def __init__(self, model, data, validation, plan, seconds):
        self.model, self.plan = model, plan
        self.data, self.validation = data, validation
        self.seconds = seconds
        self.not_judged = []
        self._failed = False

    @functools.cached_property
    def graph(self):
        """The `Graph` of layers and heads, or None."""
        return read_graph(self.model)

    @functools.cached_property
    def losses(self):
        """The `LossFacts` of each output, None for an output without a loss."""
        return loss_facts(self.model)

    @functools.cached_property
    def tasks(self):
        """The `Task` of each output."""
        targets = by_output(self.model, self.data.y)
        names = [loss and loss.name for loss in self.losses]
        if not targets or len(targets) != len(names):
            return []
        return tasks_of(targets, self.data.inputs, names, self._units())

    @property
    def start(self):
        """What one batch shows at the first weights, a `Start`.

        Raises:
            RuntimeError: If the model or its loss cannot take the batch.
        """
        if self.failure:
            raise RuntimeError(f"the first batch fails: {self.failure}")
        return self._start

    @property
    def failure(self):
        """What the model or its loss says to the first batch instead of taking it."""
        failed = isinstance(self._start, Exception)
        return first_line(self._start) if failed else ""

    @functools.cached_property
    def _start(self):
        try:
            rows = self.data.take(slice(None, fixed_batch_size(self.model) or ROWS))
            return measure_start(self.model, rows, self.graph)
        except Exception as error:  # A program that fails in `fit` fails here too.
            return error

    @functools.cached_property
    def optimizer(self):
        """The optimizer, with the schedule that a callback of the plan gives it."""
        return planned_optimizer(self.model.optimizer, self.plan)

    @functools.cached_property
    def rates(self):
        """The learning rate at every hundredth of the plan, an array, or None."""
        try:
            return planned_rates(self.optimizer, self.plan)
        except (TypeError, ValueError, AttributeError):
            return None

    @functools.cached_property
    def trials(self):
        """The `Trials` of this program, or None if none can be made."""
        if not self.data.targets or not self.tasks or self.rates is None:
            return None
        logits = [bool(loss and loss.from_logits) for loss in self.losses]
        return Trials(
            self.model,
            self.optimizer,
            self.data,
            self.plan,
            self.tasks,
            logits,
            self.graph,
            self.rates,
            self.tokens,
            self.seconds,
        )

    def trial(self, **changes):
        """Return the `Run` of the planned training with some changes, or None."""
        if self.trials is None or self._failed:
            return None
        try:
            run = self.trials.run(**changes)
        except Exception as error:  # A program that fails in `fit` fails here too.
            self.not_judged.append(("a training on a copy", first_line(error)))
            self._failed = not self.trials.runs
            return None
        late = ("further trials", f"the {self.seconds:g} seconds are over: `seconds=`")
        if run is None and self.trials.is_late and late not in self.not_judged:
            self.not_judged.append(late)
        return run

    @property
    def rehearsal(self):
        """The training as planned, on a copy: a `Run` or None."""
        return self.trial()

    @functools.cached_property
    def repairs(self):
        """What the graph and the task alone say must change, a tuple."""
        return needed_repairs(self.graph, self.tasks, self.losses)

    @property
    def base(self):
        """The training with `repairs` made, with the settings of the user: a `Run`."""
        return (self.repairs and self.trial(repairs=self.repairs)) or self.rehearsal

    @functools.cached_property
    def scaled(self):
        """Rows of the inputs as the first weights get them, and what scaled them."""
        kept = [i for i in range(len(self.data.inputs)) if i not in self.tokens]
        return [as_scaled(self, i, self.data.inputs[i][:2000]) for i in kept]

    @property
    def scales_itself(self):
        """Whether the model scales its inputs before the first weights."""
        return any(layer is not None for _, layer in self.scaled)

    @property
    def odd_inputs(self):
        """Whether columns of the inputs are far from mean 0 and deviation 1."""
        return any(is_odd(rows) for rows, _ in self.scaled)

    @functools.cached_property
    def odd_targets(self):
        """Whether values to be predicted are far from mean 0 and deviation 1."""
        values = [task.target for task in self.tasks if task.kind == "regression"]
        return any(is_odd(target, 3.0) for target in values)

    @functools.cached_property
    def tokens(self):
        """Indices of the inputs that are ids for an embedding."""
        return embedded(self)

    @functools.cached_property
    def imbalance(self):
        """Rows of the commonest class per row of the rarest, 1 without classes."""
        counts = [task.counts for task in self.tasks if task.classifies]
        counts = [c[c > 0] for c in counts]
        return max((float(c.max() / c.min()) for c in counts if len(c)), default=1.0)

    @property
    def cure(self):
        """The training with everything changed that may help: a `Run` or None."""
        return self.rehearsal and self.trial(**self.cured())

    def cured(self, **but):
        """Return the changes of `cure`, some of them left out or changed."""
        return everything(self) | but

    @functools.cached_property
    def best(self):
        """The best score that a copy reached."""
        if self.rehearsal is None:
            return np.nan
        runs = list(filter(None, (self.rehearsal, self.base, self.cure)))
        best = max(run.score for run in runs)
        if best < LEAST and max(run.skill for run in runs) > BY_HEART:
            # No unseen row can be told yet, but known ones can: compare by these.
            self.trials.by_known = True
            best = max(run.skill for run in runs)
        return best

    @functools.cached_property
    def sick(self):
        """Whether the planned training does not get where a changed copy gets."""
        best, run = self.best, self.rehearsal
        if run is None or np.isnan(run.score):
            return False
        if run.diverged or self.base.score - run.score >= HELP:
            return True
        if run.score > PERFECT or not self.is_worse(run.score, best):
            return False
        hurried = self.hurried
        return hurried is None or self.is_worse(hurried.score, best)

    @functools.cached_property
    def fails(self):
        """Whether it is sick and comes to little of what a changed copy comes to."""
        run = self.rehearsal
        return self.sick and (run.diverged or run.score < LITTLE * self.best)

    @functools.cached_property
    def stuck(self):
        """Whether the whole planned training teaches nothing, of known rows either."""
        run = self.rehearsal
        return run is not None and run.finished and run.skill < STUCK

    @functools.cached_property
    def hurried(self):
        """A plan that was cut short, with steps that are larger instead, or None."""
        run = self.rehearsal
        if run.finished:
            return None
        return self.trial(rate=min(run.planned / run.steps, MOST_HURRY))

    @functools.cached_property
    def lame(self):
        """Whether it is sick and the repairs of the model alone do not cure it."""
        return self.sick and (
            self.base.diverged or self.is_worse(self.base.score, self.best)
        )

    def change(self, **changes):
        """Return the trial with some changes on top of `base`."""
        return self.trial(repairs=self._base_repairs(), **changes)

    def is_worse(self, score, other):
        """Whether a score is clearly below another one that is worth something."""
        if other < LEAST or other - score < AT_LEAST:
            return False
        if not self.rehearsal.finished:
            return score < SHARE_OF_A_BEGIN * other
        return score < SHARE * other or other - score >= CLEARLY

    def cures(self, run, than=None):
        """Whether a run is clearly better than the planned one, and near the best."""
        than = than or self.base
        if run is None or than is None or run.diverged:
            return False
        return self.is_worse(than.score, run.score) and run.score >= LITTLE * self.best

    def tried(self, change, run, than=None):
        """Say in one sentence what a trial showed."""
        return run.beside(than or self.base, change)

    @functools.cached_property
    def lower(self):
        """A `Run` for each lower rate until one succeeds, `{factor: run}`."""
        return sweep(self, LOWER)

    @functools.cached_property
    def higher(self):
        """A `Run` for each higher rate until one succeeds, `{factor: run}`."""
        return sweep(self, HIGHER)

    @functools.cached_property
    def memory(self):
        """Whether one sample can be learnt by heart, a `Memory`."""
        return memorize(self.model, tensors(self.data.take(slice(None, 1))))

    def _base_repairs(self):
        return self.repairs if self.trial(repairs=self.repairs) else ()

    def _units(self):
        if self.graph is not None:
            return [head.units for head in self.graph.heads]
        if self.failure:
            return [0] * len(self.losses)
        return [output.shape[-1] for output in self.start.output]
