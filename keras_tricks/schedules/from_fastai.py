"""fastai's learning rates by the names and arguments of its `fit` methods."""

from keras_tricks._checks import check_integer
from keras_tricks.schedules import _presets
from keras_tricks.schedules.cosine import Cosine
from keras_tricks.schedules.one_cycle import OneCycle


def from_fastai(name: str, steps_per_epoch: int, **arguments):
    """Make the learning rate of a `fit` method of fastai, to 1e-6 at every step.

    fastai sets the rate before each batch from the fraction of the training that is
    done. The peak of a one-cycle is at `pct_start * T` of `T` steps, which may be
    between two. Its momentum is `.momentum()` of the result: .95, .85, .95.

    Args:
        name: `"fit_one_cycle"`, `"fit_flat_cos"` or `"fit_sgdr"`.
        steps_per_epoch: Optimizer steps in an epoch. Integer, at least 1.
        **arguments: The method's own: `n_epoch`, `lr_max`, `div=25.0`,
            `div_final=1e5`, `pct_start=0.25`; or `n_epoch`, `lr`, `div_final=1e5`,
            `pct_start=0.75`; or `n_cycles`, `cycle_len`, `lr_max`, `cycle_mult=2`.

    Returns:
        A schedule.

    Raises:
        TypeError: If an argument is missing, unknown or of the wrong kind.
        ValueError: If the name is unknown or an argument out of its range.

    Example:
        >>> schedule = from_fastai("fit_one_cycle", 20, n_epoch=5, lr_max=0.01)
        >>> [round(float(schedule(step)), 4) for step in (0, 25, 62, 99)]
        [0.0004, 0.01, 0.0051, 0.0]

    Reference:
        `fastai/callback/schedule.py` of [fastai](https://github.com/fastai/fastai)
        2.8.12.
    """
    check_integer("steps_per_epoch", steps_per_epoch, 1)
    return _presets.build(
        BUILDERS, name, {**arguments, "steps_per_epoch": steps_per_epoch}
    )


def _one_cycle(
    steps_per_epoch, n_epoch, lr_max, div=25.0, div_final=1e5, pct_start=0.25
):
    total = n_epoch * steps_per_epoch
    return OneCycle(
        lr_max, total, pct_start, start=lr_max / div, end=lr_max / div_final
    )


def _flat_cosine(steps_per_epoch, n_epoch, lr, div_final=1e5, pct_start=0.75):
    return OneCycle(
        lr, n_epoch * steps_per_epoch, pct_start, start=lr, end=lr / div_final
    )


def _restarts(steps_per_epoch, n_cycles, cycle_len, lr_max, cycle_mult=2):
    total = steps_per_epoch * cycle_len * sum(cycle_mult**i for i in range(n_cycles))
    return Cosine(lr_max, total, cycles=n_cycles, cycle_multiplier=float(cycle_mult))


BUILDERS = {
    "fit_one_cycle": _one_cycle,
    "fit_flat_cos": _flat_cosine,
    "fit_sgdr": _restarts,
}
