"""Look at a training program before it runs, and say what is wrong with it."""

import contextlib
import dataclasses
import logging
import math
import time
import warnings

import keras
from keras import ops

from keras_tricks._checks import check_integer, check_number
from keras_tricks._untouched import kept_random_state
from keras_tricks.doctor import rules
from keras_tricks.doctor.diagnosis import Diagnosis
from keras_tricks.doctor.measuring import data as _data
from keras_tricks.doctor.measuring.evidence import Evidence
from keras_tricks.doctor.measuring.instruments import facts, first_line, instruments
from keras_tricks.doctor.measuring.training import fixed_batch_size

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
        findings, symptoms, checked, not_judged = rules.ask("before", evidence)
        findings = _settled(findings, symptoms, evidence)
        not_judged = [*failed, *evidence.not_judged, *not_judged]
        measured = instruments(evidence)
    seconds = time.perf_counter() - started
    found = facts(evidence)
    return Diagnosis(findings, checked, not_judged, found, measured, seconds)


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
        if isinstance(model, keras.Sequential) and not model.built:
            # Called on a row it would take single rows only.
            model.build((None, *data.inputs[0].shape[1:]))
        with keras.StatelessScope():
            model(
                _data.map_leaves(
                    lambda leaf: ops.convert_to_tensor(leaf[:rows]), data.x
                )
            )
    except Exception as error:  # `fit` would say the same, without the findings.
        return [("the model on a row", first_line(error))]
    return []


def _settled(findings, symptoms, evidence):
    """Name the likeliest cause an error where it is shown that there is one.

    A symptom is only said where no cause was found.
    """
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return findings
    if not evidence.fails:
        told = evidence.sick and "warning" in severities
        return findings + ([] if told else symptoms)
    causes = [finding for finding in findings if finding.name not in BESIDE]
    if all(finding.severity == "note" for finding in causes):
        return findings + symptoms
    first = min(causes, key=lambda finding: finding.rank)
    worse = dataclasses.replace(first, severity="error")
    return [worse if finding is first else finding for finding in findings]
