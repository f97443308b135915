"""What training on a copy would still change, put back at the end."""

import contextlib
import random

import keras
import numpy as np


@contextlib.contextmanager
def kept_random_state():
    """Undo what layers draw from generators that are not variables of the model."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with _forked_torch():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextlib.contextmanager
def without_regularizers(variables):
    """Leave the penalties on variables out of `compute_loss`."""
    kept = [variable.regularizer for variable in variables]
    try:
        for variable in variables:
            variable.regularizer = None
        yield
    finally:
        for variable, regularizer in zip(variables, kept, strict=True):
            variable.regularizer = regularizer


def _forked_torch():
    if keras.config.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    # Dropout without a seed draws from the global generator.
    return torch.random.fork_rng(range(torch.cuda.device_count()))
