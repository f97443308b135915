"""Trainings at other learning rates."""

LOWER = (0.1, 0.01, 1e-3, 1e-4, 1e-6, 1e-9)
HIGHER = (10.0, 100.0, 1e3, 1e4)
# Below this only what was nan above it is tried.
LOWEST = 1e-5
# A score this near to the best one known ends a search.
ENOUGH = 0.9
SLOWER = 1.02


def sweep(evidence, factors):
    """Return a `Run` for each factor on the rate until one succeeds or all is said."""
    runs, last = {}, evidence.base
    for factor in factors:
        if factor < LOWEST and not last.diverged:
            break
        run = evidence.change(rate=factor)
        if run is None:
            break
        runs[factor] = run
        # Still lower rates are slower still; still higher ones are no less nan.
        slower = not last.diverged and run.last > SLOWER * last.last
        lost = run.diverged and factor > 1
        if run.score > ENOUGH * evidence.best or slower or lost:
            break
        last = run
    return runs
