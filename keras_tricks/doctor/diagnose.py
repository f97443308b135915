"""Look at a training program before it runs, and say what is wrong with it."""

import contextlib
import dataclasses
import logging
import math
import time
import warnings

import keras
import numpy as np
from keras import ops

from keras_tricks._checks import check_integer, check_number
from keras_tricks._untouched import kept_random_state
from keras_tricks.doctor import _data, rules
from keras_tricks.doctor._training import fixed_batch_size
from keras_tricks.doctor.diagnosis import Diagnosis
from keras_tricks.doctor.evidence import Evidence, first_line

MOST_CLASSES_SHOWN = 20
# What these say is true beside a training that fails, and not why it fails.
BESIDE = {"leaking-feature", "overfit", "small-data", "val-leak", "val-preproc"}


def diagnose(
    model,
    x,
    y=None,
    batch_size=None,
    epochs=1,
    verbose="auto",
    callbacks=None,
    validation_split=0.0,
    validation_data=None,
    shuffle=True,
    class_weight=None,
    sample_weight=None,
    initial_epoch=0,
    steps_per_epoch=None,
    validation_steps=None,
    validation_batch_size=None,
    validation_freq=1,
    seconds=10.0,
):
    """Say why a network will not learn, before it is trained.

    Give it what `fit` would be given. It looks at the model with its loss and
    optimizer, at the data, at signal and gradient through the first batch; then it
    trains copies for some seconds: as planned, and with one thing changed at a time
    (rate, scale of inputs and targets, first weights, activations, ...), so that a
    finding says what was tried and what came of it. A finding is an error only if it is
    always fatal, or if a copy with changes learns what the planned training does not.

    The model is only read: weights, optimizer, statistics of batch normalization,
    compiled functions and random generators stay bit for bit as they are. A model that
    is not built yet gets built, as by the first step of `fit`. Reading a dataset that
    shuffles moves its own random state on, as iterating it once would.

    Copies start from the model's present weights, with a new state of the optimizer.
    A plan that takes too long is rehearsed in fewer steps, its schedule shortened
    alike. A `train_step` of one's own is not called; `compute_loss` is.

    Args:
        model: A compiled model: Sequential, functional or subclassed.
        x: Input: arrays or tensors, nested as the model takes them; a
            `tf.data.Dataset`, a `PyDataset`, or another iterable of batches that can be
            read twice, of which the first 2,048 rows are read.
        y: Targets, if x is arrays.
        batch_size: As in `fit`. 32 if None.
        epochs: As in `fit`.
        verbose: Ignored, as are `validation_steps`, `validation_batch_size` and
            `validation_freq`: taken so that the arguments of `fit` can be passed on.
        callbacks: As in `fit`. Not called; the schedule of a `LearningRateScheduler` is
            read.
        validation_split: As in `fit`.
        validation_data: As in `fit`.
        shuffle: As in `fit`.
        class_weight: As in `fit`.
        sample_weight: As in `fit`.
        initial_epoch: As in `fit`.
        steps_per_epoch: As in `fit`.
        validation_steps: Ignored.
        validation_batch_size: Ignored.
        validation_freq: Ignored.
        seconds: Time for all trainings together, about. With 0 none is made, and the
            rules that need one do not judge. Float, at least 0.

    Returns:
        A `Diagnosis`.

    Raises:
        TypeError: If x is a generator, which could be read only once.
        ValueError: If the model is not compiled or the arrays do not fit together.

    Example:
        >>> x, y = np.random.rand(64, 4), np.ones(64)
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
        >>> diagnosis = diagnose(model, x, y, epochs=3, seconds=0)
        >>> diagnosis.findings[0].name
        'single-class'

    Reference:
        [Karpathy, 2019](https://karpathy.github.io/2019/04/25/recipe/) for the order of
        the checks. Each rule names its own:
        `python -m keras_tricks.doctor explain lr-high`.
    """
    started = time.perf_counter()
    _check(model, batch_size, epochs, initial_epoch, seconds)
    data = _data.read(x, y, sample_weight)
    validation = None
    if validation_data is not None:
        validation = _read_validation(validation_data)
    elif validation_split:
        data, validation = _data.split(data, validation_split)
    batch_size = data.batch_size or batch_size or 32
    if steps_per_epoch is None and data.size:
        steps_per_epoch = math.ceil(data.size / batch_size)
    plan = _data.Plan(
        batch_size,
        epochs - initial_epoch,
        steps_per_epoch,
        shuffle,
        class_weight,
        validation_split,
        _listed(callbacks),
        initial_epoch,
    )
    with kept_random_state(), _quiet():
        failed = _build(model, data)
        evidence = Evidence(model, data, validation, plan, seconds)
        findings, checked, not_judged = _judge(evidence)
        not_judged = [*failed, *evidence.not_judged, *not_judged]
        instruments = _instruments(evidence)
    seconds = time.perf_counter() - started
    facts = _facts(evidence)
    return Diagnosis(findings, checked, not_judged, facts, instruments, seconds)


