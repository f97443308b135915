"""The rows that `fit` would be given."""

import keras
import numpy as np
import pytest

from keras_tricks.doctor.measuring import data as _data

X = np.arange(24, dtype="float32").reshape(8, 3)
Y = np.arange(8)


def test_arrays_stay_in_order_and_form():
    weight = np.linspace(0, 1, 8)
    data = _data.read(X, Y, weight)
    assert (data.size, data.rows, data.batched) == (8, 8, False)
    np.testing.assert_array_equal(data.inputs[0], X)
    np.testing.assert_array_equal(data.targets[0], Y)
    np.testing.assert_array_equal(data.weights[0], weight.astype("float32"))
    assert data.targets[0].dtype == Y.dtype
    assert data.not_finite == {}


def test_float64_becomes_float32_as_in_fit_and_nothing_else_does():
    data = _data.read(X.astype("float64"), X.astype("float16"), Y.astype("int64"))
    kinds = [leaf.dtype for leaf in (*data.inputs, *data.targets, *data.weights)]
    assert kinds == ["float32", "float16", "int64"]


def test_tensors_are_read_as_arrays():
    data = _data.read(keras.ops.convert_to_tensor(X), keras.ops.convert_to_tensor(Y))
    np.testing.assert_array_equal(data.inputs[0], X)
    np.testing.assert_array_equal(data.targets[0], Y)


def test_nested_structures_are_kept():
    data = _data.read({"b": X, "a": (Y, X * 2)}, [Y, {"c": X}])
    x, y, weight = data.take(np.array([5, 2]))
    np.testing.assert_array_equal(x["b"], X[[5, 2]])
    np.testing.assert_array_equal(x["a"][0], [5, 2])
    np.testing.assert_array_equal(x["a"][1], 2 * X[[5, 2]])
    np.testing.assert_array_equal(y[1]["c"], X[[5, 2]])
    assert weight is None
    assert [len(data.inputs), len(data.targets), len(data.weights)] == [3, 2, 0]


def test_taking_rows_leaves_what_is_given_as_it_is():
    x = X.copy()
    data = _data.read(x, Y)
    data.take(slice(2))[0][:] = 0
    _data.read(x * np.nan, Y)
    np.testing.assert_array_equal(x[2:], X[2:])


