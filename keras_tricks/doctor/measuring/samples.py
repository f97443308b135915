"""Arithmetic over the rows of a data set; what it means is for the rules to judge."""

import itertools

import keras
import numpy as np
from keras import ops

IMAGES = 64


def digests(arrays):
    """Return the hash of each row, the number of rows by hash."""
    flat = [np.ascontiguousarray(a.reshape(len(a), -1)) for a in arrays]
    found = {}
    for row in zip(*flat, strict=True):
        key = hash(b"".join(part.tobytes() for part in row))
        found[key] = found.get(key, 0) + 1
    return found


def overlap(train, other):
    """Return `(share, repeated)` of two sets of inputs.

    The share is that of the rows of `other` that are in `train`; `repeated` that of
    the rows of `train` that are there more than once.
    """
    mine = digests([array.astype("float32") for array in train])
    theirs = digests([array.astype("float32") for array in other])
    shared = sum(count for key, count in theirs.items() if key in mine)
    repeated = sum(count for count in mine.values() if count > 1)
    return shared / sum(theirs.values()), repeated / sum(mine.values())


def roughness(images):
    """Return how unlike neighbours are, along the rougher of height and width.

    1 is as unlike as any two values of one image; the same values in another order
    have the same unit. Shape `(images, height, width, channels)`.
    """
    flat = images.reshape(len(images), -1)
    shuffled = np.random.default_rng(0).permutation(flat.shape[1])
    unit = np.abs(flat - flat[:, shuffled]).mean() or 1.0
    steps = [np.abs(np.diff(images, axis=axis)).mean() for axis in (1, 2)]
    return float(max(steps) / unit)


def row_orders(array):
    """Yield `(cure, rows)`: other readings of all rows, if they were scrambled too."""
    sizes = array.shape
    count, inner = sizes[0], range(1, array.ndim)
    for order in itertools.permutations(range(array.ndim)):
        # Rows first is no other reading of the rows.
        if array.ndim > 3 or order[0] == 0:
            continue
        shape = [sizes[axis] for axis in order]
        back = [order.index(axis) for axis in (0, *inner)]
        read = ", ".join(map(str, shape)).replace(str(count), "-1", 1)
        transpose = ", ".join(map(str, back))
        cure = f"x.reshape({read}).transpose({transpose})"
        yield cure, array.reshape(shape).transpose(back)


