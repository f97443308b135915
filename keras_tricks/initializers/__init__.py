"""Initializers: where the weights begin."""

from keras_tricks.initializers.reinitialize import reinitialize
from keras_tricks.initializers.variance_scaling import variance_scaling
from keras_tricks.initializers.zero_gamma import zero_gamma

__all__ = ["reinitialize", "variance_scaling", "zero_gamma"]
