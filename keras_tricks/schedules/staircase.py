"""Any schedule in steps of an epoch."""

import keras
from keras import ops

from keras_tricks._checks import check_integer
from keras_tricks.schedules._around import Around


@keras.saving.register_keras_serializable(package="keras_tricks")
class Staircase(Around):
    """Hold a schedule constant within each epoch.

    The rate is `schedule(n * (step // n))` with `n = steps_per_epoch`. So do timm and
    torchvision train by default: their schedulers step once per epoch. A warmup from
    0 then means that nothing is learned for a whole epoch.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule`, in optimizer
            steps as ever, or a constant float, at least 0.
        steps_per_epoch: Optimizer steps of an epoch. Integer, at least 1.
        name: Optional name.

    Raises:
        TypeError: If `schedule` is neither a schedule nor a number, or
            `steps_per_epoch` is not an integer.
        ValueError: If an argument is out of its range.

    Example:
        >>> decay = keras.optimizers.schedules.PolynomialDecay(0.1, 40, 0.0)
        >>> schedule = Staircase(decay, steps_per_epoch=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 9, 10, 19, 20, 40)]
        [0.1, 0.1, 0.075, 0.075, 0.05, 0.0]

    Reference:
        [timm, `train.py`](https://github.com/huggingface/pytorch-image-models).
    """

    def __init__(self, schedule, steps_per_epoch, name=None):
        super().__init__(schedule, name)
        check_integer("steps_per_epoch", steps_per_epoch, 1)
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step):
        step = ops.convert_to_tensor(step)
        epoch = ops.floor_divide(step, self.steps_per_epoch)
        return self.rate(epoch * self.steps_per_epoch)

    def get_config(self):
        return {**super().get_config(), "steps_per_epoch": self.steps_per_epoch}
