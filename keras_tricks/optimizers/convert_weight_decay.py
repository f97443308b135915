"""One strength of decay in the units of another library."""

from keras_tricks._checks import check_choice, check_number

COUPLED = ("l2_decay", "l2")
DECOUPLED = ("weight_decay", "tfa")


def convert_weight_decay(
    value: float,
    source: str,
    target: str,
    learning_rate: float | None = None,
    momentum: float | None = None,
) -> float:
    """Convert a weight decay between PyTorch, PaddleClas, MXNet, Keras and TFA.

    The units, with the step `w -= learning_rate * ...` of the optimizer around them:

    - `"l2_decay"` adds `value * w` to the gradient: PyTorch's and this package's SGD,
      Adam and RMSprop, PaddleClas, MXNet, and `l2_regularizer` of TF-Slim.
    - `"l2"` adds `value * sum(w ** 2)` to the loss: `keras.regularizers.L2`. Half.
    - `"weight_decay"` multiplies `w` by `1 - learning_rate * value`: AdamW of PyTorch
      and this package, and what Keras calls `weight_decay`, in every optimizer.
    - `"tfa"` multiplies `w` by `1 - value`: SGDW and AdamW of TensorFlow Addons.

    Within the first two a conversion is exact for every optimizer (if gradients are
    not clipped: a regularizer is clipped along). Within the last two it is exact while
    the rate is `learning_rate`: with a schedule, TFA's value must follow it. Between
    these pairs it holds for SGD only. Without momentum it is exact. With it,
    `weight_decay = l2_decay / (1 - momentum)` holds in the long run, while
    `learning_rate * l2_decay` is far below `(1 - momentum) ** 2`: after 200 steps
    without a gradient at rate 0.1, momentum 0.9 and "l2_decay" 0.01 the weights are
    0.1204 of what they were, and 0.1340 with the "weight_decay" 0.1. For Adam and its
    kind there is none: they divide a coupled decay by the size of the gradients.

    Args:
        value: Float, at least 0.
        source: Unit of `value`.
        target: Unit of the result.
        learning_rate: Float, above 0. Needed to or from `"tfa"`.
        momentum: Momentum of SGD, 0 for none. Float in [0, 1). Needed between the
            first two units and the last two.

    Returns:
        A float.

    Raises:
        TypeError: If a number is none.
        ValueError: If a unit is unknown, a number is out of its range, or the
            conversion needs one that is missing.

    Example:
        >>> convert_weight_decay(1e-4, "l2_decay", "l2")
        5e-05
        >>> to = "weight_decay"
        >>> round(convert_weight_decay(1e-4, "l2_decay", to, momentum=0.9), 9)
        0.001

    Reference:
        [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101), propositions 1
        and 2 (SGD without momentum; adaptive methods).
    """
    check_number("value", value, minimum=0)
    for name, unit in (("source", source), ("target", target)):
        check_choice(name, unit, COUPLED + DECOUPLED)
    shrink = 1.0
    if (source in COUPLED) != (target in COUPLED):
        shrink = 1 - _needed("momentum", momentum, 0, 1 - 1e-6, _WHY_MOMENTUM)
    rate = 1.0
    if (source == "tfa") != (target == "tfa"):
        rate = _needed("learning_rate", learning_rate, 1e-12, 1e12, _WHY_RATE)
    # What one unit of each is worth as "l2_decay".
    worth = {"l2_decay": 1, "l2": 2, "weight_decay": shrink, "tfa": shrink / rate}
    return value * worth[source] / worth[target]


_WHY_MOMENTUM = (
    "For SGD give its momentum (0 for none). For Adam and other adaptive optimizers no "
    "conversion exists between coupled and decoupled decay: tune it anew."
)
_WHY_RATE = 'A value in "tfa" is not multiplied by the learning rate.'


def _needed(name, value, minimum, maximum, why):
    if value is None:
        raise ValueError(f"`{name}` is needed. {why} Received: {name}=None.")
    check_number(name, value, minimum, maximum)
    return value
