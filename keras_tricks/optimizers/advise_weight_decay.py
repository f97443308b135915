"""A first weight decay by the size of the model and of the data."""

import dataclasses
import numbers

import keras

from keras_tricks._checks import check_integer

MOST = 1e-4
SMALL = 3e-5
# MobileNetV3 (large) has 5.5 million parameters, ResNet18, at 1e-4, has 11.7.
SMALL_PARAMETERS = 8_000_000
# ResNet50 under heavy augmentation: 7e-5 instead of 1e-4.
HEAVY_FACTOR = 0.7
# Wide ResNets on the 50,000 pictures of CIFAR: 5e-4.
FEW_EXAMPLES = 100_000
FEW_FACTOR = 5


@dataclasses.dataclass(frozen=True)
class Advice:
    """A weight decay and why.

    Attributes:
        l2_decay: The value, for `SGD` of this package; `convert_weight_decay` gives it
            in other units.
        reasons: One sentence per decision.
    """

    l2_decay: float
    reasons: tuple[str, ...]

    def __str__(self):
        return "\n".join([f"L2 decay {self.l2_decay:g}", *self.reasons])


def advise_weight_decay(
    model: keras.Model | int,
    num_examples: int | None = None,
    heavy_augmentation: bool = False,
) -> Advice:
    """Choose a weight decay to start from, as PaddleClas does for ImageNet.

    The larger the model and the smaller or easier the data, the more decay. Start
    here and compare training with test accuracy: when both are low, take less.

    Args:
        model: A built `keras.Model`, or its number of parameters.
        num_examples: Size of the training set, if it is not ImageNet's.
        heavy_augmentation: Whether training is made hard by strong augmentation, such
            as MixUp, CutMix or RandAugment.

    Returns:
        An `Advice` with `l2_decay`, a float, and `reasons`; print it to read them.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a count is not positive.

    Example:
        >>> advice = advise_weight_decay(25_600_000, heavy_augmentation=True)
        >>> print(advice)
        L2 decay 7e-05
        1e-4 serves most networks on ImageNet.
        x 0.7: under heavy augmentation ResNet50 reached 78.04 % with 7e-5, 77.65 % with
        1e-4.

    Reference:
        [PaddleClas, tricks for training](https://github.com/PaddlePaddle/PaddleClas),
        "Choice of weight decay"; [Zagoruyko and Komodakis,
        2016](https://arxiv.org/abs/1605.07146) (small data).
    """
    if not isinstance(model, numbers.Number):
        model = model.count_params()
    check_integer("model", model, 1)
    value, reasons = MOST, ["1e-4 serves most networks on ImageNet."]
    if model < SMALL_PARAMETERS:
        value = SMALL
        reasons = [
            "1e-5 to 4e-5 serve small networks such as MobileNets: MobileNetV1_x0_25 "
            "reached 51.45 % with 3e-5, 50.41 % with 1e-4."
        ]
    if heavy_augmentation:
        value *= HEAVY_FACTOR
        reasons.append(
            "x 0.7: under heavy augmentation ResNet50 reached 78.04 % with 7e-5, "
            "77.65 % with 1e-4."
        )
    if num_examples is not None:
        check_integer("num_examples", num_examples, 1)
        if num_examples < FEW_EXAMPLES:
            value *= FEW_FACTOR
            reasons.append(
                "x 5: few examples ask for more; 5e-4 is usual on the 50,000 of CIFAR. "
                "Compare with less: PaddleClas gives no number here."
            )
    return Advice(float(f"{value:.2g}"), tuple(reasons))
