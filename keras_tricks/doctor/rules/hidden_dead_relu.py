"""Relu units that give zero for every sample.

Seen: the loss stops early; many outputs are the same.

Measured: the share of a layer's relu units (channels) that are zero for all rows of a
batch, at inference. Before training this counts where the training does not succeed.
`DEAD` of a layer is a warning; a whole layer is an error if the loss does not fall,
since nothing passes it any more.

Silent: with fewer than `ROWS` rows; on units that are zero for some rows, which is what
a relu is for; healthy layers have less than half of them dead.

Fix: a lower rate (`lr-high` is the usual cause), `kernel_initializer="he_normal"`,
inputs with a mean of zero; `keras.layers.LeakyReLU()` where it stays.

Source: AUTOTRAINER (Zhang et al., 2021) uses 0.7 too, of gradient entries.
"""

from keras_tricks.doctor.finding import Finding

NEEDS_BATCH = True
DEAD = 0.7
ROWS = 32
# Of the loss of guessing: what is above it knows nothing.
GUESSING = 0.99


def before(evidence):
    """Look at the worst layer at the first weights."""
    start, graph = evidence.start, evidence.graph
    if graph is None or start.rows < ROWS:
        return None
    relus = [layer for layer in graph.hidden if layer.activation in ("relu", "relu6")]
    signals = [start.signal(layer.name) for layer in relus if layer.units > 1]
    worst = max(signals, key=lambda signal: signal.dead, default=None)
    if worst is None or worst.dead <= DEAD:
        return None
    gone = worst.dead == 1 and not graph.has_residual
    if not gone and not evidence.sick:
        return None
    return Finding(
        name="hidden-dead-relu",
        severity="error",
        where=f"layer {worst.name}",
        evidence=f"{100 * worst.dead:.0f} % of its units are zero for all {start.rows} "
        "rows before training begins",
        why="A relu that is never above zero has no gradient and does not come back.",
        fix='kernel_initializer="he_normal", bias_initializer="zeros", inputs around 0',
        confidence=0.9 if gone else 0.6,
        numbers={"dead": worst.dead},
    )


def during(watch):
    """Look at the worst layer of the last look."""
    last, first = watch.looked[-1], watch.looked[0]
    if not last.dead or watch.facts.get("rows", ROWS) < ROWS:
        return None
    layer = max(last.dead, key=last.dead.get)
    share, before = last.dead[layer], first.dead.get(layer, 0.0)
    if share < DEAD:
        return None
    stuck = watch.fallen is not None and watch.fallen < 0.1
    if watch.chance is not None:
        stuck = stuck or last.loss - last.penalty > GUESSING * watch.chance
    gone = share > 0.99 and stuck and (watch.share or 0) >= 0.2
    return Finding(
        name="hidden-dead-relu",
        severity="error" if gone else "warning",
        where=f"layer {layer}",
        evidence=f"{100 * share:.0f} % of its units are zero for all rows looked at; "
        f"at the begin {100 * before:.0f} %",
        why="A relu that is never above zero has no gradient and does not come back.",
        fix=_fix(watch),
        confidence=0.8 if gone else 0.5,
        numbers={"dead": share, "before": before},
    )


def _fix(watch):
    rate = f"learning_rate={watch.rate / 10:.2g}, " if watch.rate else "a lower rate, "
    return rate + 'then kernel_initializer="he_normal", then LeakyReLU()'
