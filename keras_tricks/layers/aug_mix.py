"""AugMix: blend an image with chains of operations on it."""

import keras

from keras_tricks._checks import check_integer
from keras_tricks.layers._dialects import AUG_MIX, AUG_MIX_PAPER
from keras_tricks.layers._policy import Policy
from keras_tricks.layers._steps import Steps, all_rows, apply_steps, row_of, whole
from keras_tricks.layers._tensors import ops

_ONE = 2**15  # weights are whole numbers of 1/32768: no compiler rounds them apart
_LONGEST = 3


@keras.saving.register_keras_serializable(package="keras_tricks")
class AugMix(Policy):
    """Blend every image with `width` versions of itself, each changed by a chain.

    A chain is one to three operations at random. Their results are averaged with
    weights from the Dirichlet distribution of ones, and the average is blended with the
    image, with a weight uniform in [0, 1]: the paper's `alpha` of 1.

    The levels are torchvision's: of ten per operation one of the lowest `severity`. So
    are the 13 operations; the paper leaves out brightness, color, contrast and
    sharpness, which would give away the corruptions of ImageNet-C: `all_ops=False`.
    Pixels are moved by nearest neighbour (torchvision: bilinear). Keras 3.15.1's
    `AugMix` draws its operations once, when a graph is traced. The paper's consistency
    loss is not part of this layer.

    Call with images `(batch, height, width, channels)` of 1 or 3 channels or one image
    without the batch axis, alone or in a tuple or dict with labels, which are passed on
    unchanged; bounding boxes and masks are refused, for the versions differ in place.
    Returns the same structure, shape and dtype. All values are rounded to 256 levels of
    `value_range`: place it before any normalization. In a model it does nothing at
    inference.

    Args:
        severity: How many of the ten levels are drawn from. Integer from 1 to 10.
        width: Number of chains. Integer, at least 1.
        depth: Number of operations in a chain, or -1 for one to three at random.
        all_ops: Whether brightness, color, contrast and sharpness take part.
        fill_value: Value of pixels from outside the image, a number or three, or `None`
            for black.
        value_range: Values of black and white.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, images are neither grey nor RGB,
            or the batch carries bounding boxes or masks.

    Example:
        >>> layer = AugMix(seed=1)
        >>> images = layer(np.zeros((4, 32, 24, 3), "uint8"))
        >>> images.shape, images.dtype.name
        (TensorShape([4, 32, 24, 3]), 'uint8')

    Reference:
        [Hendrycks et al., 2020](https://arxiv.org/abs/1912.02781); torchvision.
    """

    def __init__(
        self,
        severity=3,
        width=3,
        depth=-1,
        all_ops=True,
        fill_value=None,
        value_range=(0, 255),
        data_format=None,
        seed=None,
        **kwargs,
    ):
        check_integer("severity", severity, 1, AUG_MIX.max_level + 1)
        check_integer("width", width, 1)
        if depth != -1:
            check_integer("depth", depth, 1, hint="Or -1 for one to three at random.")
        dialect = AUG_MIX if all_ops else AUG_MIX_PAPER
        super().__init__(
            dialect,
            all_rows(dialect, range(severity)),
            fill_value=fill_value,
            value_range=value_range,
            data_format=data_format,
            seed=seed,
            **kwargs,
        )
        self.severity = severity
        self.width = width
        self.depth = depth
        self.all_ops = all_ops
        self._longest = _LONGEST if depth == -1 else depth
        self.draws = width * (2 + 3 * self._longest)

    def prepare(self, batch, single):
        """See `Augmentation.prepare`."""
        refused = sorted(set(batch) - {"images"})
        if refused:
            raise ValueError(
                "AugMix blends versions of an image that differ in place: give it "
                f"images and labels only. Received: {', '.join(refused)}."
            )
        return super().prepare(batch, single)

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        steps = self.steps(batch, uniforms[:, self.width :])
        chains = Steps(*(self._by_chain(part) for part in steps))
        plan = (chains, mixing_weights(uniforms[:, : self.width]))
        return {"images": self.paint(batch["images"], plan, mix_chains)}

    def choose(self, uniforms):
        """See `Policy.choose`; the chains lie one after another."""
        depth = whole(uniforms[:, : self.width, None], _LONGEST) + 1
        numbers = ops.reshape(
            uniforms[:, self.width :], (-1, self.width, self._longest, 3)
        )
        operation, level, sign = ops.unstack(numbers, 3, axis=-1)
        level = whole(level, self.severity)
        rows = row_of(self._dialect, self.severity, operation, level, sign)
        if self.depth == -1:
            rows = ops.where(ops.arange(_LONGEST) < depth, rows, 0)
        return ops.reshape(rows, (-1, self.width * self._longest))

    def _by_chain(self, part):
        shape = (-1, self.width, self._longest, *part.shape[2:])
        return ops.reshape(part, shape)

    def get_config(self):
        config = super().get_config()
        del config["bounding_box_format"]
        return {
            **config,
            "severity": self.severity,
            "width": self.width,
            "depth": self.depth,
            "all_ops": self.all_ops,
        }


def mixing_weights(uniforms):
    """Return the weight of the image and of every chain in 1/32768, int32.

    All but one of `width` uniform numbers cut [0, 1] into pieces: their lengths follow
    the Dirichlet distribution of ones. The first number is the weight of all chains.

    Args:
        uniforms: `(batch, width)`.

    Returns:
        Int32 `(batch, 1 + width)`; every row adds up to 32768.
    """
    uniforms = whole(uniforms, _ONE)
    chains, cuts = uniforms[:, :1], ops.sort(uniforms[:, 1:], axis=1)
    begins = ops.concatenate([ops.zeros_like(chains), cuts], axis=1)
    ends = ops.concatenate([cuts, ops.full_like(chains, _ONE)], axis=1)
    weights = ops.right_shift(chains * (ends - begins), 15)
    image = _ONE - ops.sum(weights, axis=1, keepdims=True)
    return ops.concatenate([image, weights], axis=1)


def mix_chains(image, plan, fill):
    """Blend one image with what its chains make of it.

    Args:
        image: uint8 `(height, width, channels)`.
        plan: Steps `(chains, steps, ...)` and weights `(1 + chains,)`.
        fill: See `apply_steps`.
    """
    chains, weights = plan

    def add(i, total):
        changed = apply_steps(image, Steps(*(part[i] for part in chains)), fill)
        return total + weights[i + 1] * ops.cast(changed, "int32")

    total = weights[0] * ops.cast(image, "int32")
    total = ops.fori_loop(0, ops.shape(weights)[0] - 1, add, total)
    return ops.cast(ops.right_shift(total + _ONE // 2, 15), "uint8")
