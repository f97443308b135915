"""The layers and heads of a model as facts."""

import dataclasses
import math
import typing

import keras

from keras_tricks.doctor.measuring import roles as _roles
from keras_tricks.doctor.measuring.calls import read_calls
from keras_tricks.doctor.measuring.heads import read_head
from keras_tricks.doctor.measuring.losses import loss_facts


@dataclasses.dataclass
class LayerFacts:
    """One layer that has weights or an activation, drops values or normalises.

    Attributes:
        name: Its name.
        kind: Name of its class in Keras.
        layer: The layer or operation; read only.
        units: Size of the last axis of its output.
        activation: Activation of its output, also one applied by a later layer;
            `"linear"` if there is none before the next weights, `"unknown"` if that
            cannot be told.
        use_bias: Whether it has a bias, or `None` where it cannot have one.
        normalized: Whether a normalization follows before the next weights.
        fan_in: Number of inputs of a unit, or `None`.
        is_head: Whether its output is one of the model's, but for an activation.
        is_hidden: Whether it is a weight layer before a head, embeddings excepted.
        is_recurrent: Whether it is a recurrent layer.
        is_normalization: Whether it is a normalization.
        is_opaque: Whether it computes in code of the user's own.
        has_kernel: Whether it multiplies with weights.
        rate: Rate of a dropout, or `None`.
        depth: Number of weight layers on the longest way to it, itself included.
        follows_head: Whether a head's weights come before it, as for its activation.
        output: Key of its output in what `compute` gives.
        activated: Key of its output after the activation.
    """

    name: str
    kind: str
    layer: typing.Any
    units: int | None
    activation: str | None
    use_bias: bool | None
    fan_in: int | None
    has_kernel: bool
    output: tuple
    activated: tuple
    rate: float | None = None
    normalized: bool = False
    is_head: bool = False
    is_recurrent: bool = False
    is_normalization: bool = False
    is_opaque: bool = False
    depth: int = 0
    follows_head: bool = False

    @property
    def is_hidden(self):
        """Whether it is a weight layer before a head, embeddings excepted."""
        return self.has_kernel and not self.is_head and self.kind != "Embedding"


@dataclasses.dataclass
class Reshaping:
    """A layer that moves values: its name, class, shapes and the layer itself."""

    name: str
    kind: str
    input_shape: tuple
    output_shape: tuple
    layer: typing.Any


@dataclasses.dataclass
class Graph:
    """All of a model's layers and heads.

    Attributes:
        layers: List of `LayerFacts` in computing order.
        heads: List of `Head`, one per output.
        reshapes: List of `Reshaping` in computing order.
        depth: Weight layers on the longest way through.
        has_residual: Whether branches are added or joined.
        calls: The `Call` list that this was read from.
        outputs: Keys of the model's outputs in what `compute` gives.
    """

    layers: list
    heads: list
    reshapes: list
    depth: int
    has_residual: bool
    calls: list
    outputs: list

    @property
    def hidden(self):
        """The hidden weight layers."""
        return [layer for layer in self.layers if layer.is_hidden]

    @property
    def weighted(self):
        """All layers with weights to multiply with."""
        return [layer for layer in self.layers if layer.has_kernel]

    @property
    def normalizations(self):
        """The normalization layers."""
        return [layer for layer in self.layers if layer.is_normalization]

    @property
    def dropouts(self):
        """The layers that drop values."""
        return [layer for layer in self.layers if layer.rate is not None]


def read_graph(model):
    """Read the layers of a model; `None` if they cannot be put in order."""
    read = read_calls(model)
    if read is None:
        return None
    calls, outputs = read
    after = _after(calls)
    by_output = {key: call for call in calls for key in call.outputs}
    facts = {id(call): _facts(call, after) for call in calls if _is_listed(call)}
    _count_depth(calls, facts)
    losses = loss_facts(model) or [None] * len(outputs)
    names = getattr(model, "output_names", None) or [None] * len(outputs)
    heads = [
        read_head(key, by_output, facts, loss, name)
        for key, loss, name in zip(outputs, losses, names, strict=False)
        if key in by_output
    ]
    return Graph(
        layers=list(facts.values()),
        heads=heads,
        reshapes=[_reshaping(c) for c in calls if _roles.is_reshaping(c.operation)],
        depth=max([layer.depth for layer in facts.values()], default=0),
        has_residual=any(_roles.is_sum(c.operation, c.inputs) for c in calls),
        calls=calls,
        outputs=outputs,
    )


