"""MixUpOrCutMix: take one of the two, at random."""

import keras

from keras_tricks._checks import check_number, check_range
from keras_tricks.layers._mixing import Mixing, check_alpha
from keras_tricks.layers._pixels import replace, rows_and_columns
from keras_tricks.layers._tensors import ops
from keras_tricks.layers.cut_mix import area_weights, cut_box, in_box
from keras_tricks.layers.mix_up import blend, mix_up_weight


@keras.saving.register_keras_serializable(package="keras_tricks")
class MixUpOrCutMix(Mixing):
    """Apply either `MixUp` or `CutMix`, drawn anew for every batch, pair or sample.

    The defaults are those of DeiT and of most recipes of timm: `alpha` 0.8 and 1, half
    and half. (torchvision's recipe has 0.2 and 1, PaddleClas's likewise.)

    Call as `MixUp`. Sample weights and one-hot segmentation masks are mixed along;
    bounding boxes are refused.

    Args:
        num_classes: Number of classes; needed for integer labels. Integer, at least 2.
        mix_up_alpha: `alpha` of `MixUp`. Float above 0.
        cut_mix_alpha: `alpha` of `CutMix`. Float above 0.
        switch_probability: Probability of CutMix. Float in [0, 1].
        minmax: `minmax` of `CutMix`.
        mode: How many choices, weights and boxes are drawn: one per `"batch"` (timm's
            default), `"pair"` or `"sample"`.
        probability: Probability that a batch, pair or sample is mixed. Float in [0, 1].
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        ValueError: If an argument is out of its range, labels are missing or integer
            without `num_classes`, images have no batch axis, or the batch carries
            what cannot be mixed.

    Example:
        >>> layer = MixUpOrCutMix(num_classes=3, seed=1)
        >>> images, labels = layer(np.zeros((4, 8, 6, 3), "uint8"), np.arange(4) % 3)
        >>> images.shape, float(np.sum(labels))
        (TensorShape([4, 8, 6, 3]), 4.0)

    Reference:
        [Touvron et al., 2021](https://arxiv.org/abs/2012.12877), table 9; timm.
    """

    blends = True
    numbers = 7

    def __init__(
        self,
        num_classes=None,
        mix_up_alpha=0.8,
        cut_mix_alpha=1.0,
        switch_probability=0.5,
        minmax=None,
        mode="pair",
        probability=1.0,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(
            num_classes, mode, probability, data_format=data_format, seed=seed, **kwargs
        )
        check_alpha("mix_up_alpha", mix_up_alpha)
        check_alpha("cut_mix_alpha", cut_mix_alpha)
        check_number("switch_probability", switch_probability, 0, 1)
        if minmax is not None:
            check_range("minmax", minmax, 0, 1)
        self.mix_up_alpha = mix_up_alpha
        self.cut_mix_alpha = cut_mix_alpha
        self.switch_probability = switch_probability
        self.minmax = minmax

    def recipe(self, size, mixed, numbers):
        """See `Mixing.recipe`."""
        switch, first, second, *of_box = numbers
        cut = switch < self.switch_probability
        box = cut_box(size, mixed & cut, of_box, self.cut_mix_alpha, self.minmax)
        weight = mix_up_weight(first, second, self.mix_up_alpha)
        weight = ops.where(mixed & ~cut, weight, 1.0)
        outside, inside = area_weights(box, size)
        own = ops.where(cut, outside, weight)
        return (weight, box), own, ops.where(cut, inside, 1 - weight)

    def mix(self, values, others, plan, data_format):
        """See `Mixing.mix`."""
        weight, box = plan
        blended = blend(values, others, weight)
        inside = in_box(box, *rows_and_columns(values, data_format))
        return replace(blended, inside, others, data_format)

    def get_config(self):
        return {
            **super().get_config(),
            "mix_up_alpha": self.mix_up_alpha,
            "cut_mix_alpha": self.cut_mix_alpha,
            "switch_probability": self.switch_probability,
            "minmax": self.minmax,
        }
