"""The learning rate that goes with a batch size."""

import math

from keras_tricks._checks import check_choice, check_integer, check_number


def scale_learning_rate(
    base: float,
    batch_size: int,
    base_batch_size: int = 256,
    rule: str = "linear",
    replicas: int = 1,
    gradient_accumulation_steps: int = 1,
) -> float:
    """Scale a published learning rate to another batch size.

    Returns `base * r` (linear) or `base * sqrt(r)` (sqrt) with
    `r = batch_size * replicas * gradient_accumulation_steps / base_batch_size`: what
    counts is the global batch, all examples of one optimizer step. Linear is for SGD;
    square root is what timm takes for Adam-like optimizers and LAMB.

    In Keras the `batch_size` of `fit`, and the batch of a `tf.data.Dataset`, is split
    among the replicas (`MirroredStrategy`, `keras.distribution`): it is global
    already. `replicas` is for batches given per device, as in PyTorch's recipes.

    Args:
        base: Learning rate at `base_batch_size`. Float, at least 0.
        batch_size: Examples per batch. Integer, at least 1.
        base_batch_size: Batch size that `base` was published for. Integer, at least 1.
        rule: `"linear"` or `"sqrt"`.
        replicas: Devices that get a batch of `batch_size` each. Integer, at least 1.
        gradient_accumulation_steps: Batches per optimizer step. Integer, at least 1.

    Returns:
        The scaled learning rate, a float.

    Raises:
        TypeError: If a count is not an integer or `base` not a number.
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
    check_integer("replicas", replicas, 1)
    check_integer("gradient_accumulation_steps", gradient_accumulation_steps, 1)
    global_batch_size = batch_size * replicas * gradient_accumulation_steps
    ratio = global_batch_size / base_batch_size
    return base * (ratio if rule == "linear" else math.sqrt(ratio))
