"""A reshape that scrambled axes: neighbours that do not belong together.

Seen: convolutions learn far worse than they should; images look like noise or like
several small pictures when they are drawn. Or: each row's output depends on the other
rows of its batch.

Measured, first that applies:

1. the change of one row's output when the other rows are replaced, in a model that
   reshapes with an operation: more than `MIXED` of the outputs' size;
2. Reshape layers before a convolution, recurrence or attention whose output has the
   sizes of their input in another order: that is what Permute is for;
3. square images with their channels first under a convolution that takes them last;
4. the difference of neighbouring pixels along height and width, over that of any two
   pixels, compared with the same numbers read in another order (channels first, height
   and width swapped, rows last). Another order must have less than `RATIO` of the
   difference, and itself less than `SMOOTH`;
5. rows of tables and sequences that know nothing of their targets (`NOTHING` standard
   deviations above permuted ones, see label-shuffle), but do (`RELATED`) when the same
   numbers are read with the rows on another axis.

Silent: for networks without convolutions (4), images with sides below `SIDE` (4),
pixels whose neighbours are no more alike in any order, as tables that are fed as
images. Transposed images are as smooth as before: that is not seen, nor does it harm.

Fix: move axes with a transpose:

    x = x.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)

Source: a reshape keeps the order of the numbers in memory, a transpose the meaning of
the axes. On photographs, digits and drawn shapes the right order has .1 to .5 of the
difference of a wrong one; `RATIO` is above, noise and tables are at 1.
"""

import math

import keras

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples
from keras_tricks.doctor.measuring.relation import relation

# What this brings about is not said again.
EXPLAINS = {"label-shuffle", "lr-low"}
MIXED = 0.01
FEWEST = 100
NOTHING = 3.0
RELATED = 8.0
RATIO = 0.6
SMOOTH = 0.6
SIDE = 8
ORDERED = ("Conv", "Depthwise", "Separable", "MultiHead", "GroupedQuery")


def before(evidence):
    """Look for rows, axes or pixels in disorder."""
    if evidence.graph is None or evidence.data.not_finite:
        return None
    return (
        _mixed_rows(evidence)
        or _swapped_sizes(evidence.graph)
        or _channels_first(evidence)
        or _pixels(evidence)
        or _scrambled_rows(evidence)
    )


def _mixed_rows(evidence):
    moving = [
        reshape.name
        for reshape in evidence.graph.reshapes
        if not isinstance(reshape.layer, keras.layers.Layer)
    ]
    mixed = evidence.start.mixed if moving else None
    if mixed is None or mixed <= MIXED:
        return None
    return Finding(
        name="bad-reshape",
        severity="error",
        where=", ".join(moving),
        evidence=f"the output of one row moves by {mixed:.0%} when the other rows of "
        "its batch are replaced",
        why="Rows are mixed inside the network, so no output belongs to its input.",
        fix="keep the batch axis first and whole: keras.layers.Reshape keeps it",
        confidence=0.8,
        numbers={"mixed": mixed},
    )


def _swapped_sizes(graph):
    for reshape in graph.reshapes:
        if reshape.kind != "Reshape" or not _meets_order(graph, reshape.layer):
            continue
        shapes = reshape.input_shape[1:], reshape.output_shape[1:]
        sizes = [[size for size in shape if size != 1] for shape in shapes]
        if None in sizes[0] + sizes[1] or sizes[0] == sizes[1]:
            continue
        if sorted(sizes[0]) != sorted(sizes[1]):
            continue
        return Finding(
            name="bad-reshape",
            severity="error",
            where=reshape.name,
            evidence=f"it turns {shapes[0]} into {shapes[1]}: the same sizes in "
            "another order, but each number stays at its place in memory",
            why="Values that were neighbours are torn apart before the next layer.",
            fix=_permute(*sizes, shapes),
            confidence=0.85,
        )
    return None


def _meets_order(graph, layer):
    """Whether the next weights after a layer mind the order of values."""
    calls = [call.operation for call in graph.calls]
    after = set(map(id, calls[calls.index(layer) + 1 :]))
    following = [f for f in graph.layers if id(f.layer) in after and f.has_kernel]
    return bool(following) and (
        following[0].is_recurrent or following[0].kind.startswith(ORDERED)
    )


def _permute(before, after, shapes):
    order, left = [], list(enumerate(before, 1))
    for size in after:
        found = next(item for item in left if item[1] == size)
        left.remove(found)
        order.append(found[0])
    permute = f"keras.layers.Permute({tuple(order)})"
    ones = any(len(shape) != len(before) for shape in shapes)
    return f"{permute}, sizes of 1 left aside" if ones else permute


