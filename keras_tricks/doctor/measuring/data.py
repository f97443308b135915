"""The rows that `fit` would be given, read without changing them."""

import dataclasses
import math
import time

import keras
import numpy as np

ROWS = 10_000
BYTES = 2**28
# Reading a dataset is bounded: the doctor looks at a part of a large one.
DATASET_ROWS = 2048
DATASET_SECONDS = 3.0


@dataclasses.dataclass
class Data:
    """Rows of a data set, in its own order.

    Attributes:
        x: Inputs, nested as given, of NumPy arrays.
        y: Targets, nested as given, or None.
        weight: Sample weights or None.
        size: Number of rows of the whole set, or None if unknown.
        batch_size: Rows in a batch of a dataset; None for arrays.
        not_finite: `{place: number of values}` over all rows that were read.
    """

    x: object
    y: object
    weight: object
    size: int | None
    batch_size: int | None = None
    not_finite: dict = dataclasses.field(default_factory=dict)

    @property
    def inputs(self):
        """The arrays of x in a list."""
        return leaves(self.x)

    @property
    def targets(self):
        """The arrays of y in a list."""
        return leaves(self.y)

    @property
    def weights(self):
        """The arrays of the sample weights in a list."""
        return leaves(self.weight)

    @property
    def batched(self):
        """Whether the rows came in batches, from a dataset."""
        return self.batch_size is not None

    @property
    def rows(self):
        """Number of rows at hand."""
        return len(self.inputs[0])

    def take(self, chosen):
        """Return `(x, y, weight)` of some rows."""
        return tuple(map_leaves(lambda a: a[chosen], s) for s in self.structure)

    @property
    def structure(self):
        """All of it as `(x, y, weight)`."""
        return self.x, self.y, self.weight


@dataclasses.dataclass(frozen=True)
class Plan:
    """What `fit` would do with the data.

    Attributes:
        batch_size: Rows of one step.
        epochs: Number of epochs.
        first_epoch: Number of the first of them.
        steps_per_epoch: Batches of an epoch, or None if unknown.
        shuffle: Whether `fit` shuffles arrays.
        class_weight: As given to `fit`.
        validation_split: As given to `fit`.
        callbacks: As given to `fit`, in a list.
    """

    batch_size: int
    epochs: int
    steps_per_epoch: int | None
    shuffle: bool
    class_weight: dict | None
    validation_split: float
    callbacks: list
    first_epoch: int = 0

    @property
    def steps(self):
        """Number of all steps, or None if unknown."""
        return self.steps_per_epoch and self.steps_per_epoch * self.epochs


def read(x, y=None, sample_weight=None, name="x"):
    """Return the `Data` of arrays, a tf.data dataset or a PyDataset."""
    if _is_arrays(x):
        return _read_arrays((x, y, sample_weight), name)
    if y is not None or sample_weight is not None:
        raise ValueError(
            f"`y` and `sample_weight` go with arrays; a dataset yields (x, y) or "
            f"(x, y, sample_weight) itself. Received: {name}={x!r} and one of them."
        )
    if isinstance(x, keras.utils.PyDataset):
        batches = (x[index] for index in range(x.num_batches or DATASET_ROWS))
        return _read_batches(batches, x.num_batches, name)
    once = hasattr(x, "__next__") or isinstance(x, (str, bytes))
    if hasattr(x, "__iter__") and not once:
        return _read_batches(iter(x), _length(x), name)
    raise TypeError(
        f"`{name}` must be arrays, a tf.data.Dataset, a PyDataset or another iterable "
        "that can be read twice; a generator would lose the batches that are read "
        f"here. Received: {name}={x!r}."
    )


def split(data, validation_split):
    """Return `(head, tail)` where `fit` cuts, which takes the tail unshuffled."""
    if not 0 < validation_split < 1:
        raise ValueError(
            "`validation_split` must be between 0 and 1. Received: "
            f"validation_split={validation_split!r}."
        )
    at = math.floor(data.rows * (1 - validation_split))
    size = math.floor(data.size * (1 - validation_split))
    parts = slice(None, at), slice(at, None)
    head, tail = (Data(*data.take(part), None, None) for part in parts)
    head.size, tail.size = size, data.size - size
    head.not_finite = data.not_finite
    return head, tail


def leaves(structure):
    """Return the arrays of a nested structure."""
    return [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]


def map_leaves(function, structure):
    """Apply a function to the arrays of a nested structure."""
    return keras.tree.map_structure(
        lambda leaf: None if leaf is None else function(leaf), structure
    )


def _read_arrays(structure, name):
    names = (name, "y" if name == "x" else f"{name} (y)", "sample_weight")
    arrays = tuple(map_leaves(_array, part) for part in structure)
    lengths = {len(leaf) if leaf.ndim else 0 for leaf in leaves(arrays)}
    if len(lengths) != 1 or 0 in lengths:
        shapes = [leaf.shape for leaf in leaves(arrays)]
        raise ValueError(
            f"`{name}`, `y` and `sample_weight` must have the same number of rows, at "
            f"least 1. Received: arrays of shapes {shapes}."
        )
    size = lengths.pop()
    bad = _not_finite(names, arrays)
    bytes_of_row = sum(leaf.nbytes for leaf in leaves(arrays)) / size
    rows = int(min(size, ROWS, max(64, BYTES // max(bytes_of_row, 1))))
    if rows < size:
        chosen = np.linspace(0, size - 1, rows).astype(int)
        arrays = tuple(map_leaves(lambda leaf: leaf[chosen], part) for part in arrays)
    return Data(*arrays, size, None, bad)


def _read_batches(batches, length, name):
    read, started, rows = [], time.perf_counter(), 0
    for batch in batches:
        unpacked = keras.utils.unpack_x_y_sample_weight(batch)
        read.append(tuple(map_leaves(_array, part) for part in unpacked))
        rows += len(leaves(read[-1])[0])
        if rows >= DATASET_ROWS or time.perf_counter() - started > DATASET_SECONDS:
            break
    if not read:
        raise ValueError(f"`{name}` yields no batch.")
    batch_size = len(leaves(read[0])[0])
    joined = tuple(
        keras.tree.map_structure(
            lambda *parts: None if parts[0] is None else np.concatenate(parts),
            *(batch[part] for batch in read),
        )
        for part in range(3)
    )
    size = length and length * batch_size
    names = (name, f"{name} (y)", "sample_weight")
    return Data(*joined, size, batch_size, _not_finite(names, joined))


def _array(leaf):
    array = np.asarray(keras.ops.convert_to_numpy(leaf))
    # As in `fit`: NumPy's float64 is cast, no other type.
    return array.astype(keras.config.floatx()) if array.dtype == "float64" else array


def _not_finite(names, structure):
    found = {}
    for name, part in zip(names, structure, strict=True):
        arrays = leaves(part)
        for index, leaf in enumerate(arrays):
            if leaf.dtype.kind != "f":
                continue
            blocks = (leaf[i : i + 4096] for i in range(0, len(leaf), 4096))
            count = sum(int((~np.isfinite(block)).sum()) for block in blocks)
            if count:
                found[name if len(arrays) == 1 else f"{name}[{index}]"] = count
    return found


def _is_arrays(x):
    found = leaves(x)
    return bool(found) and all(hasattr(leaf, "shape") for leaf in found)


def _length(dataset):
    try:
        length = len(dataset)
    except TypeError:
        return None
    return length if length > 0 else None
