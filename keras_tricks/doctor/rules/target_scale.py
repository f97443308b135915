"""Targets of a regression are far from what an output begins with.

Seen: a huge loss, nan, or predictions near 0 or near the mean for ever.

Measured: a column of the targets whose mean or deviation is above 3, or whose deviation
is below 0.05; and a planned training that does not succeed on a copy but does with
targets at mean 0 and deviation 1, or fails on these targets alone with everything else
cured.

Silent: where the training succeeds, and for classes.

Fix: `y = (y - y.mean()) / y.std()`, and the way back after `predict`.

Source: one of the commonest repairs on record (TheDeepChecker's list of questions).
"""

from keras_tricks.doctor.finding import Finding


def before(evidence):
    """Look at the values and try them at mean 0 and deviation 1."""
    if not evidence.odd_targets or not evidence.sick:
        return None
    target = next(t.target for t in evidence.tasks if t.kind == "regression")
    run = evidence.change(targets="standard")
    without = evidence.trial(**evidence.cured(targets="as given"))
    tried = ""
    if evidence.lame and evidence.cures(run, evidence.rehearsal):
        tried = evidence.tried("targets at mean 0, deviation 1", run)
    elif without is not None and not evidence.cures(without, evidence.rehearsal):
        tried = (
            f"with everything else cured a copy scores {without.score:.2f} on "
            f"the targets as they are, {evidence.cure.score:.2f} on scaled ones"
        )
    if not tried:
        return None
    return Finding(
        name="target-scale",
        severity="error",
        where="y",
        evidence=f"y is between {target.min():.4g} and {target.max():.4g}, mean "
        f"{target.mean():.3g}, deviation {target.std():.3g}",
        why="An output that begins near 0 has a long way to go, on gradients as large.",
        fix="y = (y - y.mean()) / y.std()  # and back after predict",
        tried=tried,
        confidence=0.85,
        numbers={"mean": float(target.mean()), "deviation": float(target.std())},
    )
