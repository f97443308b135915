"""The rules' verdict on a watched training."""

import time

from keras_tricks.doctor import rules
from keras_tricks.doctor.diagnosis import Diagnosis
from keras_tricks.doctor.watching.trend import blocks

NO_BATCH = "no fixed batch: Doctor(x=..., y=...)"
# Steps in a plot, and in a file; of longer trainings they are means.
POINTS = 1000


def judge(watch):
    """Return the `Diagnosis` of a `Watch`.

    A rule that sets `NEEDS_BATCH` is not asked where there was no look at a batch. What
    a rule that sets `SYMPTOM` sees is left out where another knows an error.
    """
    started = time.perf_counter()
    findings, symptoms, checked, not_judged = [], [], [], []
    for name, rule in rules.modules().items():
        if not hasattr(rule, "during"):
            continue
        if getattr(rule, "NEEDS_BATCH", False) and not watch.looked:
            not_judged.append((name, NO_BATCH))
            continue
        checked.append(name)
        finding = rule.during(watch)
        if finding is not None:
            (symptoms if getattr(rule, "SYMPTOM", False) else findings).append(finding)
    if all(finding.severity != "error" for finding in findings):
        findings += symptoms
    return Diagnosis(
        findings=findings,
        checked=checked,
        not_judged=not_judged,
        facts={k: v for k, v in watch.facts.items() if v and k != "reduction"},
        instruments=_instruments(watch),
        seconds=time.perf_counter() - started,
    )


def _instruments(watch):
    found = {"epochs": dict(watch.logs)}
    if len(watch.step_losses):
        losses = blocks(watch.step_losses, POINTS)[0]
        found["curves"] = {"training loss": losses.tolist()}
    known = [s for s in watch.snapshots if s.updates]
    if known:
        found["updates"] = [
            {"variable": name, "ratio": ratio}
            for name, ratio in known[-1].updates.items()
        ]
    if watch.looked:
        last = watch.looked[-1]
        found["gradients"] = [
            {"variable": name, "gradient": norm, "weight": last.weights[name]}
            for name, norm in last.gradients.items()
        ]
        found["signal"] = [
            {"layer": name, "dead": last.dead.get(name), "saturated": share}
            for name, share in {**dict.fromkeys(last.dead), **last.saturated}.items()
        ]
    return found
