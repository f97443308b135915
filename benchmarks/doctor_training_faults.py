"""Faults of the optimizer, the penalties, the batches and the length."""

import keras
import numpy as np
from doctor_fault import Faults, dense, numbers, on_arrays
from keras import regularizers

FAULTS = Faults()
fault, parts = FAULTS.fault, FAULTS.parts


# The rate and the optimizer.

for factor in (10, 100, 1000, 0.01, 0.001):
    fault(f"rate times {factor}", "lr-high" if factor > 1 else "lr-low too-few-epochs")(
        lambda p, factor=factor: p.but(rate=p.rate * factor)
    )
fault("rate below zero", "lr-negative")(
    lambda p: p.but(rate=-p.rate, schedule=None, options={})
)
parts("rate zero", "lr-negative lr-low", rate=0.0)


def decays(halving):
    schedules = keras.optimizers.schedules
    return lambda rate, steps: schedules.ExponentialDecay(rate, halving, 0.5)


for steps in (3, 20):
    parts(
        f"rate halved every {steps} steps",
        "lr-decay lr-low",
        lambda p: p.rows > 100,
        schedule=decays(steps),
    )
parts(
    "cosine over 30 steps",
    "lr-decay lr-low",
    lambda p: p.rows > 100,
    schedule=lambda rate, steps: keras.optimizers.schedules.CosineDecay(rate, 30),
)
for name, rate in {"Adadelta": 1e-3, "SGD": 0.01, "Adagrad": 1e-3}.items():
    parts(
        f"{name} {rate}",
        "optimizer-default lr-low",
        optimizer=name,
        rate=rate,
        options={},
        schedule=None,
    )
parts(
    "epsilon 10",
    "optimizer-arguments lr-low",
    lambda p: p.optimizer == "Adam",
    options={"epsilon": 10.0},
)
parts(
    "gradient cut to 1e-4",
    "optimizer-arguments lr-low",
    optimizer="SGD",
    rate=0.05,
    options={"clipnorm": 1e-4},
)
parts(
    "weight decay 10",
    "reg-strong optimizer-arguments",
    optimizer="AdamW",
    rate=2e-3,
    options={"weight_decay": 10.0},
)


# Regularization, batches, length.

for rate in (0.8, 0.95):
    parts(f"dropout {rate}", "dropout-high", dense, dropout=rate)
parts(
    "dropout after the head",
    "dropout-high",
    lambda p: p.kind not in ("two",) and p.rows > 100,
    head_dropout=0.5,
)
for name, penalty in {
    "L2 1": lambda: regularizers.L2(1.0),
    "L2 0.1": lambda: regularizers.L2(0.1),
    "L1 0.05": lambda: regularizers.L1(0.05),
}.items():
    parts(name, "reg-strong", lambda p: numbers(p) and not p.frozen, penalty=penalty)


parts(
    "one row, batch norm",
    "bn-batch1 batch-size",
    lambda p: on_arrays(p) and dense(p),
    norm=True,
    batch_size=1,
    epochs=2,
)
parts("one row", "batch-size lr-high", lambda p: on_arrays(p), batch_size=1, epochs=2)
parts("all rows", "batch-size too-few-epochs lr-low", on_arrays, batch_size=100_000)
parts(
    "statistics of momentum 0.9999",
    "bn-stale-stats",
    lambda p: dense(p) or p.norm,
    norm=True,
    momentum=0.9999,
)
fault("raw inputs, momentum 0.99", "bn-stale-stats input-scale too-few-epochs", dense)(
    lambda p: p.but(
        norm=True,
        momentum=0.99,
        epochs=2,
        inputs=(lambda rng, x: 100 * x + np.float32(200),),
    )
)
parts("one epoch", "too-few-epochs", epochs=1)
fault("a step per epoch", "too-few-epochs steps-per-epoch", on_arrays)(
    lambda p: p.but(fit={**p.fit, "steps_per_epoch": 1})
)
