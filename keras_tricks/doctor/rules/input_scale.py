"""Inputs are far from the range that a network is made for.

Seen: a huge first loss, nan, or a loss that stays at the level of guessing.

Measured: a column (of images: a channel) whose mean or deviation is above 5, or whose
deviation is below 0.05. Where the planned training does not succeed on a copy, it is
repeated with every column at mean 0 and deviation 1: success is an error. It is one too
if a copy with everything else cured still fails on the inputs as they are. Without
that, values above `FAR` are a warning.

Silent: when the first layers scale by themselves (`Rescaling`, `Normalization`, a batch
norm, an `Embedding`).

Fix: `x = x / 255` for pixels; `keras.layers.Normalization()` with `adapt(x)`.

Source: LeCun et al., *Efficient BackProp*, 1998, on centred inputs of equal variance.
"""

from keras_tricks.doctor.finding import Finding

FAR = 30.0


def before(evidence):
    """Look at the columns and try them at mean 0 and deviation 1."""
    if not evidence.odd_inputs or _scaled_inside(evidence):
        return None
    far, said = _range([rows for rows, _ in evidence.scaled])
    severity, tried, confidence = "warning" if far > FAR else "note", "", 0.5
    if evidence.sick:
        run = evidence.change(inputs="standard")
        without = evidence.trial(**evidence.cured(inputs="as given"))
        needed = without is not None and not evidence.cures(without, evidence.rehearsal)
        if evidence.cures(run, evidence.rehearsal) and evidence.lame:
            tried, confidence = (
                evidence.tried("inputs at mean 0, deviation 1", run),
                0.9,
            )
        elif needed or (without is not None and without.diverged):
            tried = (
                f"with everything else cured a copy scores {without.score:.2f}"
                f" on the inputs as they are, {evidence.cure.score:.2f} on scaled ones"
            )
            confidence = 0.85
    severity = "error" if tried else severity
    return Finding(
        name="input-scale",
        severity=severity,
        where="x",
        evidence=said,
        why="Weights of usual size meet values they cannot handle.",
        fix=_fix(evidence.data.inputs),
        tried=tried,
        confidence=confidence,
        numbers={"largest": far},
    )


def _scaled_inside(evidence):
    """Whether the first layer scales by itself."""
    first = evidence.graph.layers[:1] if evidence.graph else []
    inside = ("Normalization", "Rescaling", "Embedding", "BatchNormalization")
    return any(
        layer.kind in inside or layer.kind.endswith("LayerNormalization")
        for layer in first
    )


def _range(inputs):
    def far(array):
        sample = array[:2000].astype("float64").reshape(min(len(array), 2000), -1)
        return max(abs(sample.mean(0)).max(), sample.std(0).max())

    index = max(range(len(inputs)), key=lambda i: far(inputs[i]))
    array = inputs[index]
    said = (
        f"x is between {array.min():.4g} and {array.max():.4g}, mean "
        f"{array.mean():.3g}, deviation {array.std():.3g}"
    )
    return float(far(array)), said


def _fix(inputs):
    array = inputs[0]
    if array.ndim > 2 and array.min() >= 0 and 1 < array.max() <= 255:
        return "x = x / 255"
    return "x = (x - x.mean(0)) / x.std(0)  # of the training rows"
