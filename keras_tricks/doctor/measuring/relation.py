"""Whether rows of the inputs know anything of their targets, told by probes."""

import dataclasses

import numpy as np

from keras_tricks.doctor.measuring.samples import digests

# Kernels of this many rows are inverted in some tens of milliseconds.
PROBE_ROWS = 800
PERMUTATIONS = 60
NEIGHBOURS = 10
# Columns of a view and of a coded target; more are pooled or projected.
MOST_COLUMNS = 1024
MOST_CODES = 8
# No further probe is asked when one is as sure as that.
ENOUGH = 8.0
SHIFTS = (-3, -2, -1, 1, 2, 3)


@dataclasses.dataclass(frozen=True)
class Relation:
    """How well some probes tell the targets of rows that they leave out.

    Attributes:
        z: Highest distance of a probe from the same targets permuted, in standard
            deviations over permutations.
        probe: Name of that probe.
        correlation: Its correlation with the targets.
        rows: Number of rows used.
        distinct: Number of different rows among them.
        shift: `(rows, z)` of the move of the targets against the inputs that the
            probes like best.
    """

    z: float
    probe: str
    correlation: float
    rows: int
    distinct: int
    shift: tuple


def relation(inputs, target, labels=None, tokens=(), seed=0):
    """Probe whether rows of the inputs know anything of their targets.

    Each probe is a linear smoother: a matrix that predicts a row from all the others.
    So hundreds of permuted targets cost one product of matrices.

    Args:
        inputs: List of arrays.
        target: Array of targets.
        labels: Class ids, for targets that are classes: rows are then drawn evenly
            from the classes.
        tokens: For each input whether it holds ids of tokens.
        seed: Seed of the rows and permutations.
    """
    rng = np.random.default_rng(seed)
    coded = codes(target, labels, rng)
    rows = chosen_rows(len(coded), labels, rng)
    drawn = [array[rows] for array in inputs]
    moved = [coded[(rows + shift) % len(coded)] for shift in SHIFTS]
    chance = [coded[rng.permutation(rows)] for _ in range(PERMUTATIONS)]
    trials = [_standard(trial) for trial in (coded[rows], *moved, *chance)]
    trials = np.stack(trials, 1)  # (rows, trials, codes)
    best, probe, correlation, shift = -np.inf, "", 0.0, (0, -np.inf)
    for name, smoother in smoothers(views(drawn, tokens)):
        said = np.tensordot(smoother, trials, 1)
        sizes = np.sqrt((said**2).sum((0, 2)) * (trials**2).sum((0, 2)))
        values = (said * trials).sum((0, 2)) / np.maximum(sizes, 1e-12)
        chance = values[1 + len(SHIFTS) :]
        z = (values[: 1 + len(SHIFTS)] - chance.mean()) / max(chance.std(), 1e-6)
        if z[0] > best:
            best, probe, correlation = float(z[0]), name, float(values[0])
        if best >= ENOUGH:
            break
        at = int(z[1:].argmax())
        if z[1 + at] > shift[1]:
            shift = SHIFTS[at], float(z[1 + at])
    return Relation(best, probe, correlation, len(rows), len(digests(drawn)), shift)


def chosen_rows(count, labels, rng):
    """Return sorted indices of at most `PROBE_ROWS` rows, classes drawn alike."""
    order = rng.permutation(count)
    if labels is not None and len(labels) == count:
        _, ids = np.unique(labels[order], return_inverse=True)
        turn = np.zeros(count, int)  # 0 for the first row of each class, then 1
        for value in range(ids.max() + 1):
            turn[ids == value] = np.arange((ids == value).sum())
        order = order[np.argsort(turn, kind="stable")]
    return np.sort(order[:PROBE_ROWS])


def codes(target, labels, rng):
    """Return targets as at most `MOST_CODES` columns of numbers."""
    if labels is not None and len(labels) == len(target):
        _, ids = np.unique(labels, return_inverse=True)
        found = np.eye(ids.max() + 1)[ids]
    else:
        found = target.reshape(len(target), -1).astype("float64")
        if found.shape[1] == 1:  # ranks: a few huge values must not decide
            _, ids = np.unique(found[:, 0], return_inverse=True)
            found = ids[:, None].astype("float64")
        found = _standard(found)
    if found.shape[1] > MOST_CODES:
        found = found @ rng.choice([-1.0, 1.0], (found.shape[1], MOST_CODES))
    return found


