import keras
import numpy as np
import pytest

import keras_tricks as kt

count = kt.schedules.count_steps
ARRAY = np.zeros((10, 3, 2), "float32")


class Batches(keras.utils.PyDataset):
    def __init__(self, number):
        super().__init__()
        self.number = number

    @property
    def num_batches(self):
        return self.number

    def __getitem__(self, index):
        return np.ones((2, 1)), np.ones((2, 1))


def test_last_batch_may_be_smaller():
    assert count(1, 12, batch_size=4) == 3
    assert count(1, 13, batch_size=4) == 4


@pytest.mark.parametrize(
    "data", [ARRAY, [ARRAY, ARRAY[:, 0]], {"x": ARRAY}, list(range(10)), 10]
)
def test_arrays_are_counted_in_batches_of_fit(data):
    assert count(3, data, batch_size=4) == 9


def test_parts_of_an_epoch_are_rounded():
    assert count(0.1, 30, batch_size=1) == 3
    assert count(2.5, 12, batch_size=4) == 8  # 7.5, to the even number
    assert count(0, 12, batch_size=4) == 0


def test_data_in_batches_have_a_length():
    tf = pytest.importorskip("tensorflow")
    assert count(2, tf.data.Dataset.range(10).batch(4)) == 6
    assert count(2, Batches(5)) == 10
    assert type(count(2, Batches(5))) is int


def test_accumulation_goes_on_over_the_end_of_an_epoch():
    steps = count(3, Batches(3), gradient_accumulation_steps=2)
    assert steps == 4
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(gradient_accumulation_steps=2), "mse")
    model.fit(Batches(3), epochs=3, verbose=0)
    assert int(model.optimizer.iterations) == steps


class Batch(keras.optimizers.schedules.LearningRateSchedule):
    """The rate is the step."""

    def __call__(self, step):
        return keras.ops.cast(step, "float32")

    def get_config(self):
        return {}


def test_keras_counts_batches_when_it_asks_a_schedule():
    optimizer = keras.optimizers.SGD(Batch(), gradient_accumulation_steps=4)
    variable = keras.Variable([0.0])
    optimizer.build([variable])
    for _ in range(8):
        optimizer.apply([keras.ops.ones((1,))], [variable])
    rates = -keras.ops.convert_to_numpy(variable)
    np.testing.assert_array_equal(rates, [3 + 7])


def test_torch_data_loader_has_a_length():
    data = pytest.importorskip("torch.utils.data")
    assert count(2, data.DataLoader(list(range(10)), batch_size=4)) == 6


def test_unknown_length_is_refused_with_the_way_out():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.range(10)
    for endless in (data.repeat(), data.filter(lambda x: x > 3), Batches(None)):
        with pytest.raises(ValueError, match=r"no known length.*assert_cardinality"):
            count(2, endless)
    known = data.repeat().apply(tf.data.experimental.assert_cardinality(7))
    assert count(2, known) == 14


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-1, 10, 2), ValueError, "`epochs` must be at least 0"),
        (("2", 10, 2), TypeError, "`epochs` must be a number"),
        ((2, 10), ValueError, "`batch_size` is missing for 10 examples"),
        ((2, 0, 4), ValueError, "`data` must be at least 1"),
        ((2, 10.5, 4), TypeError, "`data` must be an integer.*number of examples"),
        ((2, ARRAY, 0), ValueError, "`batch_size` must be at least 1"),
        ((2, Batches(3), 4), ValueError, "comes in batches"),
        ((2, 10, 4, 0), ValueError, "`gradient_accumulation_steps` must be at least"),
        ((2, iter([1])), TypeError, "`data` must have a length in batches"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        count(*arguments)
