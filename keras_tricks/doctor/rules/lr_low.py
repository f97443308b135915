"""The learning rate is too low.

Seen: the loss falls smoothly, almost on a straight line, and hardly at all.

Measured: the loss falls beyond its noise, its second half as steeply as the first
(`STRAIGHT`), and less than `FALLEN` of it is gone; going on like this, the planned
steps leave most of it. Where the weights were watched, a step changes no kernel by
more than `UPDATE` of its size; below `TINY` it is an error.

Before training: where the planned training does not succeed on a copy, it is repeated
at ten times the rate and more; one that comes to `NEAR` of the best known score is
an error where the plan comes to little of that, else a warning: larger steps help
nearly every sick network a little.

Silent: before a quarter of the epochs; while the rate rises; when the first loss is
well below that of guessing, as in fine-tuning; and on plateaus where the steps are of
usual size.

Fix: ten times the rate, as in `optimizer=keras.optimizers.Adam(1e-3)`;
`kt.find_learning_rate` measures it.

Source: update ratios below 1e-4 are an alarm in TheDeepChecker (Braiek and Khomh,
2022), below 1e-5 in DeepDiagnosis (Wardat et al., 2022).
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.watching.trend import slope

LATE = True
FALLEN = 0.1
STRAIGHT = 0.5
UPDATE = 1e-4
TINY = 2e-5
NEAR = 0.85
STEPS = 30


def during(watch):
    """Look for a straight, slow fall with small steps."""
    fallen, share = watch.fallen, watch.share
    if fallen is None or share is None or share < 0.25 or fallen > FALLEN:
        return None
    if len(watch.course) < (STEPS if len(watch.step_losses) else 5) or _rising(watch):
        return None
    if watch.chance is not None and watch.first < 0.7 * watch.chance:
        return None
    update = watch.fastest
    if update is not None and update > UPDATE:
        return None
    means, _ = watch.curve
    half = len(means) // 2
    early, late = means[0] - means[half], means[-half - 1] - means[-1]
    falls = slope(means)[1] < -3 and late > STRAIGHT * early
    tiny = update is not None and 0 < update < TINY
    if not falls and not tiny:
        return None
    evidence = f"{100 * max(fallen, 0):.1f} % of the loss {watch.first:.4g} is gone"
    if watch.finished:
        evidence += f" at the end of {watch.done} epochs"
    else:
        evidence += f" after {100 * share:.0f} % of the epochs"
    if update is not None:
        evidence += (
            f"; a step changes no kernel by more than {update:.1g} of their size"
        )
    rate = watch.rate
    return Finding(
        name="lr-low",
        severity="error" if tiny or (watch.finished and update) else "warning",
        where=f"optimizer {watch.facts.get('optimizer', '')}".strip(),
        evidence=evidence,
        why="At this pace the planned steps do not reach the valley.",
        fix=f"learning_rate={rate * 10:.2g}  # it is {rate:.2g}"
        if rate
        else "ten times the learning rate",
        confidence=0.6,
        numbers={"fallen": fallen, "update": update},
    )


def _rising(watch):
    rates = [rate for rate in watch.rates if rate is not None]
    return len(rates) > 1 and rates[-1] > 1.01 * rates[-2]


def before(evidence):
    """Repeat a training that fails at higher rates."""
    if not evidence.lame or evidence.base.diverged:
        return None
    # A plan that was cut short gets there with the steps that were left out.
    least = 2 * evidence.base.planned / evidence.base.steps
    good = {f: run for f, run in evidence.higher.items() if evidence.cures(run)}
    good = {f: run for f, run in good.items() if f > least}
    if not good:
        return None
    factor = max(good, key=lambda f: (round(good[f].score, 1), -f))
    rate = float(evidence.rates.max())
    run, base = good[factor], evidence.base
    return Finding(
        name="lr-low",
        severity="error"
        if evidence.fails and run.score >= NEAR * evidence.best
        else "warning",
        where=f"optimizer {type(evidence.model.optimizer).__name__}",
        evidence=f"at a rate of {rate:.2g} the loss went {base.first:.3g} → "
        f"{base.last:.3g} in {base.steps} steps",
        why="At this pace the planned steps do not reach the valley.",
        fix=f"learning_rate={rate * factor:.2g}  # it is {rate:.2g}",
        tried=evidence.tried(f"learning_rate {rate * factor:.2g}", run),
        confidence=0.7,
        numbers={"rate": rate, "score": base.score, "score at higher rate": run.score},
    )
