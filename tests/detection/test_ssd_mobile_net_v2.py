import functools

import keras
import numpy as np
import pytest
from boxes_in_plain_python import iou
from keras import ops

import keras_tricks as kt

HEIGHT, WIDTH = 64, 96
IMAGES = np.random.default_rng(0).integers(0, 256, (2, HEIGHT, WIDTH, 3))
IMAGES = IMAGES.astype("float32")
BOXES = {
    "boxes": np.array(
        [[[5, 8, 40, 50], [50, 10, 95, 60]], [[9, 9, 60, 40], [-1] * 4]], "f4"
    ),
    "labels": np.array([[1, 0], [1, -1]], "int32"),
}
MAPS = [(4, 6), (2, 3), (1, 2), (1, 1), (1, 1), (1, 1)]
COUNT = 4 * 6 * 7 + 6 * (2 * 3 + 2 + 1 + 1 + 1)


def build(num_classes=2, image_size=(HEIGHT, WIDTH), alpha=0.35, **options):
    return kt.detection.SSDMobileNetV2(num_classes, image_size, alpha, **options)


@functools.cache
def model():
    """A model that no test changes: building one takes seconds."""
    built = build()
    built.compile("sgd")
    return built


def arrays(values):
    return {key: ops.convert_to_numpy(value) for key, value in values.items()}


def test_outputs_are_codes_and_logits_of_every_anchor():
    found = arrays(model()(IMAGES))
    assert {key: value.shape for key, value in found.items()} == {
        "boxes": (2, COUNT, 4),
        "classes": (2, COUNT, 3),
    }
    assert {value.dtype.name for value in found.values()} == {"float32"}
    assert model().anchors.shape == (COUNT, 4)


def test_anchors_are_those_of_its_feature_maps():
    expected = kt.detection.ssd_anchors(MAPS, 0.15, 0.95, extra_scales=[0.075])
    np.testing.assert_array_equal(model().anchors, expected)


@pytest.mark.slow
def test_every_output_is_that_of_its_anchor():
    # A bias that only column `c` of shape `s` on map `m` has moves only those anchors.
    built = build()
    before = arrays(built(IMAGES))
    layer = built.get_layer("boxes_1_predict")
    bias = np.zeros(layer.bias.shape, "float32")
    bias[3 * 4 + 2] = 1  # the third of the codes of the fourth anchor of a cell
    layer.bias.assign(bias)
    moved = arrays(built(IMAGES))["boxes"] - before["boxes"]
    anchors, columns = np.nonzero(np.abs(moved[0]) > 0.5)
    assert set(columns) == {2}
    assert anchors.tolist() == list(range(3, 4 * 6 * 7, 7))
    layer = built.get_layer("classes_2_predict")
    layer.bias.assign(layer.bias + np.eye(6 * 3)[5 * 3 + 1])
    moved = arrays(built(IMAGES))["classes"] - before["classes"]
    anchors, columns = np.nonzero(np.abs(moved[0]) > 0.5)
    assert set(columns) == {1}
    assert anchors.tolist() == list(range(168 + 5, 168 + 36, 6))


def test_objects_are_rare_before_training_and_the_first_loss_is_small():
    outputs = model()(IMAGES)
    chances = ops.convert_to_numpy(ops.softmax(outputs["classes"]))
    assert 0.003 < 1 - chances[..., -1].mean() < 0.03
    loss = float(model().compute_loss(IMAGES, BOXES, outputs))
    assert 0 < loss < 20


def test_boxes_matched_in_the_step_cost_what_encoded_targets_do():
    outputs = model()(IMAGES)
    _, targets = model().encode_targets(IMAGES, BOXES)
    loss = model().compute_loss(IMAGES, BOXES, outputs)
    assert float(loss) == float(model().compute_loss(IMAGES, targets, outputs))
    by_parts = kt.detection.BoxLoss()(targets["boxes"], outputs["boxes"])
    by_parts += kt.detection.HardNegativeCrossentropy()(
        targets["classes"], outputs["classes"]
    )
    np.testing.assert_allclose(float(loss), float(by_parts), rtol=1e-5)


