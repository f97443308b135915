"""The optimizer crawls: its default rate does not fit.

Seen: the loss falls, smoothly, far too slowly; Adam learns at once.

Measured: the optimizer is one of `PLAIN`, without momentum; the planned training does
not succeed on a copy, and succeeds with Adam at 0.001.

Silent: where the planned training succeeds, however plain the optimizer; when it
diverges, which is no matter of being slow; and when the plan takes too long to be
rehearsed to its end.

Fix: `optimizer=keras.optimizers.Adam(1e-3)`; Adadelta's paper has a rate of 1.0,
Keras's default is 0.001.

Source: Zeiler, 2012 (Adadelta); issues 31024 and 27924 of tensorflow/tensorflow.
"""

from keras_tricks.doctor.finding import Finding

LATE = True
PLAIN = ("SGD", "Adadelta", "Adagrad", "Ftrl")


def before(evidence):
    """Repeat a training that fails with Adam."""
    optimizer = evidence.model.optimizer
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    kind = type(optimizer).__name__
    if kind not in PLAIN or getattr(optimizer, "momentum", 0) or not evidence.lame:
        return None
    if not evidence.rehearsal.finished:
        return None
    run, base = evidence.change(optimizer="adam"), evidence.base
    if base.diverged or not evidence.cures(run):
        return None
    if kind == "SGD" and not any(evidence.cures(r) for r in evidence.higher.values()):
        return None
    rate = float(evidence.rates.max())
    return Finding(
        name="optimizer-default",
        severity="error" if evidence.fails else "warning",
        where=f"optimizer {kind}",
        evidence=f"{kind} at {rate:.2g} brings the loss from {base.first:.3g} to "
        f"{base.last:.3g} in {base.steps} steps",
        why="Its steps are far smaller than this network and this plan need.",
        fix="optimizer=keras.optimizers.Adam(1e-3)",
        tried=evidence.tried("Adam at 0.001", run),
        confidence=0.85,
        numbers={"rate": rate, "score": base.score, "score of Adam": run.score},
    )
