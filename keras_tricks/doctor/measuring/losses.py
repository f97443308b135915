"""Which loss each output of a compiled model has."""

import dataclasses
import functools
import re

import keras

PROBABILITY = {
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
    "kl_divergence",
    "dice",
    "tversky",
}
VALUE = {
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "poisson",
    "cosine_similarity",
}
HINGE = {"hinge", "squared_hinge", "categorical_hinge"}


@dataclasses.dataclass(frozen=True)
class LossFacts:
    """What is known of one loss.

    Attributes:
        name: Its registered name, as `"categorical_crossentropy"`; the name of the
            function or class for a loss of the user's own.
        kind: `"probability"` (wants probabilities or logits), `"value"`, `"hinge"` or
            `"custom"`.
        from_logits: Whether it applies softmax or sigmoid itself.
        reduction: `"sum_over_batch_size"`, `"sum"`, ...
    """

    name: str
    kind: str
    from_logits: bool = False
    reduction: str = "sum_over_batch_size"

    @property
    def is_crossentropy(self):
        """Whether it is a cross-entropy, plain or focal."""
        return self.kind == "probability" and self.name.endswith("crossentropy")


def loss_facts(model):
    """Return the facts on the loss of each output, in the order of the outputs.

    Returns:
        A list with a `LossFacts`, or `None` for an output without a loss, per output.
        One loss for several outputs is repeated. An empty list if none was given.
    """
    loss = getattr(model, "loss", None)
    if loss is None:
        return []
    names = getattr(model, "output_names", None)
    count = len(getattr(model, "outputs", None) or [None])
    if isinstance(loss, dict):
        by_path = names is not None and set(loss) <= set(names)
        loss = [loss.get(name) for name in names] if by_path else list(loss.values())
    leaves = _leaves(loss)
    if len(leaves) == 1:
        leaves = leaves * count
    return [None if leaf is None else _facts(leaf) for leaf in leaves]


def _leaves(loss):
    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, list | tuple):
        return [leaf for element in loss for leaf in _leaves(element)]
    return [loss]


def _facts(loss):
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return LossFacts(loss, "custom")
    if isinstance(loss, keras.losses.Loss):
        return _facts_of_object(loss)
    keywords = {}
    while isinstance(loss, functools.partial):
        keywords = loss.keywords | keywords
        loss = loss.func
    name = getattr(loss, "__name__", type(loss).__name__)
    if loss is not getattr(keras.losses, name, None):
        return LossFacts(name, "custom")
    return LossFacts(name, _kind(name), bool(keywords.get("from_logits", False)))


def _facts_of_object(loss):
    reduction = loss.reduction or "none"
    for cls in type(loss).__mro__:
        if cls is keras.losses.Loss or cls is not getattr(
            keras.losses, cls.__name__, None
        ):
            continue
        name = _snake(cls.__name__)
        from_logits = bool(getattr(loss, "from_logits", None) or _config(loss))
        return LossFacts(name, _kind(name), from_logits, reduction)
    # A plain function that `compile` of Keras or the user wrapped.
    function = getattr(loss, "fn", None)
    if function is not None:
        inner = _facts(function)
        return dataclasses.replace(inner, reduction=reduction)
    return LossFacts(type(loss).__name__, "custom", reduction=reduction)


def _config(loss):
    try:
        return loss.get_config().get("from_logits", False)
    except (NotImplementedError, TypeError):
        return False


def _snake(name):
    name = name.replace("KLDivergence", "KlDivergence").replace("CTC", "Ctc")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _kind(name):
    kinds = {"probability": PROBABILITY, "value": VALUE, "hinge": HINGE}
    return next((kind for kind, names in kinds.items() if name in names), "custom")
