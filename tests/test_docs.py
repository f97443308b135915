"""The Python of the documentation runs as it stands."""

import pathlib
import re

import keras
import numpy as np
import pytest

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

LONG = ("augmentation", "detection", "recipes")  # seconds to trace and to compile
DOCS = sorted((pathlib.Path(__file__).parent.parent / "docs").glob("*.md"))
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.filterwarnings("ignore:.shuffle=True. was passed")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(p, id=p.name, marks=[pytest.mark.slow] * (p.stem in LONG))
        for p in DOCS
    ],
)
def test_code_of_the_documentation_runs(path):
    pytest.importorskip("matplotlib")
    x = np.random.default_rng(0).integers(0, 256, (4, 24, 20, 3)).astype("uint8")
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(5)])
    model.compile("sgd", "mse")
    names = {"keras": keras, "kt": kt, "np": np, "tf": tf, "num_classes": 5, "x": x}
    names |= {"model": model, "steps_per_epoch": 10}
    names["pictures"] = tf.data.Dataset.from_tensor_slices((x, np.arange(4)))
    names["one_hot"] = tf.data.Dataset.from_tensors((x / 255, np.eye(5)[:4]))
    names["pipeline"] = kt.layers.Pipeline([kt.layers.CutMix(5)])
    for block in BLOCK.findall(path.read_text()):
        exec(block, names)
        if "train" in names:
            next(iter(names.pop("train")))
