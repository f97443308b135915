"""The learning rate for fine-tuning by the size of the data set."""

import math

from keras_tricks._checks import check_integer


def fine_tuning_rate(num_examples: int, batch_size: int = 256) -> float:
    """Return the learning rate with which to start fine-tuning.

    PaddleClas's rule for SGD with momentum at batch size 256: 0.001 for less than 1,000
    pictures, so that the given weights survive, 0.01 or more for over 100,000. Between
    the two it gives nothing; here the logarithm of the rate grows evenly with that of
    the number of pictures, which is `0.001 * sqrt(num_examples / 1000)`. The rate is
    linear in the batch size, as everywhere in PaddleClas's advice.

    It is a place to start, from which a finder or a short search goes on.

    Args:
        num_examples: Number of training pictures. Integer, at least 1.
        batch_size: Examples per optimizer step over all replicas, times
            `gradient_accumulation_steps`. Integer, at least 1.

    Returns:
        The learning rate, a float.

    Raises:
        TypeError: If an argument is not an integer.
        ValueError: If an argument is below 1.

    Example:
        >>> fine_tuning_rate(500), fine_tuning_rate(1_000_000)
        (0.001, 0.01)
        >>> fine_tuning_rate(16_000, batch_size=64)
        0.001

    Reference:
        [PaddleClas](https://github.com/PaddlePaddle/PaddleClas), "Tricks for
        Training", section 2.2.9.
    """
    check_integer("num_examples", num_examples, 1)
    check_integer("batch_size", batch_size, 1)
    at_256 = 0.001 * math.sqrt(min(max(num_examples, 1_000), 100_000) / 1_000)
    return at_256 * batch_size / 256
