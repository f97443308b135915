"""Optimizers that treat each variable as it should be: decay, rates, clipping."""

from keras_tricks.optimizers.adam import Adam
from keras_tricks.optimizers.adam_w import AdamW
from keras_tricks.optimizers.adaptive_clipping import AdaptiveClipping
from keras_tricks.optimizers.advise_weight_decay import advise_weight_decay
from keras_tricks.optimizers.convert_weight_decay import convert_weight_decay
from keras_tricks.optimizers.fine_tuning_rate import fine_tuning_rate
from keras_tricks.optimizers.freeze_batch_norm import freeze_batch_norm
from keras_tricks.optimizers.lamb import LAMB
from keras_tricks.optimizers.layer_groups import LayerGroups, layer_groups
from keras_tricks.optimizers.rmsprop import RMSprop
from keras_tricks.optimizers.sgd import SGD
from keras_tricks.optimizers.weight_decay import WeightDecay

__all__ = [  # noqa: RUF022 (plain alphabet, as in every family)
    "Adam",
    "AdamW",
    "AdaptiveClipping",
    "LAMB",
    "LayerGroups",
    "RMSprop",
    "SGD",
    "WeightDecay",
    "advise_weight_decay",
    "convert_weight_decay",
    "fine_tuning_rate",
    "freeze_batch_norm",
    "layer_groups",
]