def test_it_is_invariant_to_the_order_of_boxes():
    outputs = model()(IMAGES)
    turned = {key: value[:, ::-1] for key, value in BOXES.items()}
    losses = [float(model().compute_loss(IMAGES, y, outputs)) for y in (BOXES, turned)]
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_weights_of_images_weigh_both_losses():
    outputs = model()(IMAGES)
    one = {key: value[:1] for key, value in BOXES.items()}
    losses = []
    for weights in ([2.0, 0.0], [1.0, 1.0], {"boxes": [2.0, 0], "labels": [2.0, 0]}):
        weights = keras.tree.map_structure(np.float32, weights)
        if isinstance(weights, list):
            weights = np.array(weights)
        losses.append(float(model().compute_loss(IMAGES, BOXES, outputs, weights)))
    assert losses[0] == losses[2] != losses[1]
    alone = model().compute_loss(
        IMAGES[:1], one, {key: value[:1] for key, value in outputs.items()}
    )
    _, targets = model().encode_targets(IMAGES, BOXES)
    positives = [float(ops.sum(targets["boxes"][:n, :, 4])) for n in (1, 2)]
    expected = 2 * float(alone) * positives[0] / positives[1]
    np.testing.assert_allclose(losses[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (None, "`y` must be a dict of 'boxes' and 'labels'.*type NoneType"),
        (BOXES["boxes"], "`y` must be a dict of 'boxes' and 'labels'"),
        (
            {**BOXES, "labels": BOXES["labels"] + 1},
            r"`y\['labels'\]` must be from 0 to 1, .* from 0 to 2. Do they begin at 1",
        ),
    ],
)
def test_other_targets_are_refused(y, match):
    built = model()
    built.run_eagerly = True
    with pytest.raises(ValueError, match=match):
        built.fit(IMAGES, y, verbose=0)


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (50, 33), (130, 200)])
def test_detections_lie_in_images_of_any_size(size):
    images = np.random.default_rng(0).uniform(0, 255, (2, *size, 3)).astype("float32")
    detector = model().detector(score_threshold=0.0, max_detections=7, candidates=50)
    found = arrays(detector(images))
    assert {key: value.shape for key, value in found.items()} == {
        "boxes": (2, 7, 4),
        "scores": (2, 7),
        "classes": (2, 7),
    }
    assert (found["classes"] >= 0).all()
    assert (found["boxes"] >= 0).all()
    assert (found["boxes"] <= [*size[::-1], *size[::-1]]).all()
    assert (found["boxes"].max(axis=(0, 1))[2:] > 0.6 * np.array(size[::-1])).all()


def test_the_detector_shares_the_weights():
    assert model().detector((80, 80)).count_params() == model().count_params()
    assert model().detector((80, 70)).input_shape == (None, 80, 70, 3)


@pytest.mark.slow
def test_a_sigmoid_has_no_column_of_background():
    built = build(1, 64, classifier="sigmoid", bounding_box_format="rel_xywh")
    built.compile("sgd")
    images = IMAGES[:, :, :64]
    outputs = built(images)
    assert outputs["classes"].shape[2] == 1
    chances = ops.convert_to_numpy(ops.sigmoid(outputs["classes"]))
    assert 0.003 < chances.mean() < 0.03
    assert outputs["boxes"].shape[1] == len(built.anchors)
    y = {"boxes": np.array([[[0.1, 0.2, 0.6, 0.5]]] * 2, "f4"), "labels": [[0], [-1]]}
    _, targets = built.encode_targets(images, y)
    expected = kt.detection.BoxLoss()(targets["boxes"], outputs["boxes"])
    expected += kt.detection.FocalCrossentropy()(targets["classes"], outputs["classes"])
    loss = float(built.compute_loss(images, y, outputs))
    np.testing.assert_allclose(loss, float(expected), rtol=1e-5)
    found = arrays(built.detector(score_threshold=0.0)(images))
    assert set(found["classes"].ravel()) <= {-1, 0}
    assert found["boxes"].max() <= 1 + 1e-6


