"""PaddleClas's learning rates by the names and arguments of its configurations."""

from keras_tricks._checks import check_choice, check_integer
from keras_tricks.schedules import _presets
from keras_tricks.schedules.cosine import Cosine
from keras_tricks.schedules.piecewise import Piecewise
from keras_tricks.schedules.warmup import Warmup


def from_paddleclas(
    name: str,
    epochs: int,
    step_each_epoch: int,
    warmup_epoch: float = 0,
    warmup_start_lr: float = 0.0,
    by_epoch: bool = False,
    **arguments,
):
    """Make a learning rate of PaddleClas, to 1e-6 at every optimizer step.

    Everything begins behind the warmup: the cosine has `epochs - warmup_epoch` epochs,
    and the falls of `Piecewise`, `Step` and `MultiStepDecay` come `warmup_epoch` epochs
    later than their numbers say. `Constant` is today's `ConstLR`.

    Args:
        name: `"ConstLR"`, `"Linear"`, `"Cosine"`, `"Step"`, `"Piecewise"` or
            `"MultiStepDecay"`.
        epochs: Epochs of the training, `Global.epochs`. Integer, at least 1.
        step_each_epoch: Optimizer steps in an epoch. Integer, at least 1.
        warmup_epoch: Epochs of the linear warmup. Number, at least 0.
        warmup_start_lr: Rate at step 0 of a warmup. Float, at least 0.
        by_epoch: Whether the rate changes once per epoch only. Not for `"Linear"`,
            where PaddleClas mixes the units up.
        **arguments: The others of its class: `learning_rate` (`Piecewise` has
            `values`), and `end_lr`, `power`; `eta_min`; `step_size`, `gamma`;
            `decay_epochs`, `values`; `milestones`, `gamma`.

    Returns:
        A schedule.

    Raises:
        TypeError: If an argument is missing, unknown or of the wrong kind.
        ValueError: If the name is unknown or an argument out of its range.

    Example:
        >>> schedule = from_paddleclas(
        ...     "Cosine", 360, step_each_epoch=100, warmup_epoch=5, learning_rate=1.3
        ... )
        >>> [round(float(schedule(step)), 3) for step in (0, 250, 500, 18_250, 36_000)]
        [0.0, 0.65, 1.3, 0.65, 0.0]

    Reference:
        [`ppcls/optimizer/learning_rate.py`](https://github.com/PaddlePaddle/PaddleClas)
        of PaddleClas 2.6.
    """
    check_integer("epochs", epochs, 1)
    check_integer("step_each_epoch", step_each_epoch, 1)
    check_choice("by_epoch", by_epoch, (False,) if name == "Linear" else (False, True))
    arguments["step_each_epoch"] = step_each_epoch
    if name in ("Linear", "Cosine"):
        arguments["epochs"] = epochs - warmup_epoch
    schedule = _presets.build(BUILDERS, name, arguments)
    warmup_steps = round(warmup_epoch * step_each_epoch)
    schedule = Warmup(schedule, warmup_steps, warmup_start_lr)
    return _presets.held(schedule, step_each_epoch if by_epoch else 1)


def _constant(step_each_epoch, learning_rate):
    return learning_rate


def _linear(step_each_epoch, epochs, learning_rate, end_lr=0.0, power=1.0):
    return _presets.polynomial(learning_rate, end_lr, epochs * step_each_epoch, power)


def _cosine(step_each_epoch, epochs, learning_rate, eta_min=0.0):
    return Cosine(learning_rate, epochs * step_each_epoch, eta_min)


def _step(step_each_epoch, learning_rate, step_size, gamma):
    return _presets.falls_every(learning_rate, gamma, step_size * step_each_epoch)


def _piecewise(step_each_epoch, decay_epochs, values):
    return Piecewise([epoch * step_each_epoch for epoch in decay_epochs], values)


def _multi_step(step_each_epoch, learning_rate, milestones, gamma=0.1):
    return _presets.falls(
        learning_rate, gamma, [epoch * step_each_epoch for epoch in milestones]
    )


BUILDERS = {
    "ConstLR": _constant,
    "Linear": _linear,
    "Cosine": _cosine,
    "Step": _step,
    "Piecewise": _piecewise,
    "MultiStepDecay": _multi_step,
}
