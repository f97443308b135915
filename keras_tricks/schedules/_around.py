"""What the schedules around another schedule share."""

import keras
from keras import ops

from keras_tricks._checks import check_number


class Around(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that holds another one, or a constant."""

    def __init__(self, schedule, name):
        super().__init__()
        if not _is_schedule(schedule):
            check_number("schedule", schedule, minimum=0)
        self.schedule = schedule
        self.name = name

    def rate(self, step):
        """Return the inner schedule's rate at `step`, in float32 and its shape."""
        rate = self.schedule(step) if _is_schedule(self.schedule) else self.schedule
        return ops.broadcast_to(ops.cast(rate, "float32"), ops.shape(step))

    def get_config(self):
        return {"schedule": self.schedule, "name": self.name}

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(**{**config, "schedule": schedule})


def _is_schedule(schedule):
    return isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
