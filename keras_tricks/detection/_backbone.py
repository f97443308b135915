"""MobileNetV2 as the trunk of a detector, with weights from any place."""

import os

import keras
import numpy as np

# Keras 3.15.1 has 0.999: the statistics then need thousands of steps to follow, and a
# network trained for hundreds is at chance in `evaluate` while its training looks fine.
_MOMENTUM = 0.9
FEATURES = ("block_13_expand_relu", "out_relu")  # strides 16 and 32


def mobile_net_v2(images, alpha, weights, freeze_batch_norm):
    """Return the features of raw images at strides 16 and 32: two symbolic tensors."""
    _check_weights(weights)
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescaling")(images)
    published = weights if weights == "imagenet" else None
    body = keras.applications.MobileNetV2(
        input_tensor=scaled, alpha=alpha, include_top=False, weights=published
    )
    for layer in body.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
            layer.trainable = not freeze_batch_norm
    if weights is not None and weights != "imagenet":
        _load(body, weights)
    return [body.get_layer(name).output for name in FEATURES]


def _check_weights(weights):
    if weights not in (None, "imagenet") and not os.path.isfile(weights):
        raise ValueError(
            "`weights` must be None, 'imagenet' or the path of a file. "
            f"Received: weights={weights!r}, which does not exist."
        )


def _load(body, path):
    if str(path).endswith(".npz"):
        _load_arrays(body, np.load(path), path)
    else:
        body.load_weights(path)


def _load_arrays(body, arrays, path):
    for layer in body.layers:
        for variable in layer.weights:
            names = [
                f"{layer.name}/{prefix}{variable.name}" for prefix in ("", "depthwise_")
            ]
            found = [arrays[name] for name in names if name in arrays]
            if not found or found[0].shape != tuple(variable.shape):
                came = f"shape {found[0].shape}" if found else "nothing of that name"
                raise ValueError(
                    f"`weights` must have {names[0]} of shape {tuple(variable.shape)}. "
                    f"Received: {came} in {path!r}."
                )
            variable.assign(found[0])
