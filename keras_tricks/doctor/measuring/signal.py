"""What the output of one layer looks like over a batch."""

import dataclasses

import numpy as np

# Below this derivative (tanh beyond 3, sigmoid beyond 4.6) a unit hardly learns.
FLAT = 0.01


@dataclasses.dataclass(frozen=True)
class Signal:
    """The output of one layer, after its activation, over the rows.

    Attributes:
        name: Name of the layer.
        mean: Mean of all values.
        std: Standard deviation of all values.
        raw_std: Standard deviation before the activation.
        dead: Share of units that are zero on every row.
        saturated: Share of values where the activation is flat; 0 if it never is.
        same_rows: Variance across rows over mean square: 0 if all rows give the same.
        same_units: Variance across units over mean square: 0 if all units agree.
        finite: Whether all values are finite.
    """

    name: str
    mean: float
    std: float
    raw_std: float
    dead: float
    saturated: float
    same_rows: float
    same_units: float
    finite: bool


def signal_of(layer, raw, value):
    """Return the `Signal` of a layer from its output before and after activation."""
    finite = bool(np.isfinite(value).all())
    value = np.where(np.isfinite(value), value, 0).astype("float32")
    units = value.reshape(-1, value.shape[-1])  # (rows and places, units)
    square = float((value**2).mean()) or 1.0
    flat = value.reshape(len(value), -1)
    return Signal(
        name=layer.name,
        mean=float(value.mean()),
        std=float(value.std()),
        raw_std=float(raw[np.isfinite(raw)].std()) if np.isfinite(raw).any() else 0.0,
        dead=float((units == 0).all(0).mean()),
        saturated=_saturated(layer.activation, value),
        same_rows=float(flat.var(0).mean()) / square,
        same_units=float(units.var(1).mean()) / square,
        finite=finite,
    )


def _saturated(activation, value):
    if activation == "sigmoid":
        return float((value * (1 - value) < FLAT).mean())
    if activation == "tanh":
        return float((1 - value**2 < FLAT).mean())
    return 0.0
