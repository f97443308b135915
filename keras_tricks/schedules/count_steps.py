"""How many steps of the optimizer an epoch, or a training, has."""

import math
import numbers

from keras_tricks._checks import check_integer, check_number


def count_steps(
    epochs: float,
    data,
    batch_size: int | None = None,
    gradient_accumulation_steps: int = 1,
) -> int:
    """Count the optimizer's steps in some epochs of `fit`: the unit of a schedule.

    An epoch has `ceil(examples / batch_size)` batches, the last one may be smaller.
    Accumulation goes on over the ends of epochs, as in Keras: the steps are all
    batches divided by `gradient_accumulation_steps`, rounded down.

    Optimizers of this package ask a schedule for such a step. Keras 3.15.1's ask it for
    the number of *batches*, also where they accumulate `n` of them: the k-th update
    takes the rate of `n * k - 1`. Leave `gradient_accumulation_steps` 1 for a schedule
    that one of those follows.

    Args:
        epochs: How many epochs, or a part of one. Number, at least 0.
        data: What `fit` gets. Something with a length in batches (`tf.data.Dataset`,
            `PyDataset`, PyTorch's `DataLoader`); or an array, a structure of arrays
            or the number of examples, with `batch_size`.
        batch_size: `batch_size` of `fit`, whose default is 32. Integer, only for
            arrays and a number of examples.
        gradient_accumulation_steps: Batches per step of the optimizer. Integer, at
            least 1.

    Returns:
        The number of steps, an integer.

    Raises:
        TypeError: If a number is of the wrong kind or `data` has no length.
        ValueError: If a number is out of its range, `data` has no known length, or
            `batch_size` is missing or too much.

    Example:
        >>> count_steps(10, 1000, batch_size=64)
        160
        >>> count_steps(10, 1000, batch_size=64, gradient_accumulation_steps=4)
        40

    Reference:
        `Optimizer.iterations` of Keras 3.15.1.
    """
    check_number("epochs", epochs, minimum=0)
    check_integer("gradient_accumulation_steps", gradient_accumulation_steps, 1)
    examples = _examples(data)
    if examples is None and batch_size is not None:
        raise ValueError(
            "`batch_size` is for arrays and a number of examples. "
            f"Received: batch_size={batch_size} with a {type(data).__name__}, "
            "which comes in batches."
        )
    if examples is None:
        batches = _length(data)
    elif batch_size is None:
        raise ValueError(
            f"`batch_size` is missing for {examples} examples. Give the one of `fit`, "
            "whose default is 32."
        )
    else:
        check_integer("batch_size", batch_size, 1)
        batches = math.ceil(examples / batch_size)
    # round: 0.1 * 30 is a little more than 3.
    return round(epochs * batches) // gradient_accumulation_steps


def _examples(data):
    """Return the number of examples, or `None` for data that come in batches."""
    if isinstance(data, numbers.Number):
        check_integer("data", data, 1, hint="Give the number of examples.")
        return int(data)
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, (list, tuple)) and data:
        return _examples(data[0]) if hasattr(data[0], "__len__") else len(data)
    return len(data) if hasattr(data, "shape") else None


def _length(data):
    """Return the number of batches."""
    try:
        # A PyDataset without an end has `num_batches=None` and may have no length.
        batches = data.num_batches if hasattr(data, "num_batches") else len(data)
    except TypeError as error:
        # tf.data raises TypeError for an unknown length and for one without an end.
        if not hasattr(data, "cardinality"):
            raise TypeError(
                "`data` must have a length in batches. "
                f"Received: a {type(data).__name__}."
            ) from error
        batches = None
    if batches is None:
        raise ValueError(
            "`data` has no end, or no known length. Count its batches by hand and say "
            "so: `data.apply(tf.data.experimental.assert_cardinality(n))`; or give the "
            "number of examples and `batch_size` instead."
        )
    return batches
