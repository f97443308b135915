"""Variance scaling with the default of TensorFlow 1's contrib: He initialization."""

import keras


def variance_scaling(
    scale: float = 2.0,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
    seed=None,
) -> keras.initializers.VarianceScaling:
    """Return Keras's `VarianceScaling` with the scale that suits ReLU networks.

    Weights have mean 0 and variance `scale / fan`. Keras's own default scale is 1,
    with which every ReLU halves the variance. The truncated normal ends at two
    standard deviations of the normal it is cut from, and Keras makes up exactly for
    the variance cut off (`tf.contrib` by a factor of 1.3: 0.3 % too wide).

    In Keras 3.15.1 an initializer whose seed is None or an integer returns the same
    values at every call: layers of equal shape that share it begin equal. Here None
    stands for a `keras.random.SeedGenerator()`, and every call draws anew.

    Args:
        scale: Float above 0.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`.
        seed: Optional integer or `keras.random.SeedGenerator`, with the meaning that
            Keras gives it: after an integer, every call returns the same values.

    Returns:
        A `keras.initializers.VarianceScaling`.

    Raises:
        ValueError: If an argument is not accepted by `VarianceScaling`.

    Example:
        >>> initializer = variance_scaling(seed=0)
        >>> print(f"{float(keras.ops.std(initializer((8, 4096)))):.2f}")
        0.50
        >>> layer = keras.layers.Conv2D(8, 3, kernel_initializer=variance_scaling())

    Reference:
        [He et al., 2015](https://arxiv.org/abs/1502.01852), section 2.2.
    """
    if seed is None:
        seed = keras.random.SeedGenerator()
    return keras.initializers.VarianceScaling(scale, mode, distribution, seed)
