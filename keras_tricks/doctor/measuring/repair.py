"""A second model that differs from the first in what may keep it from learning."""

import contextlib

import keras
import numpy as np

CHANGES = (
    "head",
    "loss",
    "hidden",
    "squash",
    "dropout",
    "penalty",
    "bias",
    "width",
    "norm",
)
SQUASHING = ("sigmoid", "tanh", "hard_sigmoid", "softsign")
# Of the relus, one that no unit dies of: width and rate are tried apart.
ACTIVATION = "leaky_relu"
MOST_UNITS = 512


def repaired(model, changes, graph, task):
    """Return a compiled copy of a model with some of its settings changed.

    Args:
        model: A Sequential or functional model; others cannot be made anew.
        changes: Some of `CHANGES`: "head" (last activation, units and loss that the
            task asks for), "loss" (the loss alone), "hidden" (an activation where
            hidden layers have none), "squash" (another one for sigmoid and tanh),
            "dropout" (none), "penalty" (no regularizers), "bias" (everywhere),
            "width" (8 times the units), "norm" (no batch
            normalization).
        graph: The `Graph` of the model.
        task: The `Task` of the only output, for "head" and "loss".

    Returns:
        The copy with the weights of the model wherever the shapes are alike, or None
        if the model cannot be made anew.
    """
    if graph is None or not getattr(model, "inputs", None):
        return None
    facts = {layer.name: layer for layer in graph.layers}

    def clone(layer):
        found = facts.get(layer.name)
        if isinstance(layer, keras.layers.Lambda):
            return keras.layers.Lambda(layer.function, arguments=layer.arguments)
        if "norm" in changes and isinstance(layer, keras.layers.BatchNormalization):
            return keras.layers.Identity()
        config = layer.get_config()
        if "activation" in config and not isinstance(config["activation"], str):
            config["activation"] = layer.activation
        # The values are taken from the model, and a function has no config.
        config = {k: v for k, v in config.items() if not k.endswith("_initializer")}
        if found is not None:
            config = _changed(config, found, changes, task)
        if "penalty" in changes:
            config |= {key: None for key in config if key.endswith("_regularizer")}
        return type(layer).from_config(config)

    try:
        with _uncompiled(model):
            copy = keras.models.clone_model(model, clone_function=clone)
        _take_weights(copy, model)
        new = {"head", "loss"} & set(changes)
        weights = (model.get_compile_config() or {}).get("loss_weights")
        copy.compile(
            model.optimizer,
            task_loss(task) if new else model.loss,
            loss_weights=None if new else weights,
        )
    except Exception:  # Layers of users may not know how to be made again.
        return None
    return copy


@contextlib.contextmanager
def _uncompiled(model):
    """Let a model pass for one that is not compiled.

    Keras 3.15.1 compiles a clone from the config, which knows no function of one's own.
    """
    model.compiled = False
    try:
        yield
    finally:
        model.compiled = True


def task_loss(task):
    """Return the name of the loss that a task asks for."""
    if task.kind == "multiclass":
        sparse = "sparse_" if task.form == "ids" else ""
        return f"{sparse}categorical_crossentropy"
    return {
        "binary": "binary_crossentropy",
        "multilabel": "binary_crossentropy",
        "distribution": "categorical_crossentropy",
    }.get(task.kind, "mean_squared_error")


def task_activation(task):
    """Return the name of the last activation that a task asks for."""
    return {
        "multiclass": "softmax",
        "distribution": "softmax",
        "binary": "sigmoid",
        "multilabel": "sigmoid",
    }.get(task.kind, "linear")


def fresh_weights(model):
    """Return first weights by variance scaling for the kernels, zeros for biases.

    The others keep their values: embeddings and recurrent kernels are scaled apart.
    """
    values, rng = [], np.random.default_rng(0)
    kernels = [v for v in model.trainable_variables if v.name == "kernel"]
    for variable in model.trainable_variables:
        value = np.array(keras.ops.convert_to_numpy(variable), "float32")
        if variable.name == "bias":
            value = np.zeros_like(value)
        elif variable.name == "kernel" and value.ndim >= 2:
            # He et al., 2015, but for the head, which no relu follows.
            gain = 1.0 if variable is kernels[-1] else 2.0
            fan_in = np.prod(value.shape[:-1])
            value = rng.normal(0, np.sqrt(gain / fan_in), value.shape)
        values.append(value.astype("float32"))
    return values


def _changed(config, layer, changes, task):
    if "head" in changes and layer.is_head and "units" in config:
        units = task.classes if task.kind == "multiclass" else config["units"]
        return config | {"units": units, "activation": task_activation(task)}
    if "head" in changes and layer.follows_head and "activation" in config:
        return config | {"activation": "linear"}
    name = config.get("activation")
    plain = not layer.is_head and not layer.follows_head and not layer.is_recurrent
    if plain and (
        ("hidden" in changes and layer.has_kernel and layer.activation == "linear")
        or ("squash" in changes and name in SQUASHING)
    ):
        config = config | {"activation": ACTIVATION}
    if "dropout" in changes:
        for key in ("rate", "dropout", "recurrent_dropout"):
            if isinstance(config.get(key), float):
                config = config | {key: 0.0}
    if "bias" in changes and config.get("use_bias") is False:
        config = config | {"use_bias": True}
    if "width" in changes and layer.is_hidden:
        for key in ("units", "filters"):
            if isinstance(config.get(key), int):
                wide = max(config[key], min(8 * config[key], MOST_UNITS))
                config = config | {key: wide}
    return config


def _take_weights(copy, model):
    for ours, theirs in zip(copy.layers, model.layers, strict=True):
        # A layer may have got a bias, its last variable, other shapes or none.
        for mine, other in zip(ours.variables, theirs.variables, strict=False):
            if mine.shape == other.shape:
                mine.assign(other)
