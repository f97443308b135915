import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The suite runs in two processes: threads of each would wait for those of the other.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import keras
import pytest


@pytest.fixture(autouse=True)
def _fresh_keras():
    """Every test starts from the same random state, names and settings."""
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session(free_memory=False)


@pytest.fixture(scope="session")
def timm():
    """Import timm, also where torchvision's compiled operations cannot be loaded."""
    import importlib

    import torch

    names = ("roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool", "deform_conv2d")
    backward = [f"_{name}_backward" for name in names]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in (*names, *backward, "nms", "qnms", "qroi_align"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor x) -> Tensor")
    for module in ("data.mixup", "loss", "scheduler"):
        importlib.import_module(f"timm.{module}")
    return importlib.import_module("timm")
