"""Learning-rate schedules: functions of the optimizer's step."""

from keras_tricks.schedules.scale_learning_rate import scale_learning_rate
from keras_tricks.schedules.warmup import Warmup
from keras_tricks.schedules.warmup_cosine import WarmupCosine

__all__ = ["Warmup", "WarmupCosine", "scale_learning_rate"]
