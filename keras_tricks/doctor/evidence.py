"""What the doctor measures before training, each thing once and only if asked."""

import functools

import keras
import numpy as np

from keras_tricks.doctor._graph import read_graph
from keras_tricks.doctor._losses import loss_facts
from keras_tricks.doctor._memorize import memorize
from keras_tricks.doctor._repair import SQUASHING
from keras_tricks.doctor._start import measure_start
from keras_tricks.doctor._task import tasks_of
from keras_tricks.doctor._training import rate_of, tensors, with_rate
from keras_tricks.doctor._trials import Trials

# Below this a score is hardly better than a constant.
LEAST = 0.15
STUCK = 0.1
# A score below another by this share and at least this, or by that, is worse: rows and
# seeds move it by less. The begin of a training says less than all of it.
SHARE, AT_LEAST, CLEARLY = 0.8, 0.1, 0.15
SHARE_OF_A_BEGIN = 0.6
# What the repairs of the model gain with all else alike.
HELP = 0.08
MOST_HURRY = 30.0
LOWER = (0.1, 0.01, 0.001, 0.0001)
HIGHER = (10.0, 100.0)
# A score this near to the best one known ends a search.
ENOUGH = 0.9


class Evidence:
    """All instruments on one training program. Rules read it and measure nothing.

    Args:
        model: A built and compiled model, which is only read.
        data: `Data` to train on.
        validation: `Data` of the validation, or None.
        plan: `Plan` of the training.
        seconds: Time for all trials together.
    """

    def __init__(self, model, data, validation, plan, seconds=8.0):
        self.model = model
        self.data = data
        self.validation = validation
        self.plan = plan
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
        targets, names = self._targets(), [loss and loss.name for loss in self.losses]
        if len(targets) != len(names):
            return []
        return tasks_of(targets, self.data.inputs, names, self._units())

    @property
    def start(self):
        """What one batch shows at the first weights, a `Start`.

        Raises:
            RuntimeError: If the model or its loss cannot take the batch.
        """
        if isinstance(self._start, Exception):
            raise RuntimeError(f"the first batch fails: {first_line(self._start)}")
        return self._start

    @functools.cached_property
    def _start(self):
        try:
            return measure_start(
                self.model, self.data.take(slice(None, 256)), self.graph
            )
        except Exception as error:  # A program that fails in `fit` fails here too.
            return error

    @functools.cached_property
    def optimizer(self):
        """The optimizer, with the schedule that a callback of the plan gives it."""
        per_epoch = self._scheduled()
        if per_epoch is None:
            return self.model.optimizer
        steps = self.plan.steps_per_epoch or 1
        bounds = [steps * epoch - 1 for epoch in range(1, len(per_epoch))]
        if not bounds:
            bounds, per_epoch = [steps], per_epoch * 2
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(bounds, per_epoch)
        return with_rate(self.model.optimizer, schedule)

    @functools.cached_property
    def rates(self):
        """The learning rate at every hundredth of the plan, an array, or None."""
        steps = self.plan.steps or 1000
        try:
            at = np.linspace(0, max(steps - 1, 0), 101).astype(int)
            return np.array([rate_of(self.optimizer, int(step)) for step in at])
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
        if (
            run is None
            and self.trials.spent > self.seconds
            and late not in self.not_judged
        ):
            self.not_judged.append(late)
        return run

    @functools.cached_property
    def rehearsal(self):
        """The training as planned, on a copy: a `Run` or None."""
        return self.trial()

    @functools.cached_property
    def repairs(self):
        """What the graph and the task alone say must change, a tuple."""
        if self.graph is None or len(self.tasks) != 1 or len(self.graph.heads) != 1:
            return ()
        found = []
        if not self._head_fits():
            found.append("head")
        hidden = [layer for layer in self.graph.hidden if not layer.is_recurrent]
        plain = not self.graph.has_residual and not self.graph.normalizations
        if plain and any(layer.activation == "linear" for layer in hidden):
            found.append("hidden")
        return tuple(found)

    @functools.cached_property
    def base(self):
        """The training with `repairs` made, with the settings of the user: a `Run`."""
        return (self.repairs and self.trial(repairs=self.repairs)) or self.rehearsal

    @functools.cached_property
    def odd_inputs(self):
        """Whether columns of the inputs are far from mean 0 and deviation 1."""
        return any(_is_odd(array) for array in self.data.inputs)

    @functools.cached_property
    def odd_targets(self):
        """Whether values to be predicted are far from mean 0 and deviation 1."""
        return any(
            task.kind == "regression" and _is_odd(task.target, 3.0)
            for task in self.tasks
        )

    @functools.cached_property
    def imbalance(self):
        """Rows of the commonest class per row of the rarest, 1 without classes."""
        counts = [task.counts for task in self.tasks if task.classifies]
        counts = [c[c > 0] for c in counts]
        return max((float(c.max() / c.min()) for c in counts if len(c)), default=1.0)

    @functools.cached_property
    def cure(self):
        """The training with everything changed that may help: a `Run` or None."""
        return self.rehearsal and self.trial(**self.cured())

    def cured(self, **but):
        """Return the changes of `cure`, some of them left out or changed."""
        repairs = {*self.repairs, "dropout", "penalty", "bias"}
        if self._squashes():
            repairs.add("squash")
        return {
            "inputs": "standard",
            "targets": "standard" if self._free() else "as given",
            "weights": "fresh",
            "optimizer": "adam",
            "repairs": tuple(sorted(repairs)) if self.graph else (),
            "balanced": self.imbalance > 9,
            "mixed": True,
            # A training that was cut short here may get there in the end.
            "longer": 4.0 if self.rehearsal.finished else 1.0,
        } | but

    @functools.cached_property
    def best(self):
        """The best score that a copy reached."""
        runs = [self.rehearsal, self.base, self.cure]
        return max((run.score for run in runs if run is not None), default=np.nan)

    @functools.cached_property
    def sick(self):
        """Whether the planned training does not get where a changed copy gets."""
        run = self.rehearsal
        if run is None or np.isnan(run.score):
            return False
        if run.diverged:
            return True
        if self.base.score - run.score >= HELP:
            return True
        if run.score > 0.95 or not self.is_worse(run.score, self.best):
            return False
        hurried = self.hurried
        return hurried is None or self.is_worse(hurried.score, self.best)

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
        return self.is_worse(than.score, run.score) and run.score >= 0.6 * self.best

    def tried(self, change, run, than=None):
        """Say in one sentence what a trial showed."""
        than = than or self.base
        return (
            f"with {change} the loss went {run.first:.3g} → {run.last:.3g} "
            f"in {run.steps} steps and the score came to {run.score:.2f}; yours: "
            f"{than.first:.3g} → {than.last:.3g}, score {than.score:.2f}"
        )

    @functools.cached_property
    def lower(self):
        """A `Run` for each lower rate until one succeeds, `{factor: run}`."""
        return self._at_rates(LOWER)

    @functools.cached_property
    def higher(self):
        """A `Run` for each higher rate until one succeeds, `{factor: run}`."""
        return self._at_rates(HIGHER)

    @functools.cached_property
    def memory(self):
        """Whether one sample can be learnt by heart, a `Memory`."""
        return memorize(self.model, tensors(self.data.take(slice(None, 1))))

    def _at_rates(self, factors):
        runs, last = {}, self.base
        for factor in factors:
            run = self.change(rate=factor)
            if run is None:
                break
            runs[factor] = run
            worse = not last.diverged and run.score <= last.score + 0.02
            if run.score > ENOUGH * self.best or (worse and len(runs) > 1):
                break
            last = run
        return runs

    def _scheduled(self):
        """Rates of the epochs from a LearningRateScheduler, or None."""
        for callback in self.plan.callbacks:
            if isinstance(callback, keras.callbacks.LearningRateScheduler):
                rate, rates = rate_of(self.model.optimizer, 0), []
                for epoch in range(min(self.plan.epochs, 1000)):
                    try:
                        rate = float(callback.schedule(epoch, rate))
                    except TypeError:
                        rate = float(callback.schedule(epoch))
                    rates.append(rate)
                return rates
        return None

    def _base_repairs(self):
        return self.repairs if self.base is not self.rehearsal else ()

    def _squashes(self):
        """Whether sigmoids or tanhs follow one another, or look at images."""
        if self.graph is None:
            return False
        found = [
            layer
            for layer in self.graph.hidden
            if layer.activation in SQUASHING and not layer.is_recurrent
        ]
        return len(found) > 2 or any("Conv" in layer.kind for layer in found)

    def _free(self):
        """Whether every output is a value that any number can be."""
        if not self.tasks or any(task.kind != "regression" for task in self.tasks):
            return False
        if "head" in self.repairs:
            return True
        plain = self.graph is None or not any(h.activation for h in self.graph.heads)
        return plain and all(loss and loss.kind == "value" for loss in self.losses)

    def _targets(self):
        y = self.data.y
        names = getattr(self.model, "output_names", None) or []
        if isinstance(y, dict) and set(y) == set(names):
            return [np.asarray(y[name]) for name in names]
        return self.data.targets

    def _units(self):
        if self.graph is not None:
            return [head.units for head in self.graph.heads]
        return [output.shape[-1] for output in self.start.output]

    def _head_fits(self):
        """Whether head and loss are what the task asks for, or not known to be not."""
        task, head, loss = self.tasks[0], self.graph.heads[0], self.losses[0]
        if loss is None or loss.kind == "custom" or not head.is_known:
            return True
        if head.layer is None or task.kind == "unknown":
            return True
        last = head.activation[-1] if head.activation else "linear"
        if task.kind == "regression":
            return _covers(last, task.target) and (
                loss.kind == "value" or not _outside(task.target, 0, 1)
            )
        soft = {"binary": "sigmoid", "multilabel": "sigmoid"}.get(task.kind, "softmax")
        if task.kind == "binary" and head.units == 2:
            soft = "softmax"
        if len(head.activation) > 1 or (task.classes or 0) > head.units > 1:
            return False
        if loss.kind == "hinge":
            return last in ("linear", "tanh")
        if task.kind == "multiclass" and head.units == 1:
            return False
        logits = loss.from_logits and last == "linear"
        return (last == soft or logits) and loss.kind == "probability"


def first_line(error):
    """Return the kind of an error and the first line of what it says."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _covers(activation, target):
    low, high = {
        "relu": (0, np.inf),
        "sigmoid": (0, 1),
        "tanh": (-1, 1),
        "softmax": (0, 1),
        "softplus": (0, np.inf),
    }.get(activation, (-np.inf, np.inf))
    return not _outside(target, low, high)


def _outside(target, low, high):
    return bool(((target < low) | (target > high)).mean() > 0.01)


def _is_odd(array, far=5.0):
    """Whether the middle or the spread of columns is far from 0 and 1."""
    if array.dtype.kind not in "fiu":
        return False
    axes = tuple(range(array.ndim - 1)) if array.ndim > 2 else (0,)
    sample = array[:2000].astype("float64")
    mean, deviation = np.abs(sample.mean(axes)), sample.std(axes)
    return bool(
        np.max(mean) > far or np.max(deviation) > far or np.max(deviation) < 0.05
    )
