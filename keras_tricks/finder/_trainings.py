"""Train a model several times from one state, then put everything back."""

import contextlib
import itertools
import math

import keras
import numpy as np
from keras import ops

from keras_tricks._untouched import kept_random_state


@contextlib.contextmanager
def trainings(model, first_batch, class_weight=None):
    """Yield `train(batches, rates, stop) -> losses`, which begins anew at every call.

    The losses are those of each step's own batch, before the step. They end before one
    that is not finite, or when `stop`, called with all losses so far, says so. With
    gradient accumulation a step takes several batches, and its loss is their mean.

    The model is as before afterwards, whatever happens, and its optimizer untouched.
    """
    if not model.built:
        # Before the state is taken: building draws seeds, here as in `fit`.
        with keras.StatelessScope():
            model(first_batch[0])
    with _put_back(model):
        model.optimizer = twin_of(model.optimizer, model.trainable_variables)
        model.train_function = None
        model.steps_per_execution = 1
        begin = _kept(_variables(model) + model.optimizer.variables)

        def train(batches, rates, stop=lambda losses: False):
            begin()
            losses = []
            with kept_random_state():
                for rate in rates:
                    model.optimizer.learning_rate = float(rate)
                    losses.append(_loss_of_one_step(model, batches, class_weight))
                    if not math.isfinite(losses[-1]):
                        return losses[:-1]
                    if stop(losses):
                        break
            return losses

        yield train


def _loss_of_one_step(model, batches, class_weight):
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    count = optimizer.gradient_accumulation_steps or 1
    losses = []
    for x, y, sample_weight in itertools.islice(batches, count):
        # Some versions of Keras do so themselves, but none promises it.
        model.reset_metrics()
        logs = model.train_on_batch(x, y, sample_weight, class_weight, return_dict=True)
        if "loss" not in logs:
            raise ValueError(
                "The training step of the model must return its loss under the name "
                f"'loss'. Received: {sorted(logs)}."
            )
        losses.append(float(logs["loss"]))
    return sum(losses) / count


def twin_of(optimizer, variables):
    """Return an optimizer in the same state whose rate is a number to be set."""
    twin = _unbuilt_twin(optimizer)
    twin.build(variables)
    if optimizer.built:
        for ours, theirs in zip(_state(twin), _state(optimizer), strict=True):
            ours.assign(theirs)
    return twin


def _unbuilt_twin(optimizer):
    config = optimizer.get_config()
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        config["inner_optimizer"] = _unbuilt_twin(optimizer.inner_optimizer)
        return type(optimizer)(**config)
    if "learning_rate" not in config:
        raise TypeError(
            "find_learning_rate needs an optimizer with one learning rate. "
            f"Received: optimizer={optimizer!r}."
        )
    # A schedule has no rate that can be set.
    return type(optimizer).from_config(config | {"learning_rate": 1.0})


def _state(optimizer):
    return [v for v in optimizer.variables if v.name != "learning_rate"]


@contextlib.contextmanager
def _put_back(model):
    """Undo training with another optimizer."""
    names = ("optimizer", "train_function", "steps_per_execution")
    kept = {name: getattr(model, name) for name in names}
    put_back = _kept(_variables(model))
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(model, name, value)
        # Metrics that the first step has made are new, and begin at zero.
        model.reset_metrics()
        put_back()


def _variables(model):
    return model.variables + model.metrics_variables


def _kept(variables):
    """Return a function that gives variables the values that they have now."""
    values = [np.array(ops.convert_to_numpy(variable)) for variable in variables]

    def put_back():
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    return put_back
