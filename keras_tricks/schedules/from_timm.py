"""timm's learning-rate schedules by the arguments of its factory."""

import math

import numpy as np

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.schedules import _presets
from keras_tricks.schedules.cooldown import Cooldown
from keras_tricks.schedules.cosine import Cosine
from keras_tricks.schedules.inverse_sqrt import InverseSqrt
from keras_tricks.schedules.piecewise import Piecewise
from keras_tricks.schedules.tanh import Tanh
from keras_tricks.schedules.warmup import Warmup
from keras_tricks.schedules.warmup_stable_decay import WarmupStableDecay

KINDS = ("cosine", "tanh", "step", "multistep", "poly", "wsd", "rsqrt", "constant")


def from_timm(
    lr: float,
    updates_per_epoch: int,
    sched: str = "cosine",
    num_epochs: int = 300,
    decay_epochs: float | None = None,
    decay_milestones: tuple[int, ...] = (90, 180, 270),
    cooldown_epochs: int = 0,
    decay_rate: float = 0.1,
    min_lr: float = 0.0,
    warmup_lr: float = 1e-5,
    warmup_epochs: int = 0,
    warmup_prefix: bool = False,
    cycle_mul: float = 1.0,
    cycle_decay: float = 0.1,
    cycle_limit: int = 1,
    k_decay: float = 1.0,
    decay_fn: str | None = None,
    stable_timescale: float | None = None,
    step_on_epochs: bool = True,
):
    """Make the schedule of `timm.scheduler.create_scheduler_v2`, to 1e-6 at every step.

    Names and defaults are timm 1.0.31's, also those that surprise:

    - The rate stands still within an epoch (`step_on_epochs`; `--sched-on-updates`
      turns that off). With `warmup_lr=0` the first epoch learns nothing.
    - Without `warmup_prefix` the schedule runs from step 0 below the warmup, which
      ends with a jump. (`"tanh"` meets it instead; `"wsd"` and `"rsqrt"` always begin
      behind the warmup, within `num_epochs`.)
    - A milestone of `"multistep"` acts an epoch (an update) before torch's.
    - `decay_rate` is the power of `"poly"`.
    - Falling schedules reach `min_lr` one epoch (update) after the last.

    timm's `train.py` has other defaults: 5 epochs of warmup and `cycle_decay=0.5`. It
    trains for `num_epochs` times the cycles, plus the warmup if that is a prefix, plus
    `cooldown_epochs`. Not here: `"plateau"`, noise, and cycles of `"tanh"` and
    `"poly"`. `"step"` does not fall any more after `num_epochs`. `"poly"` is Keras's
    `PolynomialDecay`, whose last values are exact to 1e-7 of `lr`, not of themselves.

    Args:
        lr: Learning rate of the optimizer. Float, at least 0.
        updates_per_epoch: Optimizer steps in an epoch. Integer, at least 1.
        sched: `"cosine"`, `"tanh"`, `"step"`, `"multistep"`, `"poly"`, `"wsd"`,
            `"rsqrt"` or `"constant"`.
        num_epochs: Epochs of the schedule, or of its first cycle. Integer, at least 1.
        decay_epochs: Epochs between two falls (`"step"`) or length of the decay
            (`"wsd"`, `"rsqrt"`; a value below 1 is a fraction). `None` is 90 or 0.2.
        decay_milestones: Epochs of the falls (`"multistep"`).
        cooldown_epochs: Epochs at the end with `min_lr`. They do not change the
            schedule, which stays there by itself.
        decay_rate: Factor of each fall; the power of `"poly"`.
        min_lr: Rate at the end. Float, at least 0.
        warmup_lr: Rate at step 0 of a warmup. Float, at least 0.
        warmup_epochs: Epochs of the linear warmup. Integer, at least 0.
        warmup_prefix: Whether the schedule begins behind the warmup.
        cycle_mul: Length of a cycle over that of the one before (`"cosine"`).
        cycle_decay: Peak of a cycle over that of the one before (`"cosine"`).
        cycle_limit: Number of cycles (`"cosine"`). Integer, at least 1.
        k_decay: Shape of `"cosine"`. Float above 0.
        decay_fn: Decay of `"wsd"` and `"rsqrt"`: `"1-sqrt"`, `"linear"` or
            `"cosine"`. `None` is `"1-sqrt"` for the one and `"linear"` for the other.
        stable_timescale: Epochs in which `"rsqrt"` falls to `lr / sqrt(2)`. `None` is
            `warmup_epochs`.
        step_on_epochs: Whether the rate changes once per epoch only.

    Returns:
        A schedule of optimizer steps.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, or not for this `sched`.

    Example:
        >>> schedule = from_timm(0.4, 500, num_epochs=100, warmup_epochs=5)
        >>> [round(float(schedule(step)), 3) for step in (0, 499, 500, 2500, 25_000)]
        [0.0, 0.0, 0.08, 0.398, 0.2]

    Reference:
        [`timm.scheduler`](https://github.com/huggingface/pytorch-image-models), 1.0.31.
    """
    check_choice("sched", sched, KINDS)
    check_number("lr", lr, minimum=0)
    for name, value, minimum in (
        ("updates_per_epoch", updates_per_epoch, 1),
        ("num_epochs", num_epochs, 1),
        ("warmup_epochs", warmup_epochs, 0),
        ("cooldown_epochs", cooldown_epochs, 0),
        ("cycle_limit", cycle_limit, 1),
    ):
        check_integer(name, value, minimum)
    if sched in ("tanh", "poly") and (cycle_limit, k_decay) != (1, 1):
        raise ValueError(
            f"`cycle_limit` and `k_decay` must be 1 for {sched!r}. "
            f"Received: cycle_limit={cycle_limit}, k_decay={k_decay}."
        )
    # The steps between two changes of the rate: timm's unit of time.
    unit = updates_per_epoch if step_on_epochs else 1
    steps = num_epochs * updates_per_epoch
    warmup_steps = warmup_epochs * updates_per_epoch
    if sched in ("wsd", "rsqrt"):
        end = steps + warmup_steps * warmup_prefix
        decay = 0.2 if decay_epochs is None else decay_epochs
        decay *= end - warmup_steps if decay < 1 else updates_per_epoch
        decay_steps = unit * round(decay / unit)
        _check_decay(decay_epochs, decay_steps, end - warmup_steps)
    if sched == "wsd":
        curve = decay_fn or "1-sqrt"
        schedule = WarmupStableDecay(
            lr, end, warmup_steps, decay_steps, warmup_lr, min_lr, curve
        )
        return _presets.held(schedule, unit)
    if sched == "rsqrt":
        timescale = (stable_timescale or warmup_epochs) * updates_per_epoch
        schedule = InverseSqrt(lr, warmup_steps, timescale, warmup_lr)
        _check_floor(min_lr, lr / math.sqrt(1 + (end - warmup_steps) / timescale))
        decay = (end - decay_steps, decay_steps, min_lr, decay_fn or "linear")
        return _presets.held(Cooldown(schedule, *decay, follow=True), unit)
    if sched == "cosine":
        steps *= sum(cycle_mul**cycle for cycle in range(cycle_limit))
        cycles = (cycle_limit, cycle_mul, cycle_decay)
        schedule = Cosine(lr, steps, min_lr, k_decay, *cycles)
    elif sched == "tanh":
        schedule = Tanh(lr, steps, min_lr)
    elif sched == "poly":
        schedule = _presets.polynomial(lr, min_lr, steps, decay_rate)
    elif sched == "multistep":
        falls = [epoch * updates_per_epoch - unit for epoch in decay_milestones]
        schedule = _presets.falls(lr, decay_rate, falls)
    elif sched == "step":
        every = 90 if decay_epochs is None else decay_epochs
        schedule = _step(lr, decay_rate, every * updates_per_epoch / unit, steps, unit)
    else:
        schedule = lr
    joint = "after" if warmup_prefix else "meet" if sched == "tanh" else "override"
    schedule = Warmup(schedule, warmup_steps, warmup_lr, joint=joint)
    return _presets.held(schedule, unit)


def _check_decay(decay_epochs, decay_steps, steps):
    if not 0 < decay_steps <= steps:
        raise ValueError(
            "`decay_epochs` must be above 0 and within the epochs after the warmup. "
            f"Received: decay_epochs={decay_epochs}."
        )


def _check_floor(min_lr, lowest):
    # timm would hold the rate at `min_lr` before its decay.
    if lowest < min_lr:
        raise ValueError(
            f"`min_lr` must be at most {lowest:g}, what 'rsqrt' falls to by itself. "
            f"Received: min_lr={min_lr}."
        )


def _step(lr, decay_rate, every, steps, unit):
    # In floats as timm: where 12 // 2.4 is 5.0, and in float32 would be 4.
    count = np.arange(steps // unit) // every
    falls = np.flatnonzero(np.diff(count)) + 1
    values = [lr * decay_rate ** count[index] for index in (0, *falls)]
    return Piecewise([int(fall) * unit for fall in falls], [float(v) for v in values])
