"""The learning rate that goes with a batch size."""

import math

from keras_tricks._checks import check_choice, check_integer, check_number


def scale_learning_rate(
    base: float,
    batch_size: int,
    base_batch_size: int = 256,
    rule: str = "linear",
) -> float:
    """Scale a published learning rate to another batch size.

    Returns `base * r` (linear) or `base * sqrt(r)` (sqrt) with
    `r = batch_size / base_batch_size`. Linear is for SGD; square root is what timm
    takes for Adam-like optimizers and LAMB.

    Args:
        base: Learning rate at `base_batch_size`. Float, at least 0.
        batch_size: Examples per optimizer step over all replicas, times
            `gradient_accumulation_steps`. Integer, at least 1.
        base_batch_size: Batch size that `base` was published for. Integer, at least 1.
        rule: `"linear"` or `"sqrt"`.

    Returns:
        The scaled learning rate, a float.

    Raises:
        TypeError: If a batch size is not an integer or `base` not a number.
        ValueError: If an argument is out of its range.

    Example:
        >>> scale_learning_rate(0.1, batch_size=32)
        0.0125
        >>> scale_learning_rate(0.001, batch_size=1024, rule="sqrt")
        0.002

    Reference:
        [Goyal et al., 2017](https://arxiv.org/abs/1706.02677), section 2.1 (linear).
    """
    check_number("base", base, minimum=0)
    check_integer("batch_size", batch_size, 1)
    check_integer("base_batch_size", base_batch_size, 1)
    check_choice("rule", rule, ("linear", "sqrt"))
    ratio = batch_size / base_batch_size
    return base * (ratio if rule == "linear" else math.sqrt(ratio))
