"""Uniform random numbers that are the same wherever they are computed.

TensorFlow's stateless generator gives other floats under XLA than without, and JAX and
PyTorch have generators of their own. A layer must give the same batch for the same seed
in `tf.data`, eagerly and compiled on every backend, and needs only a few numbers per
image: a counter put through an integer hash is enough.
"""

from keras_tricks.layers._tensors import ops


def uniform(seed, rows, columns):
    """Return float32 numbers in [0, 1) of shape `(rows, columns)`.

    Number `i` is the upper 24 bits of `hash(hash(i + hash(a)) ^ hash(b))` with the seed
    `(a, b)`. All arithmetic is int32 and wraps: JAX has no int64 by default, PyTorch
    few operations on uint32.

    Args:
        seed: Integer tensor `(2,)`, not negative: a seed and a count of calls.
        rows: Integer or scalar tensor.
        columns: Integer.
    """
    first, second = ops.unstack(_hash(ops.cast(ops.mod(seed, 2**31 - 1), "int32")), 2)
    counter = ops.arange(rows * columns, dtype="int32")
    bits = _hash(ops.bitwise_xor(_hash(counter + first), second))
    numbers = ops.cast(_shift(bits, 8), "float32") / 2**24
    return ops.reshape(numbers, (rows, columns))


def child_seed(seed, index):
    """Return the seed of one of several layers that share a seed, integers `(2,)`."""
    first, calls = ops.unstack(ops.cast(ops.mod(seed, 2**31 - 1), "int32"), 2)
    first = _hash(ops.bitwise_xor(_hash(first), index + 1))
    return ops.stack([ops.bitwise_and(first, 2**31 - 1), calls])


def integers(numbers, columns):
    """Return int32 values in [0, 2**24) of shape `(rows, columns)`.

    For a layer that needs a random number per pixel or cell: all values of a row come
    from one number of `uniform`.

    Args:
        numbers: Float32 in [0, 1), `(rows,)`.
        columns: Integer or scalar tensor.
    """
    seed = _hash(ops.cast(numbers * 2**24, "int32"))[:, None]
    counter = ops.arange(columns, dtype="int32")
    return _shift(_hash(ops.bitwise_xor(_hash(counter), seed)), 8)


def _hash(x):
    """Scramble int32 values, one to one: C. Wellons's `lowbias32`."""
    x = ops.bitwise_xor(x, _shift(x, 16)) * 0x7FEB352D
    x = ops.bitwise_xor(x, _shift(x, 15)) * (0x846CA68B - 2**32)
    return ops.bitwise_xor(x, _shift(x, 16))


def _shift(x, places):
    """Shift int32 values to the right and fill with zeros."""
    return ops.bitwise_and(ops.right_shift(x, places), 2 ** (32 - places) - 1)
