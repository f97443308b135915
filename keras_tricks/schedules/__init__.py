"""Learning-rate schedules: functions of the optimizer's step."""

from keras_tricks.schedules.cooldown import Cooldown
from keras_tricks.schedules.cosine import Cosine
from keras_tricks.schedules.count_steps import count_steps
from keras_tricks.schedules.from_fastai import from_fastai
from keras_tricks.schedules.from_optax import from_optax
from keras_tricks.schedules.from_paddleclas import from_paddleclas
from keras_tricks.schedules.from_tfmg import from_tfmg
from keras_tricks.schedules.from_timm import from_timm
from keras_tricks.schedules.from_torch import from_torch
from keras_tricks.schedules.inverse_sqrt import InverseSqrt
from keras_tricks.schedules.one_cycle import OneCycle
from keras_tricks.schedules.piecewise import Piecewise
from keras_tricks.schedules.plot import plot
from keras_tricks.schedules.scale_learning_rate import scale_learning_rate
from keras_tricks.schedules.staircase import Staircase
from keras_tricks.schedules.tanh import Tanh
from keras_tricks.schedules.warmup import Warmup
from keras_tricks.schedules.warmup_cosine import WarmupCosine
from keras_tricks.schedules.warmup_stable_decay import WarmupStableDecay

__all__ = [
    "Cooldown",
    "Cosine",
    "InverseSqrt",
    "OneCycle",
    "Piecewise",
    "Staircase",
    "Tanh",
    "Warmup",
    "WarmupCosine",
    "WarmupStableDecay",
    "count_steps",
    "from_fastai",
    "from_optax",
    "from_paddleclas",
    "from_tfmg",
    "from_timm",
    "from_torch",
    "plot",
    "scale_learning_rate",
]
