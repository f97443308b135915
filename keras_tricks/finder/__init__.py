"""Find a learning rate by trying many in one short run."""

from keras_tricks.finder.find_learning_rate import find_learning_rate

__all__ = ["find_learning_rate"]