def some(rows):
    """Return at most `IMAGES` rows, evenly spaced."""
    return rows[:: -(-len(rows) // IMAGES)]


def orders(images, whole=False):
    """Yield `(cure, images)`: what the same numbers are if read in another order.

    Args:
        images: Array `(images, height, width, channels)`.
        whole: Whether these are all the rows, so that the rows may be scrambled too.
    """
    count, height, width, channels = images.shape
    few = some(images)
    if channels > 1:
        read = few.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
        yield (
            f"x.reshape(-1, {channels}, {height}, {width}).transpose(0, 2, 3, 1)",
            read,
        )
    if height != width:
        yield (
            f"x.reshape(-1, {width}, {height}, {channels}).transpose(0, 2, 1, 3)",
            (few.reshape(-1, width, height, channels)),
        )
        if channels > 1:
            read = few.reshape(-1, channels, width, height).transpose(0, 3, 2, 1)
            yield (
                f"x.reshape(-1, {channels}, {width}, {height}).transpose(0, 3, 2, 1)",
                read,
            )
    if whole:
        read = images.reshape(height, width, channels, count)
        read = read[..., :: -(-count // IMAGES)]
        yield (
            f"x.reshape({height}, {width}, {channels}, -1).transpose(3, 0, 1, 2)",
            read.transpose(3, 0, 1, 2),
        )


def varied(array):
    """Return for each column whether it differs from row to row."""
    flat = array.reshape(len(array), -1)
    return np.any(flat != flat[:1], 0)


def correlations(table, target):
    """Return the correlation of each column with a vector, 0 for constants."""
    table = table.astype("float64") - table.mean(0, dtype="float64")
    target = target.astype("float64") - target.mean(dtype="float64")
    size = np.sqrt((table**2).sum(0) * (target**2).sum())
    return np.where(size > 0, target @ table / np.maximum(size, 1e-300), 0)


def embedded(evidence):
    """Return the Embedding that each input goes straight into, `{index: layer}`."""
    graph, count = evidence.graph, len(evidence.data.inputs)
    if graph is None or len(evidence.model.inputs) != count:
        return {}
    keys = {((), id(input_tensor(evidence, index))): index for index in range(count)}
    return {
        keys[call.inputs[0]]: call.operation
        for call in graph.calls
        if isinstance(call.operation, keras.layers.Embedding) and call.inputs[0] in keys
    }


def class_distance(classes, others):
    """Return the share of others without a like, and how far the shares differ."""
    values = np.union1d(classes, others)
    mine, theirs = ((part[:, None] == values).mean(0) for part in (classes, others))
    return float(theirs[mine == 0].sum()), float(np.abs(mine - theirs).sum() / 2)


def shuffled_distance(classes, others, times=20):
    """Return the largest `class_distance` of the same rows in random order."""
    rng, together = np.random.default_rng(0), np.concatenate([classes, others])
    found = [
        class_distance(*np.split(rng.permutation(together), [len(classes)]))
        for _ in range(times)
    ]
    return tuple(float(value) for value in np.max(found, 0))


def value_distance(values, others):
    """Return the largest distance of the cumulative distributions, in [0, 1]."""
    values, others = np.sort(values), np.sort(others)
    every = np.concatenate([values, others])
    shares = [np.searchsorted(a, every, "right") / len(a) for a in (values, others)]
    return float(np.abs(shares[0] - shares[1]).max())


def within(array):
    """Return deviation and farthest value from the mean of the median column.

    Columns that do not vary are left out.
    """
    flat = array.reshape(len(array), -1)
    away = np.abs(flat - flat.mean(0, dtype="float64"))[:, varied(array)]
    if not away.size:
        return 0.0, 0.0
    return float(np.median(np.sqrt((away**2).mean(0)))), float(np.median(away.max(0)))


def as_scaled(evidence, index, rows):
    """Return rows of an input after the model's own scaling, and its last layer.

    The layer is None where the model scales nothing before its first weights.
    """
    model, graph = evidence.model, evidence.graph
    if graph is None or len(model.inputs) != len(evidence.data.inputs):
        return rows, None
    key, last = ((), id(input_tensor(evidence, index))), None
    for call in graph.calls:
        kind = type(call.operation).__name__
        if key not in call.inputs:
            continue
        if kind in ("Rescaling", "Normalization") or _only_maps(call):
            rows, last = ops.convert_to_numpy(call.operation(rows)), call.operation
        elif kind not in ("Reshape", "Flatten", "Identity", "InputLayer"):
            break
        key = call.outputs[0]
    return rows, last


def _only_maps(call):
    """Whether a call maps each value by itself, as a squash, a division, a Lambda."""
    layer, plain = call.operation, len(call.inputs) == 1 == len(call.outputs)
    known = type(layer).__name__ in ("Reshape", "Flatten", "Identity", "InputLayer")
    if not isinstance(layer, keras.Layer) or layer.variables or known or not plain:
        return False
    return call.input_shapes[0] == call.output_shapes[0]


def input_tensor(evidence, index):
    """Return the model's input that one of the arrays goes to."""
    inputs, x = evidence.model.inputs, evidence.data.x
    if not isinstance(x, dict):
        return inputs[index]
    name = sorted(x)[index]  # in which order leaves are taken
    return next((tensor for tensor in inputs if tensor.name == name), inputs[index])


def place(name, index, count):
    """Return the name of one of several arrays."""
    return name if count == 1 else f"{name}[{index}]"


def spread(array):
    """Return `{name: number}`: mean, std and the range that holds all but 1 %."""
    values = array.reshape(-1)[:: max(1, array.size // 1_000_000)].astype("float64")
    low, high = np.percentile(values, [0.5, 99.5])
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "low": float(low),
        "high": float(high),
        "min": float(values.min()),
        "max": float(values.max()),
    }
