"""Groups of layers with a learning rate and a beginning of their own: fine-tuning."""

import re
import warnings

import keras

from keras_tricks._checks import check_integer, check_number


@keras.saving.register_keras_serializable(package="keras_tricks")
class LayerGroups:
    """Train each group of variables at its own rate and from its own step on.

    Give it to an optimizer of this package as `groups`. The optimizer's step opens the
    groups inside the compiled training step, so one `fit` with one compilation does
    what "train the head, unfreeze, compile again" does, to the same weights. (In Keras
    3.15.1, setting `trainable` from a callback has no effect on TensorFlow and fails
    on JAX.) A closed group, its slots and its share of weight decay stand still bit
    for bit. Its gradients are still computed: the first epochs are no cheaper. A group
    that opens begins like a new optimizer, so that Adam's bias correction is right.

    Moving statistics are no business of the optimizer: the batch norms of a closed
    group go on adapting them, as in PyTorch with `requires_grad = False`. Call
    `freeze_batch_norm` to keep them.

    Args:
        patterns: Regular expressions, searched in `variable.path`; the first that is
            found decides. Every trainable variable must be in a group. List of
            strings. Start none with the name of a Sequential: in Keras 3.15.1 a loaded
            one has paths without it.
        rates: Factor on the learning rate for each pattern, a list of floats of at
            least 0. `None` is 1 for all.
        starts: Optimizer step, counted from 0, at which each group begins to train, a
            list of integers. `None` instead of a step is never; `None` instead of the
            list is 0 for all.

    Raises:
        TypeError: If an argument is not a list of the kind above.
        ValueError: If a list is not as long as `patterns`, or an entry is out of its
            range.

    Example:
        >>> groups = LayerGroups(["head/", ""], rates=[1.0, 0.01], starts=[0, 500])
        >>> groups.of("head/kernel"), groups.of("conv/kernel")
        ((1.0, 0), (0.01, 500))

    Reference:
        [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146), sections 3.2 and
        3.3 (discriminative rates, gradual unfreezing).
    """

    def __init__(self, patterns, rates=None, starts=None):
        patterns = _check_patterns(patterns)
        count = len(patterns)
        self.patterns = patterns
        self.rates = [1.0] * count if rates is None else _check_rates(rates, count)
        self.starts = [0] * count if starts is None else _check_starts(starts, count)

    def of(self, path: str) -> tuple[float, int | None]:
        """Return `(rate, start)` of the variable at `path`."""
        index = self.index(path)
        return self.rates[index], self.starts[index]

    def index(self, path: str) -> int:
        """Return which of the patterns decides on the variable at `path`."""
        for index, pattern in enumerate(self.patterns):
            if re.search(pattern, path):
                return index
        raise ValueError(
            f"The variable {path!r} is in none of the groups. Add the pattern '' at "
            f"the end for all others. Received: patterns={self.patterns}."
        )

    def check(self, paths):
        """Raise for a path in no group, warn of a group without a path."""
        used = {self.index(path) for path in paths}
        for index, pattern in enumerate(self.patterns):
            if index not in used:
                warnings.warn(
                    f"LayerGroups: no trainable variable is left for {pattern!r}.",
                    stacklevel=2,
                )

    def get_config(self):
        return {"patterns": self.patterns, "rates": self.rates, "starts": self.starts}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def layer_groups(
    model: keras.Model,
    boundaries: list,
    rates: float | list[float] = 1.0,
    starts: int | list[int | None] = 0,
) -> LayerGroups:
    """Cut a model into groups of layers, from its input to its output.

    `["head"]` makes two groups: the layers before `head`, and `head` with all behind
    it. Models inside the model are opened: a boundary may be one of their layers. The
    order is that of `model.layers`. With `n` groups, published rules are:

    - fastai's `slice(lr / 100, lr)`: `rates=0.01`
    - ULMFiT: `rates=2.6 ** -(n - 1)`, `starts=[(n - 1) * epoch, ..., epoch, 0]`
    - layer-wise decay `d ** (n - 1 - i)` as in BEiT and timm: `rates=d ** (n - 1)`

    Args:
        model: A built `keras.Model`.
        boundaries: The first layer of each group but the first, in the order of the
            model: names or layers.
        rates: Factors on the learning rate. One float, at least 0, is that of the
            first group; the last has 1 and those between are spaced geometrically. Or a
            list with one float per group.
        starts: Optimizer steps at which groups begin to train. One integer is that of
            all groups but the last, which begins at once. Or a list with one per
            group; `None` in it is never.

    Returns:
        The `LayerGroups` for an optimizer of this package.

    Raises:
        TypeError: If `model` is no model or `boundaries` no list.
        ValueError: If the model is not built, a boundary is not found or out of
            order, a group has no variables, or two groups share a name.

    Example:
        >>> body = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> model = keras.Sequential([body, keras.layers.Dense(2, name="head")])
        >>> groups = layer_groups(model, ["head"], rates=0.01, starts=500)
        >>> [groups.of(variable.path) for variable in model.trainable_variables]
        [(0.01, 500), (0.01, 500), (1.0, 0), (1.0, 0)]

    Reference:
        [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146), sections 3.2 and
        3.3; [Bao et al., 2022](https://arxiv.org/abs/2106.08254), appendix
        (layer-wise decay).
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a Keras model. Received: model={model!r}.")
    if not model.weights:
        raise ValueError("`model` must be built: call it on a batch first.")
    chains = list(_chains(model))
    cuts = _cuts(_check_list("boundaries", boundaries), chains)
    last = len(cuts) - 1
    if not isinstance(rates, list | tuple):
        check_number("rates", rates, minimum=0)
        rates = [rates ** (1 - i / last) for i in range(last + 1)]
    if not isinstance(starts, list | tuple):
        starts = [starts] * last + [0]
    # The head first, and last a pattern for all that is left: the first group gets
    # what the model holds outside of its layers too, as a class token.
    members = _members(chains, cuts)[::-1]
    patterns = [_pattern(layers) for layers in members[:-1]] + [""]
    groups = LayerGroups(patterns, rates[::-1], starts[::-1])
    _verify(groups, members)
    return groups


def _check_list(name, value):
    if not isinstance(value, list | tuple):
        raise TypeError(f"`{name}` must be a list. Received: {name}={value!r}.")
    return list(value)


def _check_patterns(patterns):
    patterns = _check_list("patterns", patterns)
    if not patterns:
        raise ValueError("`patterns` must not be empty. Received: patterns=[].")
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"`patterns` must be strings. Received: {pattern!r}.")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(
                f"`patterns` must be regular expressions ({error}). "
                f"Received: {pattern!r}."
            ) from error
    return patterns


def _check_entries(name, value, count):
    value = _check_list(name, value)
    if len(value) != count:
        raise ValueError(
            f"`{name}` must have one entry for each of {count} groups. "
            f"Received: {name}={value}."
        )
    return value


def _check_rates(rates, count):
    rates = _check_entries("rates", rates, count)
    for rate in rates:
        check_number("rates", rate, minimum=0)
    return rates


def _check_starts(starts, count):
    starts = _check_entries("starts", starts, count)
    for start in starts:
        if start is not None:
            check_integer("starts", start, hint="Count optimizer steps.")
    return starts


def _chains(layer, outer=()):
    """Yield each layer that is no model, behind the models that it is in."""
    chain = (*outer, layer)
    if not isinstance(layer, keras.Model):
        yield chain
        return
    for inner in layer.layers:
        yield from _chains(inner, chain)


def _cuts(boundaries, chains):
    """Return the positions at which groups begin."""
    cuts = [0] + [_position(boundary, chains) for boundary in boundaries]
    if not boundaries or sorted(set(cuts)) != cuts:
        raise ValueError(
            "`boundaries` must be layers in the order of the model, none of them its "
            f"first. Received: boundaries={boundaries}, at the positions {cuts[1:]} of "
            f"{len(chains)} layers."
        )
    return cuts


def _position(boundary, chains):
    for position, chain in enumerate(chains):
        if any(boundary in (layer, layer.name) for layer in chain[1:]):
            return position
    names = ", ".join(chain[-1].name for chain in chains)
    raise ValueError(
        f"`boundaries` must be layers of the model. Received: {boundary!r}. "
        f"Its layers: {names}."
    )


def _members(chains, cuts):
    """Return the layers with variables of each group."""
    members = [
        [chain[-1] for chain in chains[begin:end] if chain[-1].weights]
        for begin, end in zip(cuts, [*cuts[1:], None], strict=True)
    ]
    if [] in members:
        raise ValueError(
            f"The layers of group {members.index([])} (counted from 0) have no "
            "variables. Move the boundary."
        )
    return members


def _pattern(layers):
    # No more of the path than the name of the layer: loading a saved Sequential
    # changes what is before it (Keras 3.15.1).
    names = "|".join(re.escape(layer.name) for layer in layers)
    return f"(?:^|/)(?:{names})/"


def _verify(groups, members):
    for index, layers in enumerate(members):
        for layer in layers:
            for variable in layer.weights:
                if groups.index(variable.path) != index:
                    raise ValueError(
                        f"Layers named {layer.name!r} are in two groups. Name the "
                        "layers of the model so that they differ."
                    )