def test_all_batch_norms_learn_unless_frozen():
    norms = [
        layer
        for layer in model().layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) > 50
    assert all(norm.trainable for norm in norms)
    assert {norm.momentum for norm in norms} == {0.9}


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"num_classes": 0}, ValueError, "`num_classes` must be at least 1"),
        ({"num_classes": 2.0}, TypeError, "`num_classes` must be an integer"),
        ({"image_size": 16}, ValueError, "`image_size` must be at least 32"),
        ({"image_size": (64,)}, ValueError, "`image_size` must be one integer or"),
        ({"alpha": 0}, ValueError, "`alpha` must be at least"),
        ({"classifier": "relu"}, ValueError, "`classifier` must be one of"),
    ],
)
def test_wrong_arguments_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        build(**options)


def body():
    """A MobileNetV2 whose every variable has values of its own."""
    built = keras.applications.MobileNetV2(
        (32, 32, 3), 0.35, include_top=False, weights=None
    )
    random = np.random.default_rng(0)
    for variable in built.weights:
        variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return built


def saved_body(tmp_path, kind):
    built = body()
    if kind != ".npz":
        path = tmp_path / f"body{kind}"
        (built.save_weights if kind == ".weights.h5" else built.save)(path)
        return built, path
    values = {}
    for layer in built.layers:
        for variable in layer.weights:
            deep = isinstance(layer, keras.layers.DepthwiseConv2D)
            name = "depthwise_kernel" if deep else variable.name
            values[f"{layer.name}/{name}"] = ops.convert_to_numpy(variable)
    np.savez(tmp_path / "body.npz", **values)
    return built, tmp_path / "body.npz"


@pytest.mark.slow
@pytest.mark.parametrize("kind", [".npz", ".weights.h5", ".keras"])
def test_weights_of_a_file_are_those_of_the_trunk(tmp_path, kind):
    expected, path = saved_body(tmp_path, kind)
    built = build(weights=str(path))
    count = 0
    for layer in expected.layers:
        for variable in layer.weights:
            (mine,) = [
                v
                for v in built.get_layer(layer.name).weights
                if v.name == variable.name
            ]
            np.testing.assert_array_equal(*map(ops.convert_to_numpy, (mine, variable)))
            count += 1
    assert count == len(expected.weights) > 200
    assert built.freeze_batch_norm is True
    assert not built.get_layer("bn_Conv1").trainable
    assert built.get_layer("Conv1").trainable
    assert built.get_layer("boxes_1_depthwise_norm").trainable


@pytest.mark.slow
def test_weights_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match="weights='image_net', which does not exist"):
        build(weights="image_net")
    _, path = saved_body(tmp_path, ".npz")
    with pytest.raises(
        ValueError, match=r"must have block_1_project/kernel of shape .* Received: s"
    ):
        build(alpha=0.5, weights=str(path))
    values = dict(np.load(path))
    del values["Conv_1_bn/gamma"]
    np.savez(path, **values)
    with pytest.raises(ValueError, match=r"Conv_1_bn/gamma .*nothing of that name"):
        build(weights=str(path))


