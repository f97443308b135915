import itertools

import keras
import numpy as np
import pytest

from keras_tricks.finder._batches import endless_batches

X = np.arange(10, dtype="float32").reshape(10, 1)
Y = np.arange(10) + 100


def take(count, batches):
    return list(itertools.islice(batches, count))


def test_arrays_are_shuffled_and_repeated_in_whole_batches():
    found = take(4, endless_batches(X, Y, None, 4))
    assert [len(x) for x, _, _ in found] == [4, 4, 4, 4]
    for x, y, sample_weight in found:
        np.testing.assert_array_equal(x[:, 0] + 100, y)
        assert sample_weight is None
    first, second = (
        np.concatenate([x[:, 0] for x, _, _ in pair]) for pair in (found[:2], found[2:])
    )
    assert len(set(first)) == len(set(second)) == 8
    assert first.tolist() != sorted(first)
    assert first.tolist() != second.tolist()


def test_arrays_shorter_than_a_batch_are_one_batch():
    ((x, y, _),) = take(1, endless_batches(X, Y, None, 32))
    assert sorted(x[:, 0]) == X[:, 0].tolist()
    assert sorted(y) == Y.tolist()


def test_structures_of_arrays_keep_their_form():
    inputs = {"a": X, "b": (2 * X, None)}
    ((x, y, weight),) = take(1, endless_batches(inputs, Y, X[:, 0], 3))
    np.testing.assert_array_equal(x["b"][0], 2 * x["a"])
    assert x["b"][1] is None
    np.testing.assert_array_equal(weight, y - 100)


def test_float64_becomes_the_float_of_keras_and_nothing_else_changes():
    ((x, y, _),) = take(1, endless_batches(X.astype("float64"), Y.astype("uint8")))
    assert x.dtype == "float32"
    assert y.dtype == "uint8"


class Batches(keras.utils.PyDataset):
    @property
    def num_batches(self):
        return 5

    def __getitem__(self, index):
        return X[2 * index : 2 * index + 2], Y[2 * index : 2 * index + 2], X[:2, 0]

    def on_epoch_end(self):
        raise AssertionError("changes what the training will see")


def test_dataset_by_index_is_shuffled_and_repeated():
    found = take(15, endless_batches(Batches()))
    epochs = [[int(x[0, 0]) for x, _, _ in found[i : i + 5]] for i in (0, 5, 10)]
    assert all(sorted(epoch) == [0, 2, 4, 6, 8] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    np.testing.assert_array_equal(found[0][2], X[:2, 0])


def test_dataset_of_tensorflow_is_repeated_in_its_order():
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(5)
    found = take(3, endless_batches(dataset))
    assert [np.asarray(x)[0, 0] for x, _, _ in found] == [0, 5, 0]


def test_generator_that_ends_says_so():
    batches = endless_batches((X[:2], Y[:2]) for _ in range(3))
    assert len(take(3, batches)) == 3
    with pytest.raises(ValueError, match="ended after 3 batches and could not be read"):
        next(batches)


def test_iterable_that_yields_only_x_has_no_target():
    ((x, y, sample_weight),) = take(1, endless_batches(iter([X])))
    assert (x is X, y, sample_weight) == (True, None, None)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"same number of examples.*\[3, 10\]"):
        endless_batches(X, Y[:3])
    with pytest.raises(ValueError, match=r"at least 1. Received: lengths \[0\]"):
        endless_batches(X[:0], Y[:0])
    with pytest.raises(ValueError, match="`y` and `sample_weight` go with arrays"):
        endless_batches(iter([]), Y)
    with pytest.raises(TypeError, match=r"`x` must be arrays.*Received: x=3"):
        endless_batches(3)