def views(inputs, tokens=()):
    """Yield `(name, table)` of features: by place, and by pattern wherever it is."""
    tokens = [*tokens, *[False] * (len(inputs) - len(tokens))]
    pairs = list(zip(inputs, tokens, strict=True))
    yield "place", _columns([_bag(a) if ids else _pooled(a) for a, ids in pairs])
    patterned = [a for a, ids in pairs if not ids and a.ndim > 2]
    if patterned:
        yield "pattern", _columns([_spectrum(array) for array in patterned])


def smoothers(tables):
    """Yield `(name, matrix)`; each row of a matrix predicts from the other rows."""
    for view, table in tables:
        inner = table @ table.T / max(table.shape[1], 1)
        square = np.diag(inner)[:, None] + np.diag(inner)[None] - 2 * inner
        for count in (1, NEIGHBOURS):
            yield f"{count} nearest by {view}", _nearest(square, count)
        width = np.median(square) or 1.0
        for name, kernel in (
            ("linear", inner),
            ("quadratic", (1 + inner) ** 2),
            ("smooth", np.exp(-square / width)),
        ):
            yield f"{name} by {view}", _left_out(kernel)


def _standard(table):
    deviation = table.std(0)
    table = (table - table.mean(0)) / np.where(deviation > 0, deviation, 1)
    return np.clip(table, -5, 5)


def _columns(tables):
    table = _standard(np.concatenate(tables, 1))
    varied = table.std(0) > 0
    return table[:, varied] if varied.any() else table[:, :1]


def _bag(array):
    ids = np.nan_to_num(array).reshape(len(array), -1).astype(int) % MOST_COLUMNS
    counts = np.zeros((len(ids), MOST_COLUMNS))
    np.add.at(counts, (np.arange(len(ids))[:, None], ids), 1)
    return np.sqrt(counts)


def _pooled(array):
    """Average neighbouring places until a row is no longer than `MOST_COLUMNS`."""
    array = np.nan_to_num(array.astype("float64"))
    while array.ndim > 2 and array[0].size > MOST_COLUMNS:
        axis = 1 + int(np.argmax(array.shape[1:-1]))
        size = array.shape[axis] // 2
        if size == 0:
            break
        pairs = array.take(range(2 * size), axis)
        shape = (*array.shape[:axis], size, 2, *array.shape[axis + 1 :])
        array = pairs.reshape(shape).mean(axis + 1)
    flat = array.reshape(len(array), -1)
    return flat[:, :: max(1, -(-flat.shape[1] // (4 * MOST_COLUMNS)))]


def _spectrum(array):
    """Return size of the lower frequencies along the inner axes, mean and deviation."""
    array, inner = array.astype("float64"), tuple(range(1, array.ndim - 1))
    size = np.abs(np.fft.fftn(array, axes=inner))
    for axis in inner:
        size = size.take(range(min(8, array.shape[axis])), axis)
    size = np.log1p(size).reshape(len(array), -1)[:, :MOST_COLUMNS]
    return np.concatenate([size, array.mean(inner), array.std(inner)], 1)


def _nearest(square, count):
    square = square.copy()
    np.fill_diagonal(square, np.inf)
    count = min(count, len(square) - 1)
    nearest = np.argpartition(square, count - 1, 1)[:, :count]
    matrix = np.zeros_like(square)
    np.put_along_axis(matrix, nearest, 1 / count, 1)
    return matrix


def _left_out(kernel):
    """Return what kernel ridge regression predicts for a row when it is left out."""
    kernel = kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean()
    rows = len(kernel)
    penalty = max(np.trace(kernel) / rows, 1e-9)
    hat = np.linalg.solve(kernel + penalty * np.eye(rows), kernel).T
    own = np.diag(hat)
    return (hat - np.diag(own)) / np.maximum(1 - own, 1e-6)[:, None]
