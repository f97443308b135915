"""The user's own training on a copy, and the same with one thing changed."""

import dataclasses
import time

import keras
import numpy as np

from keras_tricks.doctor.measuring.change import Change
from keras_tricks.doctor.measuring.data import leaves, map_leaves
from keras_tricks.doctor.measuring.repair import fresh_weights, repaired
from keras_tricks.doctor.measuring.run import Run
from keras_tricks.doctor.measuring.task import by_output, recalls, skill
from keras_tricks.doctor.measuring.training import Copy, tensors, with_rate

HELD_OUT = 0.2
MOST_SHOWN = 512
FEWEST_TO_HOLD_OUT = 50
# A rehearsal is as long as planned if that takes no longer than this.
SECONDS_TO_FINISH = 2.5
SECONDS = 1.2
MOST_STEPS = 4000
FEWEST_STEPS = 20
# Deviations from the mean beyond which the tails of a column are compressed.
HEAVY = 30


class Trials:
    """Trainings of copies from the same first weights, over the same rows.

    Args:
        model: A built, compiled model.
        optimizer: Its optimizer, or one with the rates that callbacks give it.
        data: `Data` to train on.
        plan: `Plan` of the training.
        tasks: A `Task` per output.
        from_logits: Per output, whether decisions are taken at 0.
        graph: The `Graph` of the model, or None.
        rates: Rates over the plan, an array.
        tokens: Indices of the inputs that are ids for an embedding.
        seconds: Time for all trials together.
    """

    def __init__(
        self,
        model,
        optimizer,
        data,
        plan,
        tasks,
        from_logits,
        graph,
        rates,
        tokens,
        seconds,
    ):
        self.model, self.optimizer, self.rates = model, optimizer, rates
        self.data, self.plan, self.tasks, self.graph = data, plan, tasks, graph
        self.from_logits, self.tokens = from_logits, tokens
        self.seconds = seconds
        self.spent = 0.0
        self.by_known = False
        self.runs = {}
        self._copies, self._costs = {}, {}
        rows = np.random.default_rng(0).permutation(data.rows)
        held = min(MOST_SHOWN, int(HELD_OUT * data.rows))
        held = held if data.rows >= FEWEST_TO_HOLD_OUT else 0
        self.kept, self.held = np.sort(rows[held:]), np.sort(rows[:held])
        self.shown = np.sort(rows[held : held + MOST_SHOWN])

    @property
    def is_late(self):
        """Whether the time for all trials is over."""
        return self.spent >= self.seconds

    def run(self, **changes):
        """Train with some changes, once for each set: see `Change`.

        Returns:
            A `Run`, or None where it cannot be done or no time is left.
        """
        if "repairs" in changes:
            changes["repairs"] = tuple(sorted(changes["repairs"]))
        change = Change(**changes)
        if change != Change() and Change() not in self.runs:
            self.run()
        if change not in self.runs:
            if self.is_late:
                return None
            started = time.perf_counter()
            self.runs[change] = self._train(change)
            self.spent += time.perf_counter() - started
        return self._scored(self.runs[change])

    @property
    def best(self):
        """The change that came to the best score, and its `Run`."""
        runs = {c: self._scored(run) for c, run in self.runs.items() if run}
        return max(runs.items(), key=lambda pair: pair[1].score)

    def _scored(self, run):
        return run and dataclasses.replace(run, by_known=self.by_known)

    def _train(self, change):
        started = time.perf_counter()
        copy = self._copy(change.optimizer, change.repairs)
        if copy is None:
            return None
        x, y, weight = self._prepared(change)
        size = min(change.batch_size or self.plan.batch_size, len(self.kept))
        order, data = self._order(size, change.mixed), tensors((x, y, weight))
        first = fresh_weights(copy.model) if change.weights == "fresh" else None
        copy.begin(first)
        count, planned = self._steps(change, copy, data, order, size)
        copy.begin(first)
        few = self.shown[:256]
        few = tensors(tuple(map_leaves(lambda a: a[few], s) for s in (x, y, weight)))
        first_loss = copy.losses(few)[0]
        stretch = max(1.0, planned / count)
        losses = copy.run(data, order(count), change.rate, stretch)
        loss, train_loss = copy.losses(few)
        logits = self.from_logits
        if {"head", "loss"} & set(change.repairs):
            logits = [False] * len(self.tasks)
        output = copy.predict(map_leaves(lambda a: a[self.shown], x))
        known, unseen = self._skill(output, self.shown, y, logits), np.nan
        shares = self._recalls(output, self.shown, y, logits)
        if len(self.held):
            held = copy.predict(map_leaves(lambda a: a[self.held], x))
            unseen = self._skill(held, self.held, y, logits)
            shares = self._recalls(held, self.held, y, logits)
        if np.isnan(known) and first_loss > 0:
            # Of a task that is not known, the loss must do.
            known = float(
                np.clip(1 - np.nan_to_num(loss, nan=np.inf) / first_loss, -1, 1)
            )
        return Run(
            losses,
            planned,
            known,
            unseen,
            loss,
            train_loss,
            output,
            shares,
            len(self.held),
            stretch,
            time.perf_counter() - started,
        )

    def _steps(self, change, copy, data, order, size):
        """Return the steps to take and the steps of the plan, with this change."""
        usual = min(self.plan.batch_size, len(self.kept))
        factor = change.longer * usual / size
        planned = self.plan.steps or MOST_STEPS
        if Change() not in self.runs:
            allowed = SECONDS_TO_FINISH / self._cost(copy, data, order, size)
            count = planned
            if planned > allowed:
                count = max(FEWEST_STEPS, allowed * SECONDS / SECONDS_TO_FINISH)
            count = min(count, MOST_STEPS, planned)
        else:
            count = self.runs[Change()].steps
        planned = max(1, round(planned * factor))
        if factor != 1:
            planned_run = self.runs[Change()]
            cost = self._cost(copy, data, order, size)
            if size == usual:
                cost = max(cost, planned_run.seconds / planned_run.steps / 2)
            allowed = 2 * SECONDS / cost
            count = min(count * factor, max(count, allowed), 2 * MOST_STEPS)
        return max(1, round(count)), planned

    def _cost(self, copy, data, order, size):
        """Return the seconds of a step, from a few of them."""
        key = (copy, size)
        if key not in self._costs:
            copy.run(data, order(1))
            seconds = self._timed(copy, data, order(1))
            if seconds < 0.02:
                # The quickest of three: another program may be at work.
                chosen = order(20)
                seconds = min(self._timed(copy, data, chosen) for _ in range(3)) / 20
            self._costs[key] = max(seconds, 1e-6)
        return self._costs[key]

    def _timed(self, copy, data, order):
        started = time.perf_counter()
        copy.run(data, order)
        return time.perf_counter() - started

    def _copy(self, optimizer, repairs):
        key = (optimizer, repairs)
        if key not in self._copies:
            self._copies[key] = self._new_copy(optimizer, repairs)
        return self._copies[key]

    def _new_copy(self, optimizer, repairs):
        model, task = self.model, self.tasks[0] if len(self.tasks) == 1 else None
        if repairs:
            if task is None and {"head", "loss"} & set(repairs):
                return None
            model = repaired(model, repairs, self.graph, task)
            if model is None:
                return None
        chosen = self.optimizer
        if optimizer == "adam":
            chosen = keras.optimizers.Adam(1e-3)
        elif optimizer == "constant":
            chosen = with_rate(self.model.optimizer, float(self.rates.max()))
        return Copy(model, chosen, self._prepared(Change()))

    def _prepared(self, change):
        x, y, weight = self.data.structure
        numbers = iter(range(len(self.data.inputs)))
        standard = standardized if change.inputs == "standard" else _as_floats
        x = map_leaves(
            lambda leaf: leaf if next(numbers) in self.tokens else standard(leaf), x
        )
        if all(task.kind == "regression" for task in self.tasks):
            standard = standardized if change.targets == "standard" else _as_floats
            y = map_leaves(standard, y)
        return x, y, self._weights(weight, change.balanced)

    def _weights(self, weight, balanced):
        """Return the weight of every row, an array where classes can have one."""
        if len(self.tasks) != 1 or len(leaves(weight)) > 1:
            return weight
        task, factor = self.tasks[0], np.ones(self.data.rows, "float32")
        if not task.classifies or task.labels.shape != factor.shape:
            return weight
        counts = np.maximum(task.counts, 1)
        classes = dict(enumerate(counts.sum() / (len(counts) * counts)))
        classes = classes if balanced else self.plan.class_weight or {}
        factor = np.array([classes.get(int(k), 1.0) for k in task.labels], "float32")
        if weight is None:
            return factor
        return (leaves(weight)[0].reshape(-1) * factor).astype("float32")

    def _order(self, size, mixed):
        """Return a function of a number of steps: the rows of each."""
        mixed = mixed or (self.plan.shuffle and not self.data.batched)
        per_epoch = max(1, len(self.kept) // size)

        def order(count):
            rng = np.random.default_rng(0)
            parts = [
                (rng.permutation(self.kept) if mixed else self.kept)[: per_epoch * size]
                for _ in range(-(-count // per_epoch))
            ]
            return np.concatenate(parts).reshape(-1, size)[:count]

        return order

    def _recalls(self, outputs, rows, y, from_logits):
        if len(self.tasks) != 1 or not self.tasks[0].classifies:
            return None
        target = by_output(self.model, y)[0][rows]
        return recalls(self.tasks[0], outputs[0], target, from_logits[0])

    def _skill(self, outputs, rows, y, from_logits):
        if len(outputs) != len(self.tasks):
            return np.nan
        targets = by_output(self.model, y)
        skills = [
            skill(task, output, target[rows], logits)
            for task, output, target, logits in zip(
                self.tasks, outputs, targets, from_logits, strict=True
            )
            if task.kind != "unknown"
        ]
        return float(np.mean(skills)) if skills else np.nan


def standardized(array):
    """Return an array with mean 0 and standard deviation 1 per column or channel."""
    if array.dtype.kind not in "fiu":
        return array
    axes = tuple(range(array.ndim - 1)) if array.ndim > 2 else (0,)
    array = array.astype("float64")
    deviation = array.std(axes)
    scaled = (array - array.mean(axes)) / np.where(deviation > 0, deviation, 1)
    if abs(scaled).max() > HEAVY:
        # A few huge values would leave nothing of the others.
        middle = np.median(array, axes)
        usual = np.median(abs(array - middle), axes)
        scaled = np.arcsinh((array - middle) / np.where(usual > 0, usual, 1))
        scaled = (scaled - scaled.mean(axes)) / np.maximum(scaled.std(axes), 1e-6)
    return scaled.astype("float32")


def _as_floats(array):
    """Return whole numbers as floats: all trials are compiled for one type."""
    return array.astype("float32") if array.dtype.kind in "iu" else array
