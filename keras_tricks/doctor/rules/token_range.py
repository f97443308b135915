"""Ids of tokens that the embedding does not know.

Seen: an error on the CPU, or zeros and NaN on a GPU; tokens that were scaled like
pixels all become token 0, and nothing is learnt.

Measured: of every input that goes straight into an Embedding: the smallest and largest
id against its `input_dim`, and whether the ids are whole numbers. An embedding casts
them to integers, which cuts fractions off.

Silent: when no input goes straight into an embedding.

Fix: count the tokens; feed ids as they are:

    keras.layers.Embedding(int(x.max()) + 1, dimensions)

Source: `keras.layers.Embedding` takes whole numbers in [0, input_dim).
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples


def before(evidence):
    """Look for ids out of range."""
    if evidence.data.not_finite:
        return None
    inputs = evidence.data.inputs
    for index, layer in _samples.embedded(evidence).items():
        ids, known = inputs[index], layer.input_dim
        low, high = ids.min(), ids.max()
        fractions = ids.dtype.kind == "f" and (ids != np.round(ids)).mean() > 0.01
        if not fractions and low >= 0 and high < known:
            continue
        name = _samples.place("x", index, len(inputs))
        whole = "not whole numbers but " if fractions else ""
        return Finding(
            name="token-range",
            severity="error",
            where=layer.name,
            evidence=f"{name} is {whole}in [{low:.4g}, {high:.4g}]; the embedding "
            f"knows the whole numbers 0 to {known - 1}",
            why="Fractions are cut off, so that different tokens become one."
            if fractions
            else "Such an id has no vector: an error, or arbitrary values.",
            fix=f"feed {name} as integer ids, without scaling"
            if fractions or low < 0
            else f"keras.layers.Embedding({int(high) + 1}, {layer.output_dim})",
            confidence=0.95,
            numbers={"low": float(low), "high": float(high), "known": known},
        )
    return None
