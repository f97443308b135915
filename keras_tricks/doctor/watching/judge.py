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

    A rule that sets `NEEDS_BATCH` is not asked where there was no look at a batch.
    Symptoms are left out where another rule knows an error.
    """
    started = time.perf_counter()
    findings, symptoms, checked, not_judged = rules.ask(
        "during", watch, lambda rule: _needs_more(rule, watch)
    )
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


def _needs_more(rule, watch):
    needs = getattr(rule, "NEEDS_BATCH", False) and not watch.looked
    return NO_BATCH if needs else None


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