@contextlib.contextmanager
def _quiet():
    """Silence Keras, whose warnings are among the findings, and retracing's."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _check(model, batch_size, epochs, initial_epoch, seconds):
    if not getattr(model, "compiled", False):
        raise ValueError(
            "`model` must be compiled: what is wrong often lies in the loss or the "
            f"optimizer. Received: model={model!r}."
        )
    if batch_size is not None:
        check_integer("batch_size", batch_size, 1)
    check_integer("epochs", epochs, 1)
    check_integer("initial_epoch", initial_epoch, 0, epochs - 1)
    check_number("seconds", seconds, 0)


def _listed(callbacks):
    callbacks = getattr(callbacks, "callbacks", callbacks)
    return keras.tree.flatten(callbacks) if callbacks else []


def _read_validation(validation_data):
    if isinstance(validation_data, (tuple, list)):
        return _data.read(*validation_data[:3], name="validation_data")
    return _data.read(validation_data, name="validation_data")


def _build(model, data):
    """Build what is not built: a model can be and its layers not."""
    rows = fixed_batch_size(model) or 1
    try:
        with keras.StatelessScope():
            model(
                _data.map_leaves(
                    lambda leaf: ops.convert_to_tensor(leaf[:rows]), data.x
                )
            )
    except Exception as error:  # `fit` would say the same, without the findings.
        return [("the model on a row", first_line(error))]
    return []


def _judge(evidence):
    findings, symptoms, checked, unjudged, explained = [], [], [], {}, set()
    modules = rules.modules().items()
    # What takes several trainings comes last: time may run out.
    modules = sorted(modules, key=lambda item: getattr(item[1], "LATE", False))
    for name, module in modules:
        if not hasattr(module, "before"):
            continue
        try:
            finding = module.before(evidence)
        except Exception as error:  # One rule must not silence the others.
            why = str(error) if type(error) is RuntimeError else first_line(error)
            unjudged.setdefault(why, []).append(name)
            continue
        checked.append(name)
        if finding is not None:
            symptom = getattr(module, "SYMPTOM", False)
            (symptoms if symptom else findings).append(finding)
            if finding.severity == "error":
                explained |= getattr(module, "EXPLAINS", set())
    not_judged = [(", ".join(names), why) for why, names in unjudged.items()]
    findings = [finding for finding in findings if finding.name not in explained]
    return _settled(findings, symptoms, evidence), sorted(checked), not_judged


def _settled(findings, symptoms, evidence):
    """Name the likeliest cause an error where it is shown that there is one.

    A symptom is only said where no cause was found.
    """
    severities = {finding.severity for finding in findings}
    if "error" in severities or not evidence.sick:
        return findings
    if not evidence.fails:
        return findings + ([] if "warning" in severities else symptoms)
    causes = [finding for finding in findings if finding.name not in BESIDE]
    if all(finding.severity == "note" for finding in causes):
        return findings + symptoms
    first = min(causes, key=lambda finding: finding.rank)
    worse = dataclasses.replace(first, severity="error")
    return [worse if finding is first else finding for finding in findings]


def _facts(evidence):
    model, plan, data = evidence.model, evidence.plan, evidence.data
    losses = [loss.name for loss in evidence.losses if loss]
    facts = {
        "parameters": model.count_params(),
        "rows": data.size,
        "task": ", ".join(task.kind for task in evidence.tasks),
        "loss": ", ".join(losses),
        "optimizer": type(model.optimizer).__name__,
        "planned steps": plan.steps,
    }
    if evidence.rates is not None:
        facts["learning rate"] = f"{evidence.rates.max():.3g}"
    if evidence.trials is not None:
        facts["trainings tried"] = sum(
            r is not None for r in evidence.trials.runs.values()
        )
    return facts


def _instruments(evidence):
    found = {}
    if evidence.trials is not None and evidence.rehearsal is not None:
        found["curves"] = _curves(evidence)
        if len(evidence.tasks) == 1 and evidence.tasks[0].classifies:
            found["confusion"] = _confusion(evidence)
    try:
        start = evidence.start
    except RuntimeError:  # Said in `not_judged`.
        return found
    found["signal"] = [
        {"layer": s.name, "mean": s.mean, "std": s.std, "dead": s.dead}
        | {"saturated": s.saturated}
        for s in start.layers
    ]
    found["gradients"] = [
        {"variable": g.path, "gradient": g.norm, "weight": g.weight_norm}
        for g in start.gradients
    ]
    return found


def _curves(evidence):
    """Return the loss as planned and of the trial that came furthest."""
    runs = {change: run for change, run in evidence.trials.runs.items() if run}
    curves = {"as planned": evidence.rehearsal.losses.tolist()}
    best = max(runs, key=lambda change: runs[change].score)
    if runs[best] is not evidence.rehearsal and evidence.sick:
        cured = runs[best] is evidence.cure
        curves["all changes" if cured else best.said()] = runs[best].losses.tolist()
    return curves


def _confusion(evidence):
    task, run, rows = evidence.tasks[0], evidence.rehearsal, evidence.trials.shown
    classes = min(task.classes or 2, MOST_CLASSES_SHOWN)
    output = run.output[0].reshape(len(rows), -1)
    if task.labels.shape != (evidence.data.rows,) or not np.isfinite(output).all():
        return {}
    if output.shape[1] == 1:
        at = 0.0 if evidence.losses[0] and evidence.losses[0].from_logits else 0.5
        said = (output[:, 0] > min(at, task.threshold)).astype(int)
    else:
        said = output.argmax(1)
    counts = np.zeros((classes, classes), int)
    for true, other in zip(task.labels[rows], said, strict=True):
        if true < classes and other < classes:
            counts[true, other] += 1
    return {"labels": [str(k) for k in range(classes)], "counts": counts.tolist()}
