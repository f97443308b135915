"""Padding drowns the tokens of a recurrent network.

Seen: the loss stays at chance for many epochs; all rows get nearly the same output.

Measured: of token ids that go straight into an Embedding without a mask, and on into a
recurrent layer: the share of rows that end in the padding (token 0) on at least
`TAIL` of their length, more than `ROWS_SHARE` of the rows.

Silent: with `mask_zero=True` or a Masking layer; with padding in front (the default of
`pad_sequences`); without recurrent layers: pooling and convolutions mind it less.

Fix:

    keras.layers.Embedding(input_dim, dimensions, mask_zero=True)

Source: after many steps of the same token a recurrent state tends to a fixed point,
whatever came before.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples

TAIL = 0.5
ROWS_SHARE = 0.5
ROWS = 20
# A shorter run of one token is forgotten by no recurrent layer.
LENGTH = 20


def before(evidence):
    """Look for rows that end in padding which is not masked."""
    graph = evidence.graph
    if graph is None or evidence.data.rows < ROWS:
        return None
    recurrent = [layer for layer in graph.layers if layer.is_recurrent]
    masked = any(type(call.operation).__name__ == "Masking" for call in graph.calls)
    if not recurrent or masked:
        return None
    for index, layer in _samples.embedded(evidence).items():
        ids = evidence.data.inputs[index]
        if layer.mask_zero or ids.ndim != 2 or ids.shape[1] < LENGTH:
            continue
        tail = (np.cumsum(ids[:, ::-1] != 0, 1) == 0).sum(1)
        share = (tail >= max(TAIL * ids.shape[1], LENGTH // 2)).mean()
        if share > ROWS_SHARE:
            return Finding(
                name="padding",
                severity="error" if evidence.sick else "warning",
                where=layer.name,
                evidence=f"{share:.0%} of the rows end in padding on at least half of "
                f"their {ids.shape[1]} places, and it is not masked",
                why=f"{recurrent[0].name} reads the padding last and forgets the rest.",
                fix=f"keras.layers.Embedding({layer.input_dim}, {layer.output_dim}, "
                "mask_zero=True)",
                confidence=0.6,
                numbers={"share": float(share)},
            )
    return None
