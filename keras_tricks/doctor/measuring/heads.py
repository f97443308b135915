"""How a model's outputs come out of their last weights."""

import dataclasses
import typing

import numpy as np

from keras_tricks.doctor.measuring import roles as _roles

# What an activation can give at all.
RANGES = {
    "relu": (0, np.inf),
    "relu6": (0, 6),
    "softplus": (0, np.inf),
    "exponential": (0, np.inf),
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "softmax": (0, 1),
    "tanh": (-1, 1),
    "softsign": (-1, 1),
    "hard_tanh": (-1, 1),
    "log_softmax": (-np.inf, 0),
}


@dataclasses.dataclass
class Head:
    """One output of the model.

    Attributes:
        name: Name of the output or of the layer that makes it.
        layer: `LayerFacts` of the last weight layer, or `None` where several meet.
        units: Size of the last axis.
        shape: Shape of the output.
        activation: Activations after the last weights, in order: `[]` for raw scores,
            `["relu", "softmax"]`.
        softmax_sizes: Number of values that share each softmax among them.
        dropout: Layers that drop values after the last weights.
        loss: Its `LossFacts`, or `None`.
        output: Key of the output in what `compute` gives.
    """

    name: str
    layer: typing.Any
    units: int
    shape: tuple
    activation: list
    softmax_sizes: list
    dropout: list
    loss: typing.Any
    output: tuple

    @property
    def last(self):
        """The last activation, `"linear"` for raw scores."""
        return self.activation[-1] if self.activation else _roles.LINEAR

    @property
    def is_known(self):
        """Whether every activation has a known meaning."""
        return "unknown" not in self.activation


def heads_of(evidence):
    """Return `(head, task)` per output; empty where they cannot be paired.

    What a head of the user's own code does is told from its outputs.
    """
    if evidence.graph is None:
        heads = [_unknown(loss) for loss in evidence.losses]
    else:
        heads = evidence.graph.heads
    if len(heads) != len(evidence.tasks):
        return []
    if not all(head.is_known for head in heads):
        outputs = evidence.start.output
        heads = [
            head if head.is_known else _seen(head, output)
            for head, output in zip(heads, outputs, strict=True)
        ]
    return list(zip(heads, evidence.tasks, strict=True))


def _unknown(loss):
    return Head("output", None, 1, (), ["unknown"], [], [], loss, ())


def _seen(head, output):
    """Return a head whose last activation is told from its values."""
    units = output.shape[-1] if output.ndim > 1 else 1
    low, high = output.min(), output.max()
    activation = []
    if units > 1 and low >= 0 and abs(output.sum(-1) - 1).max() < 1e-3:
        activation = ["softmax"]
    elif low >= 0 and high <= 1:
        activation = ["sigmoid"]
    elif low == 0:
        activation = ["relu"]
    return dataclasses.replace(
        head, units=units, shape=output.shape, activation=activation
    )


def read_head(key, by_output, facts, loss, name=None):
    """Read the head that makes an output, going back to its last weights.

    Args:
        key: Key of the output.
        by_output: The `Call` that makes a key.
        facts: The `LayerFacts` of a call, by its `id`; head and what follows it are
            marked in them.
        loss: The `LossFacts` of the output, or None.
        name: Name of the output, or None.
    """
    head = Head(
        name=name or by_output[key].operation.name,
        layer=None,
        units=1,
        shape=by_output[key].output_shapes[by_output[key].outputs.index(key)],
        activation=[],
        softmax_sizes=[],
        dropout=[],
        loss=loss,
        output=key,
    )
    head.units = head.shape[-1] if len(head.shape) > 1 else 1
    while key in by_output:
        call = by_output[key]
        _see(head, call, facts.get(id(call)))
        done = head.layer is not None or len(call.inputs) != 1
        if done or not (_is_activation(call) or _passes(call)):
            break
        key = call.inputs[0]
    head.activation = [name for name in head.activation if name != _roles.LINEAR]
    return head


def _see(head, call, facts):
    """Note what one call, met on the way back from an output, means for the head."""
    name = _roles.activation_of(call.operation)
    if name is None and not _passes(call):
        name = "unknown"
    if name is not None:
        head.activation.insert(0, name)
    if name == "softmax":
        size = _roles.softmax_size(call.operation, call.output_shapes[0])
        head.softmax_sizes.insert(0, size)
    if facts is None:
        return
    if facts.has_kernel:
        head.layer, facts.is_head = facts, True
    else:
        facts.follows_head = True
        if facts.rate is not None:
            head.dropout.append(facts)


def _is_activation(call):
    return _roles.activation_of(call.operation) not in (None, "unknown")


def _passes(call):
    return _roles.passes(call.operation, call.inputs)
