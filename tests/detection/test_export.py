import keras
import numpy as np
import pytest

import keras_tricks as kt

SIZE = 64
tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="exports through TensorFlow"
)


def to_numpy(found):
    return {key: keras.ops.convert_to_numpy(value) for key, value in found.items()}


def assert_same_objects(found, expected):
    found, expected = to_numpy(found), to_numpy(expected)
    assert found.keys() == expected.keys() == {"boxes", "scores", "classes"}
    np.testing.assert_array_equal(found["classes"], expected["classes"])
    np.testing.assert_allclose(found["scores"], expected["scores"], atol=1e-5)
    np.testing.assert_allclose(found["boxes"], expected["boxes"], atol=1e-3)


def assert_some_were_dropped(found, without):
    """Compare with an IoU of 1, where no box is dropped."""
    assert (found["scores"] < without["scores"]).any()


@pytest.fixture(scope="module")
def crowd():
    """Codes and logits of 60 anchors in 2 images, boxes that overlap, and images."""
    random = np.random.default_rng(0)
    anchors = random.uniform((0.3, 0.3, 0.2, 0.2), 0.6, (60, 4))
    codes = random.normal(size=(2, 60, 4)).astype("float32")
    logits = random.normal(size=(2, 60, 4)).astype("float32") * 3
    return anchors, codes, logits, np.zeros((2, 40, 30, 3), "float32")


@pytest.fixture(scope="module")
def decoder(crowd):
    def build(iou_threshold):
        inputs = {
            "boxes": keras.Input((60, 4), name="boxes"),
            "classes": keras.Input((60, 4), name="classes"),
            "images": keras.Input((40, 30, 3), name="images"),
        }
        decode = kt.detection.DecodeDetections(
            crowd[0],
            iou_threshold=iou_threshold,
            max_detections=20,
            candidates=90,
        )
        return keras.Model(inputs, decode(inputs, inputs["images"]))

    data = dict(zip(("boxes", "classes", "images"), crowd[1:], strict=True))
    expected = build(0.3).predict(data, verbose=0)
    assert_some_were_dropped(expected, build(1.0).predict(data, verbose=0))
    return build(0.3), data, expected


def test_decoding_is_the_same_after_saving(decoder, tmp_path):
    model, data, expected = decoder
    model.save(tmp_path / "decoder.keras")
    loaded = keras.models.load_model(tmp_path / "decoder.keras")
    assert_same_objects(loaded(data), expected)


@tensorflow_only
def test_decoding_is_the_same_in_a_saved_model(decoder, tmp_path):
    import tensorflow as tf

    model, data, expected = decoder
    model.export(tmp_path / "decoder", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "decoder")
    assert_same_objects(loaded.serve(data), expected)
    one = {key: value[1:] for key, value in data.items()}
    assert_same_objects(
        loaded.serve(one), {key: value[1:] for key, value in expected.items()}
    )


def test_calling_a_detector_does_not_train_its_batch_norms():
    model = kt.detection.SSDMobileNetV2(num_classes=1, image_size=32, alpha=0.1)
    norms = [v for v in model.non_trainable_variables if "moving" in v.path]
    before = [keras.ops.convert_to_numpy(v).copy() for v in norms]
    model.detector()(np.full((1, 40, 40, 3), 200.0, "float32"))  # `training` not said
    assert len(norms) > 100
    for variable, value in zip(norms, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)


@pytest.fixture(scope="module")
def images():
    coarse = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3))
    return coarse.repeat(SIZE // 4, 1).repeat(SIZE // 4, 2).astype("float32")


@pytest.fixture(scope="module")
def detector(images):
    """Return a detector of many objects that overlap, and what it finds."""
    model = kt.detection.SSDMobileNetV2(num_classes=3, image_size=SIZE, alpha=0.35)
    for layer in model.layers:
        if layer.name.endswith("_predict"):
            layer.kernel.assign(8 * layer.kernel)
            layer.bias.assign(0 * layer.bias)
    for _ in range(12):  # statistics of the batch norms
        model(images, training=True)
    whole = model.detector(image_size=SIZE)
    expected = whole.predict(images, verbose=0)
    without = model.detector(image_size=SIZE, iou_threshold=1.0)
    assert_some_were_dropped(expected, without.predict(images, verbose=0))
    return whole, expected


@pytest.mark.slow
def test_a_detector_is_the_same_after_saving(detector, images, tmp_path):
    model, expected = detector
    model.save(tmp_path / "detector.keras")
    loaded = keras.models.load_model(tmp_path / "detector.keras")
    assert_same_objects(loaded.predict(images, verbose=0), expected)


@pytest.mark.slow
@tensorflow_only
def test_a_detector_is_the_same_in_a_saved_model(detector, images, tmp_path):
    import tensorflow as tf

    model, expected = detector
    model.export(tmp_path / "detector", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "detector")  # owns the variables
    assert_same_objects(loaded.serve(images), expected)
    one = {key: value[:1] for key, value in expected.items()}
    assert_same_objects(loaded.serve(images[:1]), one)


@pytest.mark.slow
@tensorflow_only
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_detector_is_the_same_in_litert(detector, images, tmp_path, dtype):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    import tensorflow as tf

    model, expected = detector
    path = str(tmp_path / "detector.tflite")
    model.export(
        path,
        format="litert",
        verbose=False,
        input_signature=[
            keras.InputSpec(dtype, shape=(None, SIZE, SIZE, 3), name="images")
        ],
        target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
    )
    run = interpreter.Interpreter(path).get_signature_runner()
    given = images.astype(dtype)
    one = {key: value[:1] for key, value in expected.items()}
    assert_same_objects(run(images=given[:1]), one)
    assert_same_objects(run(images=given), expected)


@pytest.mark.slow
@tensorflow_only
@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
def test_a_detector_is_the_same_in_onnx(detector, images, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    model, expected = detector
    path = str(tmp_path / "detector.onnx")
    model.export(path, format="onnx", verbose=False)
    session = runtime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    for count in (1, 3):
        found = session.run(None, {"images": images[:count]})
        some = {key: value[:count] for key, value in expected.items()}
        assert_same_objects(dict(zip(names, found, strict=True)), some)
