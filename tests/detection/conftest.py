import keras
import pytest
from boxes_in_plain_python import greedy


@pytest.fixture
def jit():
    """Compile a function with XLA, where the backend has it."""
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no XLA here")
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit
    import tensorflow as tf

    return lambda function: tf.function(function, jit_compile=True)


@pytest.fixture
def torchvision(timm, monkeypatch):
    """Torchvision with the plain greedy loop where its compiled one does not load.

    The fixture `timm` has made it importable.
    """
    import torch
    import torchvision

    def nms(boxes, scores, iou_threshold):
        order = torch.argsort(scores, descending=True, stable=True)
        kept = greedy(boxes[order].double().tolist(), iou_threshold)
        return order[torch.tensor(kept, dtype=bool)]

    if not torchvision.extension._has_ops():
        monkeypatch.setattr(torchvision.ops.boxes, "nms", nms)
    return torchvision
