"""The losses of a detector on several devices."""

import subprocess
import sys
import textwrap

import keras
import pytest

# Devices are divided before TensorFlow begins: in a process of its own.
TWO_DEVICES = """
    import sys; sys.path[:0] = {path!r}
    import keras, numpy as np, tensorflow as tf
    import keras_tricks as kt

    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    random = np.random.default_rng(0)
    x = random.normal(size=(8, 9, 3)).astype("float32")  # 8 images, 9 anchors
    # The first device gets many matched anchors, the second few or none.
    classes = np.where(random.random((8, 9)) < 0.8, random.integers(0, 2, (8, 9)), -1)
    classes[2:4], classes[6], classes[7, 1:] = -1, -1, -1
    boxes = np.concatenate([random.normal(size=(8, 9, 4)), classes[..., None] >= 0], -1)
    targets = {{"boxes": boxes.astype("float32"), "classes": classes.astype("int32")}}
    data = tf.data.Dataset.from_tensor_slices((x, targets)).batch(4)

    def train(classes):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((9, 3))
        codes = keras.layers.Dense(4, name="boxes")(inputs)
        logits = keras.layers.Dense(3, name="classes")(inputs)
        model = keras.Model(inputs, {{"boxes": codes, "classes": logits}})
        loss = {{"boxes": kt.detection.BoxLoss(), "classes": classes}}
        model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
        history = model.fit(data, epochs=2, shuffle=False, verbose=0).history
        return [*history.values(), *model.get_weights()]

    for classes in (
        kt.detection.HardNegativeCrossentropy(), kt.detection.FocalCrossentropy()
    ):
        alone = train(classes)
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            together = train(classes)
        for one, two in zip(alone, together, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
"""


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute")
def test_two_replicas_learn_what_one_device_does():
    code = textwrap.dedent(TWO_DEVICES.format(path=sys.path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
