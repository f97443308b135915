"""The number that the losses of a detector are divided by."""

import keras
from keras import ops


def per_object(losses, positives):
    """Divide losses by the number of matched anchors of the whole batch.

    On several replicas of TensorFlow's strategies that is the number on all of them:
    the gradients, which are summed over replicas, are then those of one device.

    Args:
        losses: `(batch,)`, the sum over anchors.
        positives: `(batch, anchors)`, 1 for a matched anchor.
    """
    count = _over_replicas(ops.sum(positives))
    return losses / ops.maximum(count, 1.0)


def _over_replicas(count):
    if keras.backend.backend() != "tensorflow":
        return count  # one program sees the whole batch
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return count
    return context.all_reduce(tf.distribute.ReduceOp.SUM, count)
