"""The rates of stochastic depth, one for each residual block."""

from keras_tricks._checks import check_integer, check_number


def stochastic_depth_rates(rate: float, blocks: int) -> list[float]:
    """Return rates for `StochasticDepth` that rise linearly from 0 to `rate`.

    Block `i` of `n`, counted from 0, gets `rate * i / (n - 1)`, as in timm and
    torchvision: early blocks, which all later ones build on, are hardly dropped. (The
    paper begins at `rate / n`.) Count the blocks of all stages together. A single
    block gets 0.

    Args:
        rate: Rate of the last block. Float in [0, 1).
        blocks: Number of residual blocks. Integer, at least 1.

    Returns:
        A list of `blocks` floats.

    Raises:
        TypeError: If `blocks` is not an integer or `rate` not a number.
        ValueError: If an argument is out of its range.

    Example:
        >>> [round(rate, 4) for rate in stochastic_depth_rates(0.1, blocks=4)]
        [0.0, 0.0333, 0.0667, 0.1]

    Reference:
        [Huang et al., 2016](https://arxiv.org/abs/1603.09382), section 3.
    """
    check_number("rate", rate, 0, 1)
    if rate == 1:
        raise ValueError(f"`rate` must be below 1. Received: rate={rate}.")
    check_integer("blocks", blocks, 1)
    return [rate * (block / max(blocks - 1, 1)) for block in range(blocks)]