@pytest.mark.parametrize("rows", [10_001, 25_000])
def test_many_rows_are_thinned_evenly_in_order(rows):
    ids = np.arange(rows)
    data = _data.read(ids[:, None], ids)
    kept = data.targets[0]
    assert (data.size, data.rows) == (rows, _data.ROWS)
    assert (kept[0], kept[-1]) == (0, rows - 1)
    assert set(np.diff(kept)) <= {rows // _data.ROWS, rows // _data.ROWS + 1}
    np.testing.assert_array_equal(data.inputs[0][:, 0], kept)


def test_large_rows_are_fewer(monkeypatch):
    monkeypatch.setattr(_data, "BYTES", 100 * 4 * 10)
    data = _data.read(np.zeros((1000, 10), "float32"))
    assert (data.size, data.rows) == (1000, 100)
    monkeypatch.setattr(_data, "BYTES", 1)
    assert _data.read(np.zeros((1000, 10), "float32")).rows == 64
    assert _data.read(np.zeros((7, 10), "float32")).rows == 7


def test_values_that_are_not_finite_are_counted_in_every_place():
    x, y = X.copy(), X[:, 0].copy()
    x[3, 1], x[5], y[0] = np.nan, np.inf, -np.inf
    assert _data.read(x, y).not_finite == {"x": 4, "y": 1}
    found = _data.read([X, x], Y, y, name="x").not_finite
    assert found == {"x[1]": 4, "sample_weight": 1}
    found = _data.read(x, y, name="validation_data").not_finite
    assert found == {"validation_data": 4, "validation_data (y)": 1}


def test_values_that_are_not_finite_are_counted_in_rows_that_are_not_kept(monkeypatch):
    monkeypatch.setattr(_data, "ROWS", 10)
    x = np.zeros((9000, 2), "float32")
    x[[1, 4097, 8998]] = np.nan
    data = _data.read(x)
    assert np.isfinite(data.inputs[0]).all()
    assert data.not_finite == {"x": 6}


@pytest.mark.parametrize(("share", "rows"), [(0.3, 10), (0.2, 7)])
def test_split_is_that_of_fit(share, rows):
    """`fit` trains on the head, unshuffled, and validates on the tail."""
    seen = []

    class See(keras.Model):
        def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
            seen.append((training, np.array(y).ravel().tolist()))
            return keras.ops.mean(y_pred)

        def build(self, shape):
            self.scale = self.add_weight(shape=())

        def call(self, x):
            return self.scale * x

    model = See()
    model.compile("sgd", run_eagerly=True)
    x = np.arange(rows, dtype="float32")[:, None]
    model.fit(x, x, batch_size=rows, validation_split=share, shuffle=False, verbose=0)
    parts = _data.split(_data.read(x, x), share)
    for part, (_, known) in zip(parts, (seen[0], seen[-1]), strict=True):
        assert part.targets[0].ravel().tolist() == known
        assert part.size == part.rows == len(known)


def test_split_of_thinned_rows_knows_the_whole_size(monkeypatch):
    monkeypatch.setattr(_data, "ROWS", 10)
    head, tail = _data.split(_data.read(np.arange(1000.0)[:, None]), 0.2)
    assert (head.rows, tail.rows) == (8, 2)
    assert (head.size, tail.size) == (800, 200)
    assert head.inputs[0].max() < 800 <= tail.inputs[0].min()


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_split_must_leave_both_parts(share):
    with pytest.raises(ValueError, match=f"between 0 and 1.*validation_split={share}"):
        _data.split(_data.read(X), share)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(3 * index, 3 * index + 3)
        return {"a": X[rows]}, Y[rows], Y[rows] / 7


class Iterable:
    """Batches of another library: no length, and to be read again and again."""

    def __iter__(self):
        return iter([(X[:5], Y[:5]), (X[5:], Y[5:])])


def test_batches_of_a_py_dataset_are_joined_in_order():
    data = _data.read(Batches())
    assert (data.size, data.batch_size, data.batched) == (9, 3, True)
    np.testing.assert_array_equal(data.x["a"], X)
    np.testing.assert_array_equal(data.y, Y)
    np.testing.assert_allclose(data.weight, Y / 7, rtol=1e-6)


def test_batches_of_any_iterable_are_joined_in_order():
    data = _data.read(Iterable())
    assert (data.size, data.rows, data.batch_size) == (None, 8, 5)
    np.testing.assert_array_equal(data.inputs[0], X)
    np.testing.assert_array_equal(data.targets[0], Y)


def test_batches_of_tf_data_are_joined_in_order():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    data = _data.read(dataset)
    assert (data.size, data.rows, data.batch_size) == (8, 8, 4)
    np.testing.assert_array_equal(data.inputs[0], X)
    np.testing.assert_array_equal(data.targets[0], Y)
    assert data.weights == []
    endless = _data.read(dataset.repeat())
    assert endless.size is None
    assert endless.rows == _data.DATASET_ROWS


def test_a_dataset_of_inputs_alone_has_no_targets():
    class Inputs(Iterable):
        def __iter__(self):
            return iter([X])

    assert _data.read(Inputs()).targets == []


def test_reading_batches_ends_after_some_rows(monkeypatch):
    monkeypatch.setattr(_data, "DATASET_ROWS", 5)
    assert _data.read(Batches()).rows == 6
    assert _data.read(Batches()).size == 9


def test_reading_slow_batches_ends_after_some_seconds(monkeypatch):
    monkeypatch.setattr(_data, "DATASET_SECONDS", 0)
    assert _data.read(Batches()).rows == 3


def test_a_generator_is_refused_and_not_read():
    read = []

    def generator():
        read.append(1)
        yield X, Y

    with pytest.raises(
        TypeError, match=r"can be read twice; a generator.*Received: x="
    ):
        _data.read(generator())
    assert read == []


@pytest.mark.parametrize("x", [None, 3, []])
def test_what_holds_no_rows_is_refused(x):
    with pytest.raises((TypeError, ValueError), match="x"):
        _data.read(x)


def test_rows_must_be_as_many_everywhere():
    with pytest.raises(ValueError, match=r"same number of rows.*\(8, 3\), \(7,\)"):
        _data.read(X, Y[:7])
    with pytest.raises(ValueError, match="at least 1"):
        _data.read(X[:0], Y[:0])


def test_targets_beside_a_dataset_are_refused():
    with pytest.raises(ValueError, match="a dataset yields"):
        _data.read(Batches(), Y)


def test_a_dataset_without_batches_is_refused():
    class Empty:
        def __iter__(self):
            return iter([])

    with pytest.raises(ValueError, match="`x` yields no batch"):
        _data.read(Empty())


def test_steps_of_a_plan_are_those_of_all_epochs():
    arguments = (32, 5, 7, True, None, 0.0, [])
    assert _data.Plan(*arguments).steps == 35
    assert _data.Plan(32, 5, None, True, None, 0.0, []).steps is None
