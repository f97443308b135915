"""Layers without bias where one is needed.

Seen: the network fits what is centred and nothing else; an offset stays in the errors.

Measured: `use_bias=False` with no normalization after it, in all weight layers or in
the head; and a copy with biases that learns clearly better.

Silent: where a normalization follows, which has its own offset; on attention; where
biases do not help.

Fix: `use_bias=True`, the default.

Source: without biases a relu network gives 0 for an input of 0, and a linear one a line
through the origin.
"""

from keras_tricks.doctor.finding import Finding


def before(evidence):
    """Look for layers without bias and try them with one."""
    if evidence.graph is None:
        return None
    layers = [x for x in evidence.graph.weighted if x.use_bias is not None]
    bare = [x for x in layers if not x.use_bias and not x.normalized]
    if not bare or (len(bare) < len(layers) and not bare[-1].is_head):
        return None
    if not evidence.sick:
        return None
    run = evidence.trial(repairs=tuple({*evidence.repairs, "bias"}))
    if not evidence.cures(run):
        run = evidence.trial(**_cured(evidence, "bias"))
        if run is None or not evidence.cures(run, than=evidence.cure):
            return None
    return Finding(
        name="missing-bias",
        severity="error",
        where=", ".join(layer.name for layer in bare[:3]),
        evidence=f"{len(bare)} of {len(layers)} layers have use_bias=False and no "
        "normalization after",
        why="Without an offset the output at an input of 0 is fixed.",
        fix="use_bias=True",
        tried=evidence.tried("biases", run),
        confidence=0.75,
    )


def _cured(evidence, repair):
    changes = evidence.cured()
    return changes | {"repairs": tuple(sorted({*changes["repairs"], repair}))}
