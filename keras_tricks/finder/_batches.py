"""Batches without end, from any data that `fit` takes."""

import keras
import numpy as np
from keras import ops


def endless_batches(x, y=None, sample_weight=None, batch_size=32):
    """Yield `(x, y, sample_weight)`; data that end begin anew.

    Arrays and a `PyDataset` are shuffled by a generator of our own, as `fit` does:
    classes in sequence would make a curve of their own. Other data keep their order.
    """
    arrays = (x, y, sample_weight)
    if _is_arrays(x):
        read = _ArrayReader(arrays, batch_size)
    elif y is not None or sample_weight is not None:
        raise ValueError(
            "`y` and `sample_weight` go with arrays; other data yield (x, y) or "
            f"(x, y, sample_weight) themselves. Received: x={x!r} and one of them."
        )
    elif isinstance(x, keras.utils.PyDataset):
        read = _PyDatasetReader(x)
    elif hasattr(x, "__iter__"):
        read = x
    else:
        raise TypeError(
            "`x` must be arrays, a dataset or another iterable of batches. "
            f"Received: x={x!r}."
        )
    return _endless(read)


def _endless(read):
    count = 0
    while True:
        known = count
        for batch in read:
            yield keras.tree.map_structure(
                _backend_array, keras.utils.unpack_x_y_sample_weight(batch)
            )
            count += 1
        if count == known:
            raise ValueError(
                f"`x` ended after {count} batches and could not be read again. Give "
                "arrays or a dataset, which can, a longer generator, or fewer `steps`."
            )


class _ArrayReader:
    def __init__(self, arrays, batch_size):
        self.arrays = _map(np.asarray, arrays)
        lengths = {len(leaf) for leaf in _leaves(self.arrays)}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                "`x`, `y` and `sample_weight` must have the same number of examples, "
                f"at least 1. Received: lengths {sorted(lengths)}."
            )
        self.length = lengths.pop()
        self.batch_size = min(batch_size, self.length)
        self.rng = np.random.default_rng(0)

    def __iter__(self):
        order = self.rng.permutation(self.length)
        # A smaller last batch would be noisier, and a new shape to compile.
        for begin in range(0, self.length - self.batch_size + 1, self.batch_size):
            chosen = order[begin : begin + self.batch_size]
            yield _map(lambda leaf: leaf[chosen], self.arrays)  # noqa: B023


class _PyDatasetReader:
    def __init__(self, dataset):
        self.dataset = dataset
        self.rng = np.random.default_rng(0)

    def __iter__(self):
        # By index: iterating is not part of the interface, `on_epoch_end` changes it.
        for index in self.rng.permutation(self.dataset.num_batches):
            yield self.dataset[int(index)]


def _backend_array(leaf):
    """Return a leaf as what every backend's training step takes."""
    if leaf is None or ops.is_tensor(leaf):
        return leaf
    array = np.asarray(leaf)
    # As in `fit`: NumPy's float64 is cast, no other type.
    return array.astype(keras.config.floatx()) if array.dtype == "float64" else array


def _is_arrays(x):
    return all(hasattr(leaf, "shape") for leaf in _leaves(x))


def _map(function, structure):
    return keras.tree.map_structure(
        lambda leaf: None if leaf is None else function(leaf), structure
    )


def _leaves(structure):
    return [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]
