"""What a report shows beside the findings."""

import numpy as np

from keras_tricks.doctor.measuring.change import Change

MOST_CLASSES_SHOWN = 20


def facts(evidence):
    """Return what the program is, by name."""
    model, plan, data = evidence.model, evidence.plan, evidence.data
    losses = [loss.name for loss in evidence.losses if loss]
    found = {
        "parameters": model.count_params(),
        "rows": data.size,
        "task": ", ".join(task.kind for task in evidence.tasks),
        "loss": ", ".join(losses),
        "optimizer": type(model.optimizer).__name__,
        "planned steps": plan.steps,
    }
    if evidence.rates is not None:
        found["learning rate"] = f"{evidence.rates.max():.3g}"
    if evidence.trials is not None:
        found["trainings tried"] = sum(
            r is not None for r in evidence.trials.runs.values()
        )
    return found


def instruments(evidence):
    """Return what was measured, by instrument: see `Diagnosis`."""
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
    curves = {"as planned": evidence.rehearsal.losses.tolist()}
    change, run = evidence.trials.best
    if change != Change() and evidence.sick:
        cured = change == Change(**evidence.cured())
        curves["all changes" if cured else change.said()] = run.losses.tolist()
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


def first_line(error):
    """Return the kind of an error and the first line of what it says."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"
