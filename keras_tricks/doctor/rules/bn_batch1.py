"""Batch normalization over one sample.

Seen: training goes nowhere, or inference gives other outputs than training.

Measured: the batch size against `SMALL`, for each batch normalization that is trained,
and the places per channel: of a vector, one sample has one value per channel.

Silent: on frozen batch normalization, on layer and group normalization, and on a last
batch of one sample among many.

Fix: `batch_size=32`, or `keras.layers.LayerNormalization()`.

Source: Wu and He, 2018: its error grows fast below 8 samples. A value less the mean of
itself is 0.
"""

import math

from keras_tricks.doctor.finding import Finding

SMALL = 4


def before(evidence):
    """Compare the batch size with what a mean needs."""
    size = evidence.plan.batch_size
    if evidence.graph is None or size >= SMALL:
        return None
    layers = [
        layer
        for layer in evidence.graph.normalizations
        if layer.kind == "BatchNormalization" and layer.layer.trainable
    ]
    if not layers:
        return None
    vectors = [layer for layer in layers if _places(evidence, layer) == 1]
    fatal = size == 1 and bool(vectors)
    chosen = (vectors if fatal else layers)[0]
    return Finding(
        name="bn-batch1",
        severity="error" if fatal or evidence.sick else "warning",
        where=chosen.name,
        evidence=f"batch_size={size} with {len(layers)} batch normalizations",
        why="The output is the offset alone, whatever comes in."
        if fatal
        else "Mean and variance of so few samples are mostly noise.",
        fix="batch_size=32, or LayerNormalization() instead",
        confidence=0.95 if fatal else 0.6,
        numbers={"batch_size": size},
    )


def _places(evidence, layer):
    for call in evidence.graph.calls:
        if layer.output in call.outputs:
            sizes = call.output_shapes[0][1:-1]
            return math.prod(size or 2 for size in sizes)
    return 1