@pytest.mark.slow
@pytest.mark.parametrize("classifier", ["softmax", "sigmoid"])
def test_fit_evaluate_predict_save_and_load(tmp_path, classifier):
    built = build(classifier=classifier, bounding_box_format="yxyx")
    built.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    before = float(built.compute_loss(IMAGES, BOXES, built(IMAGES)))
    history = built.fit(IMAGES, BOXES, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    evaluated = built.evaluate(IMAGES, BOXES, verbose=0)
    expected = float(built.compute_loss(IMAGES, BOXES, built(IMAGES)))
    np.testing.assert_allclose(evaluated[0], expected, rtol=1e-3)
    np.testing.assert_allclose(sum(evaluated[1:]), expected, rtol=1e-3)
    assert expected != before
    larger = np.repeat(np.repeat(IMAGES, 2, 1), 3, 2)
    found = built.predict(larger, verbose=0)
    assert found["boxes"].shape == (2, 100, 4)
    assert found["boxes"].dtype == "float32"
    built.save(tmp_path / "ssd.keras")
    again = keras.models.load_model(tmp_path / "ssd.keras")
    assert again.get_config() == {**built.get_config(), "image_size": [HEIGHT, WIDTH]}
    for mine, theirs in zip(built.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for key, value in again.predict(larger, verbose=0).items():
        np.testing.assert_allclose(value, found[key], atol=1e-3)
    np.testing.assert_array_equal(built.anchors, again.anchors)
    assert int(again.optimizer.iterations) == 2
    again.run_eagerly = True
    again.fit(IMAGES, BOXES, verbose=0)


@pytest.mark.slow
def test_a_frozen_batch_norm_keeps_its_statistics():
    built = build(freeze_batch_norm=True)
    built.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    kinds = keras.layers.BatchNormalization, keras.layers.GroupNormalization
    batch, group = (
        [layer for layer in built.layers if isinstance(layer, kind)] for kind in kinds
    )
    before = [[layer.get_weights() for layer in layers] for layers in (batch, group)]
    built.fit(IMAGES, BOXES, verbose=0)
    after = [[layer.get_weights() for layer in layers] for layers in (batch, group)]
    keras.tree.map_structure(np.testing.assert_array_equal, before[0], after[0])
    changed = [
        not np.array_equal(mine, theirs)
        for mine, theirs in zip(
            keras.tree.flatten(before[1]), keras.tree.flatten(after[1]), strict=True
        )
    ]
    assert sum(changed) > 10


@pytest.mark.slow
def test_frozen_layers_are_frozen_after_loading(tmp_path):
    built = build(freeze_batch_norm=True)
    built.get_layer("Conv1").trainable = False
    built.compile("adam")
    built.optimizer.build(built.trainable_variables)
    built.save(tmp_path / "ssd.keras")
    again = keras.models.load_model(tmp_path / "ssd.keras")
    paths = [[v.path for v in each.trainable_variables] for each in (built, again)]
    assert paths[0] == paths[1]
    assert len(again.optimizer.variables) == len(built.optimizer.variables)
    assert again.get_layer("block_1_expand").trainable


def test_antialiasing_averages_large_images():
    large = np.random.default_rng(0).normal(120, 50, (1, 8 * HEIGHT, 8 * WIDTH, 3))
    deviations = []
    for antialias in (True, False):
        detector = model().detector(antialias=antialias)
        (resize,) = [
            each for each in detector.operations if type(each).__name__ == "Resize"
        ]
        seen = ops.convert_to_numpy(resize(large.astype("float32")))
        assert seen.shape == (1, HEIGHT, WIDTH, 3)
        deviations.append(seen.std())
    assert deviations[0] < 10 < 20 < deviations[1]


@pytest.mark.slow
def test_it_trains_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    built = build()
    assert {v.dtype for v in built.output.values()} == {"float32"}
    assert built.get_layer("Conv1").compute_dtype == "bfloat16"
    built.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    losses = built.fit(IMAGES, BOXES, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    found = arrays(built.detector()(IMAGES))
    assert found["boxes"].dtype == "float32"
    assert np.isfinite(found["boxes"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("classifier", ["softmax", "sigmoid"])
def test_one_picture_is_learnt_with_the_right_classes_and_boxes(classifier):
    picture = np.full((1, HEIGHT, WIDTH, 3), 90, "float32")
    boxes = [[6, 10, 40, 52], [55, 20, 90, 44]]
    picture[0, 10:52, 6:40] = [250, 30, 30]
    picture[0, 20:44, 55:90] = [30, 30, 250]
    y = {"boxes": np.array([boxes], "float32"), "labels": np.array([[1, 0]], "int32")}
    x, y = np.repeat(picture, 4, 0), {k: np.repeat(v, 4, 0) for k, v in y.items()}
    built = build(classifier=classifier)
    built.compile(keras.optimizers.Adam(2e-3))
    import tensorflow as tf

    data = tf.data.Dataset.from_tensors((x, y)).map(built.encode_targets).repeat(120)
    built.fit(data, shuffle=False, verbose=0)
    found = {key: value[0] for key, value in built.predict(picture, verbose=0).items()}
    assert sorted(found["classes"][:2]) == [0, 1]
    assert (found["scores"][:2] > 0.5).all()
    assert found["scores"][2] < 0.5
    for label, box in ((1, boxes[0]), (0, boxes[1])):
        (place,) = np.flatnonzero(found["classes"][:2] == label)
        assert iou(found["boxes"][place], box) > 0.8