def _after(calls):
    """Return for each tensor the calls that take it."""
    after = {}
    for call in calls:
        for key in call.inputs:
            after.setdefault(key, []).append(call)
    return after


def _is_listed(call):
    operation = call.operation
    return (
        _has_kernel(operation)
        or _roles.is_normalization(operation)
        or _roles.is_dropout(operation)
        or _roles.activation_of(operation) is not None
    )


def _has_kernel(operation):
    weights = getattr(operation, "weights", [])
    matrices = [weight for weight in weights if len(weight.shape) > 1]
    ours = _roles.is_normalization(operation) or _roles.kind_of(operation) == "PReLU"
    return bool(matrices) and not ours


def _facts(call, after):
    operation = call.operation
    inner = _roles.unwrapped(operation)
    key = call.outputs[0]
    activation, activated = _roles.activation_of(operation), key
    if activation in (None, _roles.LINEAR) and _has_kernel(operation):
        if activation is None:  # attention and the like
            activation = "unknown"
        else:
            activation, activated = _activation_after(key, after)
    shape = call.output_shapes[0]
    return LayerFacts(
        name=operation.name,
        kind=_roles.kind_of(operation),
        layer=operation,
        units=shape[-1] if shape else None,
        activation=activation,
        use_bias=getattr(inner, "use_bias", None),
        fan_in=_fan_in(inner),
        has_kernel=_has_kernel(operation),
        output=key,
        activated=activated,
        rate=_rate(inner),
        normalized=_is_normalized(key, after),
        is_recurrent=_roles.is_recurrent(operation),
        is_normalization=_roles.is_normalization(operation),
        is_opaque=_roles.is_opaque(operation),
    )


def _rate(layer):
    return getattr(layer, "rate", None) if _roles.is_dropout(layer) else None


def _fan_in(layer):
    kernel = getattr(layer, "kernel", None)
    if kernel is None or len(kernel.shape) < 2 or isinstance(layer, keras.layers.RNN):
        return None
    if "Transpose" in _roles.kind_of(layer):
        return math.prod(kernel.shape[:-2]) * kernel.shape[-1]
    if _roles.kind_of(layer).startswith("Depthwise"):
        return math.prod(kernel.shape[:-2])
    return math.prod(kernel.shape[:-1])


def _activation_after(key, after):
    """Return the first non-linearity after a tensor, and the tensor that it makes."""
    for call in after.get(key, []):
        if _has_kernel(call.operation):
            continue
        if _roles.passes(call.operation, call.inputs):
            found = _activation_after(call.outputs[0], after)
        else:
            name = _roles.activation_of(call.operation) or "unknown"
            found = name, call.outputs[0]
        if found[0] != _roles.LINEAR:
            return found
    return _roles.LINEAR, key


def _is_normalized(key, after):
    for call in after.get(key, []):
        if _roles.is_normalization(call.operation):
            return True
        stops = _has_kernel(call.operation)
        if not stops and _is_normalized(call.outputs[0], after):
            return True
    return False


def _count_depth(calls, facts):
    depths = {}
    for call in calls:
        depth = max([depths.get(key, 0) for key in call.inputs], default=0)
        layer = facts.get(id(call))
        if layer is not None:
            depth += layer.has_kernel
            layer.depth = depth
        depths.update(dict.fromkeys(call.outputs, depth))


def _reshaping(call):
    operation = call.operation
    shapes = call.input_shapes[0], call.output_shapes[0]
    return Reshaping(operation.name, _roles.kind_of(operation), *shapes, operation)
