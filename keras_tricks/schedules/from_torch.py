"""PyTorch's learning-rate schedulers by their own names and arguments."""

from keras_tricks._checks import check_choice, check_integer
from keras_tricks.schedules import _presets
from keras_tricks.schedules.cosine import Cosine
from keras_tricks.schedules.one_cycle import OneCycle
from keras_tricks.schedules.piecewise import Piecewise
from keras_tricks.schedules.warmup import Warmup


def from_torch(name: str, every: int = 1, **arguments):
    """Make a scheduler of `torch.optim.lr_scheduler`, to 1e-6 at every optimizer step.

    PyTorch counts calls of `scheduler.step()`; schedules here count optimizer steps.
    `every` is the steps between two calls: 1 for a call after each batch, the steps of
    an epoch for a call after each epoch, which makes a staircase. The first step has
    the rate of no call.

    Where torch goes on, schedules here stay: `CosineAnnealingLR` rises again after
    `T_max`, and `CosineAnnealingWarmRestarts` never ends (`cycles` says when it does
    here). `OneCycleLR` has its peak at call `pct_start * T - 1` and its end at `T - 1`,
    a call earlier than optax and fastai; its momentum is `.momentum()` of the result.

    Args:
        name: `"ConstantLR"`, `"LinearLR"`, `"StepLR"`, `"MultiStepLR"`,
            `"ExponentialLR"`, `"PolynomialLR"`, `"CosineAnnealingLR"`,
            `"CosineAnnealingWarmRestarts"`, `"OneCycleLR"`, or `"SequentialLR"` for a
            `LinearLR` and another: the warmup of torchvision's references.
        every: Optimizer steps from one `scheduler.step()` to the next. Integer, at
            least 1.
        **arguments: The scheduler's own, and `lr`, the learning rate of the optimizer
            (`OneCycleLR` has `max_lr` instead). For `SequentialLR`, `schedulers` is a
            list of pairs of a name and its arguments.

    Returns:
        A schedule.

    Raises:
        TypeError: If an argument is missing, unknown or of the wrong kind.
        ValueError: If the name is unknown or an argument out of its range.

    Example:
        >>> schedule = from_torch("StepLR", lr=0.1, step_size=30, every=500)
        >>> [round(float(schedule(step)), 3) for step in (0, 14_999, 15_000, 30_000)]
        [0.1, 0.1, 0.01, 0.001]
        >>> torchvision = from_torch(
        ...     "SequentialLR",
        ...     every=500,
        ...     lr=0.5,
        ...     schedulers=[
        ...         ("LinearLR", {"start_factor": 0.01, "total_iters": 5}),
        ...         ("CosineAnnealingLR", {"T_max": 595}),
        ...     ],
        ...     milestones=[5],
        ... )
        >>> [round(float(torchvision(step)), 3) for step in (0, 2499, 2500, 300_000)]
        [0.005, 0.401, 0.5, 0.0]

    Reference:
        `torch.optim.lr_scheduler` of PyTorch 2.13.
    """
    check_integer("every", every, 1)
    schedule = _presets.build(BUILDERS, name, {**arguments, "every": every})
    return _presets.held(schedule, every)


def _constant(lr, every, factor=1 / 3, total_iters=5):
    return Piecewise([total_iters * every], [lr * factor, lr])


def _linear(lr, every, start_factor=1 / 3, end_factor=1.0, total_iters=5):
    return _presets.linear(lr * start_factor, lr * end_factor, total_iters * every)


def _step(lr, every, step_size, gamma=0.1):
    return _presets.falls_every(lr, gamma, step_size * every)


def _multi_step(lr, every, milestones, gamma=0.1):
    return _presets.falls(lr, gamma, [milestone * every for milestone in milestones])


def _exponential(lr, every, gamma):
    return _presets.falls_smoothly(lr, gamma, every)


def _polynomial(lr, every, total_iters=5, power=1.0):
    return _presets.polynomial(lr, 0.0, total_iters * every, power)


def _cosine(lr, every, T_max, eta_min=0.0):  # noqa: N803
    return Cosine(lr, T_max * every, eta_min)


def _restarts(lr, every, T_0, cycles, T_mult=1, eta_min=0.0):  # noqa: N803
    total = every * T_0 * sum(T_mult**i for i in range(cycles))
    return Cosine(lr, total, eta_min, cycles=cycles, cycle_multiplier=float(T_mult))


def _one_cycle(
    max_lr,
    every,
    total_steps=None,
    epochs=None,
    steps_per_epoch=None,
    pct_start=0.3,
    anneal_strategy="cos",
    div_factor=25.0,
    final_div_factor=1e4,
    three_phase=False,
):
    check_choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
    total = total_steps
    if total is None:
        check_integer("epochs", epochs, 1, hint="Or give `total_steps`.")
        check_integer("steps_per_epoch", steps_per_epoch, 1)
        total = epochs * steps_per_epoch
    check_integer("total_steps", total, 3)
    start = max_lr / div_factor
    return OneCycle(
        max_lr,
        every * (total - 1),
        (pct_start * total - 1) / (total - 1),
        start=start,
        end=start / final_div_factor,
        back_step=(2 * pct_start * total - 2) / (total - 1) if three_phase else None,
        curve={"cos": "cosine", "linear": "linear"}[anneal_strategy],
    )


def _sequential(lr, every, schedulers, milestones):
    (name, warmup), (main, arguments) = schedulers
    warmup = {"start_factor": 1 / 3, "total_iters": 5, **warmup}
    length = warmup["total_iters"]
    if (
        name != "LinearLR"
        or warmup.get("end_factor", 1.0) != 1
        or list(milestones) != [length]
    ):
        raise ValueError(
            "`SequentialLR` is here a LinearLR up to `end_factor=1`, another "
            "scheduler, and `milestones=[total_iters]`. "
            f"Received: {name}, {warmup}, milestones={milestones}."
        )
    after = _presets.build(BUILDERS, main, {"lr": lr, "every": every, **arguments})
    return Warmup(after, length * every, lr * warmup["start_factor"])


BUILDERS = {
    "ConstantLR": _constant,
    "LinearLR": _linear,
    "StepLR": _step,
    "MultiStepLR": _multi_step,
    "ExponentialLR": _exponential,
    "PolynomialLR": _polynomial,
    "CosineAnnealingLR": _cosine,
    "CosineAnnealingWarmRestarts": _restarts,
    "OneCycleLR": _one_cycle,
    "SequentialLR": _sequential,
}
