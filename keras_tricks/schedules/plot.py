"""Schedules drawn over the steps of a training."""

import numpy as np
from keras import ops

from keras_tricks._checks import check_integer
from keras_tricks._figure import new_figure

POINTS = 500


def plot(schedules, total_steps: int, steps_per_epoch: int | None = None):
    """Draw one or several schedules: look before you train.

    At most 500 steps are asked, evenly from the first to the last.

    Args:
        schedules: A schedule, or a dict of schedules by name. A constant may be a
            float.
        total_steps: Optimizer steps of the training. Integer, at least 1.
        steps_per_epoch: Optimizer steps in an epoch, to label the axis in epochs.
            Integer, or `None` for steps.

    Returns:
        A `matplotlib.figure.Figure`; `figure.savefig("rates.png")` writes it.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If a schedule cannot be called or a count is not an integer.
        ValueError: If there is nothing to draw or a count is below 1.

    Example:
        >>> cosine = WarmupCosine(0.1, total_steps=100, warmup_steps=10)
        >>> figure = plot({"cosine": cosine, "constant": 0.05}, total_steps=100)
        >>> [line.get_label() for line in figure.axes[0].get_lines()]
        ['cosine', 'constant']

    Reference:
        `Recorder.plot_sched` of fastai.
    """
    check_integer("total_steps", total_steps, 1)
    if steps_per_epoch is not None:
        check_integer("steps_per_epoch", steps_per_epoch, 1)
    if not isinstance(schedules, dict):
        schedules = {"": schedules}
    if not schedules:
        raise ValueError(f"`schedules` must not be empty. Received: {schedules}.")
    steps = np.linspace(0, total_steps - 1, min(total_steps, POINTS)).astype(int)
    rates = {name: _rates(schedule, steps) for name, schedule in schedules.items()}
    figure = new_figure(6, 3.5)
    axes = figure.add_subplot()
    for name, values in rates.items():
        axes.plot(steps / (steps_per_epoch or 1), values, label=name)
    axes.set_xlabel("epoch" if steps_per_epoch else "optimizer step")
    axes.set_ylabel("learning rate")
    axes.grid(alpha=0.3)
    if any(schedules):
        axes.legend(fontsize=8)
    return figure


def _rates(schedule, steps):
    if isinstance(schedule, (int, float)):
        return np.full(len(steps), float(schedule))
    if not callable(schedule):
        raise TypeError(
            "`schedules` must be schedules or numbers. "
            f"Received: a {type(schedule).__name__}."
        )
    # Not schedule(steps): some of Keras's take one step only.
    rates = ops.vectorized_map(schedule, ops.convert_to_tensor(steps, "int32"))
    return ops.convert_to_numpy(rates)
