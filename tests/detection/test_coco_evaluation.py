import keras
import numpy as np
import pytest

import keras_tricks as kt

Evaluation = kt.detection.CocoEvaluation
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 8, 6, 3)).astype("uint8")
TRUTH = {
    "boxes": np.array([[[0, 0, 4, 4], [1, 2, 6, 8]]] * 5, "float32"),
    "labels": np.array([[0, 1], [1, 0], [0, -1], [-1, -1], [1, 1]]),
}


class Detector(keras.Sequential):
    """A classifier that finds, in every image, the first object of the truth."""

    def __init__(self):
        super().__init__(
            [
                keras.Input((8, 6, 3)),
                keras.layers.Flatten(),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.5, seed=1),
                keras.layers.Dense(2),
            ]
        )

    def predict(self, x, **arguments):
        scores = super().predict(x, **arguments)
        boxes = np.repeat(TRUTH["boxes"][:1, :1], len(scores), 0)
        classes = np.zeros((len(scores), 1), int)
        return {"boxes": boxes, "scores": scores[:, :1], "classes": classes}


def train(*callbacks):
    keras.utils.set_random_seed(3)
    model = Detector()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    x, y = IMAGES.astype("float32"), np.arange(5) % 2
    arguments = {"epochs": 2, "batch_size": 2, "verbose": 0, "validation_data": (x, y)}
    history = model.fit(x, y, callbacks=[*callbacks], **arguments)
    return history.history, model.get_weights(), np.random.rand()


@pytest.mark.slow
def test_training_is_as_without_and_those_behind_see_the_precision(tmp_path):
    callback = Evaluation((IMAGES, TRUTH))
    path = str(tmp_path / "best.weights.h5")
    checkpoint = keras.callbacks.ModelCheckpoint(
        path, "val_map50", mode="max", save_best_only=True, save_weights_only=True
    )
    history, weights, number = train(callback, checkpoint)
    without, expected, expected_number = train()
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert number == expected_number
    assert set(without) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {key: history[key] for key in without} == without
    result = callback.metric.result()
    assert result["map"] > 0
    for name in ("map", "map50", "map75", "map_small", "recall_100"):
        assert len(history[f"val_{name}"]) == 2
        assert history[f"val_{name}"][-1] == result[name]
    assert checkpoint.best == max(history["val_map50"])
    assert (tmp_path / "best.weights.h5").exists()
    # There are none of these sizes.
    assert not {"val_map_medium", "val_map_large"} & set(history)
    assert [line["objects"] for line in callback.metric.per_class().values()] == [3, 4]


def test_frequency_is_in_epochs():
    callback = Evaluation((IMAGES, TRUTH), frequency=2)
    callback.set_model(Detector())
    epochs = [{} for _ in range(4)]
    for epoch, logs in enumerate(epochs):
        callback.on_epoch_end(epoch, logs)
    assert [("val_map" in logs) for logs in epochs] == [False, True, False, True]


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        rows = slice(3 * index, 3 * index + 3)
        return IMAGES[rows], {key: value[rows] for key, value in TRUTH.items()}


def dataset():
    tf = pytest.importorskip("tensorflow")
    batch = {"images": IMAGES, "bounding_boxes": TRUTH}
    return tf.data.Dataset.from_tensor_slices(batch).batch(3)


@pytest.mark.parametrize(
    "data", [dataset, Sequence, lambda: [Sequence()[0], Sequence()[1]]]
)
@pytest.mark.slow
def test_every_kind_of_data_gives_the_same(data):
    model, results = Detector(), []
    for kind in ((IMAGES, TRUTH), data()):
        callback, logs = Evaluation(kind), {}
        callback.set_model(model)
        callback.on_epoch_end(0, logs)
        results.append(logs)
    assert results[0]["val_map"] > 0
    assert results[0] == pytest.approx(results[1])


def test_metric_may_be_given():
    metric = kt.detection.MeanAveragePrecision(class_names=["wren", "robin"])
    callback = Evaluation((IMAGES, TRUTH), metric)
    callback.set_model(Detector())
    callback.on_epoch_end(0)
    assert callback.metric is metric
    assert list(metric.per_class()) == ["wren", "robin"]


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`frequency` must be at least 1"):
        Evaluation((IMAGES, TRUTH), frequency=0)
    with pytest.raises(TypeError, match="`metric` must be a `MeanAveragePrecision`"):
        Evaluation((IMAGES, TRUTH), metric="map")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((IMAGES, TRUTH["labels"]), "not encoded for the loss"),
        ((IMAGES, {"boxes": TRUTH["boxes"], "classes": 0}), "not encoded for the loss"),
        (IMAGES[None], "not encoded for the loss"),
        ({"images": IMAGES}, "not encoded for the loss"),
        (iter([]), "`validation_data` gave no batch"),
    ],
)
def test_bad_data_is_refused(data, message):
    callback = Evaluation(data)
    callback.set_model(Detector())
    with pytest.raises(ValueError, match=message):
        callback.on_epoch_end(0, {})
