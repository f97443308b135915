"""Look at a training program before it runs, and say what is wrong with it."""

import math
import time
import warnings

import keras

from keras_tricks._checks import check_integer
from keras_tricks._untouched import kept_random_state
from keras_tricks.doctor import _data, rules
from keras_tricks.doctor.diagnosis import Diagnosis
from keras_tricks.doctor.evidence import Evidence


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
    seconds=8.0,
):
    started = time.perf_counter()
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
        epochs,
        steps_per_epoch,
        shuffle,
        class_weight,
        validation_split,
        list(callbacks or []),
    )
    with kept_random_state(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not model.built:
            model(_data.map_leaves(lambda a: a[:1], data.x))
        evidence = Evidence(model, data, validation, plan, seconds)
        findings, checked, not_judged = [], [], []
        for name, module in rules.modules().items():
            if not hasattr(module, "before"):
                continue
            try:
                finding = module.before(evidence)
                checked.append(name)
            except Exception as error:
                import os

                if os.environ.get("DOCTOR_RAISE"):
                    raise
                not_judged.append((name, f"{type(error).__name__}: {error}"))
                continue
            if finding is not None:
                findings.append(finding)
    return Diagnosis(
        findings, checked, not_judged, {}, {}, time.perf_counter() - started
    )


def _read_validation(validation_data):
    if isinstance(validation_data, (tuple, list)):
        return _data.read(*validation_data[:3], name="validation_data")
    return _data.read(validation_data, name="validation_data")