def _channels_first(evidence):
    """Square images (3, size, size) under convolutions that take channels last."""
    convolutions = [f for f in evidence.graph.layers if f.kind.startswith(ORDERED[:3])]
    if not convolutions or len(evidence.data.inputs) != 1:
        return None
    shape, layer = evidence.data.inputs[0].shape[1:], convolutions[0].layer
    last = getattr(layer, "data_format", None) == "channels_last"
    image = len(shape) == 3 and shape[0] in (1, 3) and shape[1] == shape[2] >= 2 * SIDE
    moved = any(reshape.kind != "Flatten" for reshape in evidence.graph.reshapes)
    if not last or not image or moved:
        return None
    return Finding(
        name="bad-reshape",
        severity="error" if evidence.sick else "warning",
        where=layer.name,
        evidence=f"x has the shape {shape} and {layer.name} takes channels last: it "
        f"sees {shape[2]} channels of {shape[0]} by {shape[1]} pixels",
        why="The rows of the image are taken for its channels.",
        fix="x = x.transpose(0, 2, 3, 1)",
        confidence=0.8,
    )


def _pixels(evidence):
    graph = evidence.graph
    if not any(layer.kind.startswith(ORDERED[:3]) for layer in graph.layers):
        return None
    inputs = evidence.data.inputs
    for index, array in enumerate(inputs):
        images, where = array, _samples.place("x", index, len(inputs))
        if array.ndim == 2 and len(inputs) == 1:
            images, where = _reshaped(graph, array)
        if images is None or images.ndim != 4 or images.dtype.kind not in "fiu":
            continue
        whole = evidence.data.rows == evidence.data.size and images is array
        found = _judge(images, where, whole)
        if found is not None:
            return found
    return None


def _scrambled_rows(evidence):
    """Look for rows that know their targets only if they are read in another order."""
    data, tasks = evidence.data, evidence.tasks
    if len(tasks) != 1 or len(data.inputs) != 1 or data.rows != data.size:
        return None
    task, x = tasks[0], data.inputs[0]
    probed = task.classifies or task.kind == "regression"
    if not probed or task.autoencoder or data.rows < FEWEST:
        return None
    if task.classifies and len(task.labels) != data.rows:
        return None
    if not 2 <= x.ndim <= 3 or max(x.shape[1:]) == 1 or x.dtype.kind not in "fiu":
        return None
    labels = task.labels if task.classifies else None
    given = relation([x], task.target, labels).z
    if given >= NOTHING:
        return None
    found = [
        (relation([rows], task.target, labels).z, cure)
        for cure, rows in _samples.row_orders(x)
    ]
    z, cure = max(found, key=lambda one: one[0])
    if z < RELATED:
        return None
    return Finding(
        name="bad-reshape",
        severity="error",
        where="x",
        evidence=f"as rows of {x.shape[1:]} x knows nothing of y ({given:.1f} standard "
        f"deviations above permuted targets); in another order of the same numbers it "
        f"does ({z:.1f})",
        why="Each row holds numbers of many rows, so none belongs to its target.",
        fix=f"x = {cure}",
        confidence=0.95,
        numbers={"z": given, "best": z},
    )


def _reshaped(graph, array):
    """Return the images that the model makes of flat rows, and the layer's name."""
    for reshape in graph.reshapes[:1]:
        first = tuple(reshape.input_shape[1:]) == array.shape[1:]
        shape = tuple(reshape.output_shape[1:])
        known = None not in shape and math.prod(shape) == array.shape[1]
        if reshape.kind == "Reshape" and first and known and len(shape) == 3:
            return array.reshape(-1, *shape), reshape.name
    return None, ""


def _judge(images, where, whole):
    images = images.astype("float32")
    few = _samples.some(images)
    if min(images.shape[1:3]) < SIDE or not _samples.varied(few).any():
        return None
    claimed = _samples.roughness(few)
    read = [(_samples.roughness(i), cure) for cure, i in _samples.orders(images, whole)]
    if not read or claimed == 0:
        return None
    best, cure = min(read)
    if not 0 < best < min(RATIO * claimed, SMOOTH):
        return None
    return Finding(
        name="bad-reshape",
        severity="error",
        where=where,
        evidence=f"as {images.shape[1:]} neighbouring pixels differ {claimed:.2f} "
        "times as much as any two; in another order of the same numbers "
        f"{best:.2f} times",
        why="A convolution looks for patterns among neighbours, and these are none.",
        fix=f"x = {cure}",
        confidence=0.9,
        numbers={"difference": claimed, "best": best},
    )
