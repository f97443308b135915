"""optax's schedules by their own names and arguments."""

from keras_tricks.schedules import _presets
from keras_tricks.schedules.cosine import Cosine
from keras_tricks.schedules.one_cycle import OneCycle
from keras_tricks.schedules.piecewise import Piecewise
from keras_tricks.schedules.warmup import Warmup
from keras_tricks.schedules.warmup_cosine import WarmupCosine


def from_optax(name: str, **arguments):
    """Make a schedule of optax, to 1e-6 at every optimizer step.

    optax counts the updates of the optimizer, from 0, as we do. `decay_steps` of
    `warmup_cosine_decay_schedule` includes the warmup. A one-cycle has its peak at
    `int(pct_start * transition_steps)`.

    Args:
        name: `"linear_schedule"`, `"polynomial_schedule"`, `"exponential_decay"`,
            `"piecewise_constant_schedule"`, `"cosine_decay_schedule"`,
            `"cosine_onecycle_schedule"`, `"linear_onecycle_schedule"`,
            `"warmup_constant_schedule"`, `"warmup_cosine_decay_schedule"` or
            `"warmup_exponential_decay_schedule"`.
        **arguments: The function's own, by name. Not here: `exponent`,
            `transition_begin`, `staircase` and `end_value` of an exponential decay.

    Returns:
        A schedule.

    Raises:
        TypeError: If an argument is missing, unknown or of the wrong kind.
        ValueError: If the name is unknown or an argument out of its range.

    Example:
        >>> schedule = from_optax(
        ...     "warmup_cosine_decay_schedule",
        ...     init_value=0.0,
        ...     peak_value=0.1,
        ...     warmup_steps=10,
        ...     decay_steps=100,
        ... )
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 55, 100)]
        [0.0, 0.05, 0.1, 0.05, 0.0]

    Reference:
        `optax.schedules` of optax 0.2.8.
    """
    return _presets.build(BUILDERS, name, arguments)


def _linear(init_value, end_value, transition_steps):
    return _presets.linear(init_value, end_value, transition_steps)


def _polynomial(init_value, end_value, power, transition_steps):
    return _presets.polynomial(init_value, end_value, transition_steps, power)


def _exponential(init_value, transition_steps, decay_rate):
    return _presets.falls_smoothly(init_value, decay_rate, transition_steps)


def _piecewise(init_value, boundaries_and_scales=None):
    values, scales = [init_value], sorted((boundaries_and_scales or {}).items())
    for _, scale in scales:
        values.append(values[-1] * scale)
    return Piecewise([boundary for boundary, _ in scales], values)


def _cosine(init_value, decay_steps, alpha=0.0):
    return Cosine(init_value, decay_steps, init_value * alpha)


def _cosine_onecycle(
    transition_steps, peak_value, pct_start=0.3, div_factor=25.0, final_div_factor=1e4
):
    return OneCycle(
        peak_value,
        transition_steps,
        int(pct_start * transition_steps),
        start=peak_value / div_factor,
        end=peak_value / (div_factor * final_div_factor),
    )


def _linear_onecycle(
    transition_steps,
    peak_value,
    pct_start=0.3,
    pct_final=0.85,
    div_factor=25.0,
    final_div_factor=1e4,
):
    return OneCycle(
        peak_value,
        transition_steps,
        int(pct_start * transition_steps),
        start=peak_value / div_factor,
        end=peak_value / (div_factor * final_div_factor),
        back_step=int(pct_final * transition_steps),
        curve="linear",
    )


def _warmup_constant(init_value, peak_value, warmup_steps):
    return Warmup(peak_value, warmup_steps, init_value)


def _warmup_cosine(init_value, peak_value, warmup_steps, decay_steps, end_value=0.0):
    return WarmupCosine(peak_value, decay_steps, warmup_steps, init_value, end_value)


def _warmup_exponential(
    init_value, peak_value, warmup_steps, transition_steps, decay_rate
):
    schedule = _exponential(peak_value, transition_steps, decay_rate)
    return Warmup(schedule, warmup_steps, init_value)


BUILDERS = {
    "linear_schedule": _linear,
    "polynomial_schedule": _polynomial,
    "exponential_decay": _exponential,
    "piecewise_constant_schedule": _piecewise,
    "cosine_decay_schedule": _cosine,
    "cosine_onecycle_schedule": _cosine_onecycle,
    "linear_onecycle_schedule": _linear_onecycle,
    "warmup_constant_schedule": _warmup_constant,
    "warmup_cosine_decay_schedule": _warmup_cosine,
    "warmup_exponential_decay_schedule": _warmup_exponential,
}
