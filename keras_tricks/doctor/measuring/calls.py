"""The calls that make up a model, in the order in which they are computed."""

import dataclasses
import typing

import keras
from keras import ops


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer or an operation.

    Attributes:
        operation: The layer or operation; read only.
        inputs: Keys of the tensors that it takes.
        outputs: Keys of the tensors that it makes.
        input_shapes: Shapes of the former, `None` where a size is free.
        output_shapes: Shapes of the latter.
    """

    operation: typing.Any
    inputs: tuple
    outputs: tuple
    input_shapes: tuple
    output_shapes: tuple


def read_calls(model):
    """Return the calls of a model, models inside it taken apart, and its output keys.

    Returns:
        `(calls, outputs)`, or `None` for a model that is not a graph of layers.
    """
    if not _is_graph(model):
        return None
    calls, same = [], {}
    _read(model, (), calls, same)
    return calls, [_resolve(same, ((), id(tensor))) for tensor in model.outputs]


def compute(model, inputs):
    """Run a model at inference and keep the value of every tensor.

    Args:
        model: A model for which `read_calls` gives calls.
        inputs: The model's inputs, nested as `fit` takes them.

    Returns:
        A dict from the keys in `read_calls` to tensors.
    """
    values = {}
    _compute(model, (), _flat_inputs(model, inputs), values)
    return values


def _is_graph(model):
    if not isinstance(model, keras.Model) or not model.built:
        return False
    try:
        return bool(model.inputs) and bool(model.outputs)
    except AttributeError:
        return False


def _read(model, visit, calls, same):
    for count, node in enumerate(_nodes(model)):
        inner, inner_visit = node.operation, (*visit, count)
        if _is_graph(inner):
            _join(same, inner_visit, inner.inputs, visit, node.input_tensors)
            _read(inner, inner_visit, calls, same)
            _join(same, visit, node.outputs, inner_visit, inner.outputs)
            continue
        tensors = node.input_tensors, node.outputs
        keys = [tuple(_resolve(same, (visit, id(t))) for t in side) for side in tensors]
        shapes = [tuple(tuple(t.shape) for t in side) for side in tensors]
        if keys[0]:
            calls.append(Call(inner, *keys, *shapes))


def _join(same, visit, tensors, other_visit, others):
    for tensor, other in zip(tensors, others, strict=True):
        key = _resolve(same, (other_visit, id(other)))
        if key != (visit, id(tensor)):
            same[visit, id(tensor)] = key


def _resolve(same, key):
    while key in same:
        key = same[key]
    return key


def _nodes(model):
    """Return the calls that lead to a model's outputs, each after those it needs.

    `Layer.output` is public but fails for a layer that was called twice, as every
    layer of a Sequential model grown by `add` was; the nodes tell the calls apart.
    """
    ordered, seen = [], {id(tensor) for tensor in model.inputs}
    stack = list(reversed(model.outputs))
    while stack:
        tensor = stack[-1]
        if id(tensor) in seen:
            stack.pop()
            continue
        operation, index, _ = tensor._keras_history
        node = operation._inbound_nodes[index]
        missing = [t for t in node.input_tensors if id(t) not in seen]
        if missing:
            stack.extend(reversed(missing))
            continue
        ordered.append(node)
        seen |= {id(output) for output in node.outputs}
    return ordered


def _compute(model, visit, inputs, values):
    nodes = _nodes(model)
    tensors = [tensor for node in nodes for tensor in node.outputs]
    function = keras.Function(model.inputs, tensors, name="doctor")
    results = function(inputs)
    values.update(zip([(visit, id(t)) for t in model.inputs], inputs, strict=True))
    values.update(zip([(visit, id(t)) for t in tensors], results, strict=True))
    for count, node in enumerate(nodes):
        if _is_graph(node.operation):
            inner = [values[visit, id(tensor)] for tensor in node.input_tensors]
            _compute(node.operation, (*visit, count), inner, values)


def _flat_inputs(model, inputs):
    """Return the inputs in the model's order, with its dtypes and ranks."""
    tensors = model.inputs
    if isinstance(inputs, dict) and all(t.name in inputs for t in tensors):
        leaves = [inputs[tensor.name] for tensor in tensors]
    else:
        leaves = keras.tree.flatten(inputs)
    flat = []
    for tensor, leaf in zip(tensors, leaves, strict=True):
        leaf = ops.convert_to_tensor(leaf, dtype=tensor.dtype)
        if len(leaf.shape) == len(tensor.shape) - 1 and tensor.shape[-1] == 1:
            leaf = ops.expand_dims(leaf, -1)
        elif len(leaf.shape) == len(tensor.shape) + 1 and leaf.shape[-1] == 1:
            leaf = ops.squeeze(leaf, -1)
        flat.append(leaf)
    return flat
