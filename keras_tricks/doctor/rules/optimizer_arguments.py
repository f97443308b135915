"""An argument of the optimizer stops the training.

Seen: the loss does not move, or falls and then rises to the level of guessing.

Measured: gradients are clipped to less than `CLIPPED` of their norm on the first batch;
decoupled weight decay takes more than `DECAYED` of a weight in each step; a momentum or
beta is 1 or more; epsilon is `EPSILON` or more in an optimizer that divides by the
gradient's size. If the planned training does not succeed on a copy, it is an error.

Silent: where the training succeeds: then it is a note.

Fix: leave the argument out, or `clipnorm=1.0`, `weight_decay=1e-4`.

Source: Loshchilov and Hutter, 2019, on decay as a share of the weight per step.
"""

from keras_tricks.doctor.finding import Finding

# What this brings about is not said again.
EXPLAINS = {"lr-low", "optimizer-default", "too-few-epochs"}
CLIPPED = 0.01
DECAYED = 0.01
EPSILON = 0.01


def before(evidence):
    """Compare the arguments with the gradient and the rate."""
    optimizer = evidence.model.optimizer
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    config = optimizer.get_config()
    found = _clipped(config, evidence) or _decayed(config, evidence) or _beyond(config)
    if found is None:
        return None
    name, value, said = found
    return Finding(
        name="optimizer-arguments",
        severity="error" if evidence.sick else "note",
        where=f"optimizer {type(optimizer).__name__}",
        evidence=said,
        why="What is left of each step does not add up to learning.",
        fix=f"leave out {name}={value:g}",
        confidence=0.85,
        numbers={name: value},
    )


def _clipped(config, evidence):
    norm = sum(gradient.norm**2 for gradient in evidence.start.gradients) ** 0.5
    for name in ("clipnorm", "global_clipnorm", "clipvalue"):
        limit = config.get(name)
        if limit and limit < CLIPPED * norm:
            return (
                name,
                limit,
                f"the first gradient has a norm of {norm:.3g}, not {limit:g}",
            )
    return None


def _decayed(config, evidence):
    decay, rates = config.get("weight_decay"), evidence.rates
    if isinstance(decay, float) and rates is not None and decay * rates.max() > DECAYED:
        share = decay * rates.max()
        return "weight_decay", decay, f"each step takes {share:.0%} of every weight"
    return None


def _beyond(config):
    for name in ("momentum", "beta_1", "beta_2", "rho"):
        value = config.get(name)
        if isinstance(value, float) and value >= 1:
            return name, value, f"{name} is {value:g}: a mean that never forgets"
    epsilon = config.get("epsilon")
    if isinstance(epsilon, float) and epsilon >= EPSILON:
        return "epsilon", epsilon, f"epsilon is {epsilon:g}, gradients are smaller"
    return None
