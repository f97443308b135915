"""A diagnosis as JSON that every reader accepts."""

import dataclasses
import json

import numpy as np

from keras_tricks.doctor.reporting.plot import finite


def text(diagnosis):
    """Return the JSON text."""
    content = {
        "healthy": diagnosis.healthy,
        "findings": [dataclasses.asdict(finding) for finding in diagnosis.findings],
        "checked": diagnosis.checked,
        "not_judged": [
            {"what": what, "why": why} for what, why in diagnosis.not_judged
        ],
        "facts": diagnosis.facts,
        "instruments": diagnosis.instruments,
        "seconds": diagnosis.seconds,
    }
    return json.dumps(_plain(content), indent=1, allow_nan=False)


def _plain(value):
    """Return what JSON has: NaN and infinity, which it has not, become null."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if value is None or isinstance(value, bool | int | str):
        return value
    return finite(value) if isinstance(value, float) else str(value)
