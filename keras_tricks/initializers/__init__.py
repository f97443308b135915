"""Initializers: where the weights begin."""

from keras_tricks.initializers.reinitialize import reinitialize
from keras_tricks.initializers.variance_scaling import variance_scaling

__all__ = ["reinitialize", "variance_scaling"]
