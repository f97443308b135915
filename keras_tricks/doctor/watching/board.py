"""What is watched, over the steps, for TensorBoard."""

SHARES = ("dead", "saturated")
NORMS = {"gradients": "gradient", "updates": "update"}


class Board:
    """Write each snapshot once.

    Args:
        log_dir: Folder that TensorBoard is to show.
    """

    def __init__(self, log_dir):
        self._writer = _new_writer(log_dir)
        self._written = 0

    def write(self, snapshots):
        """Add what is new in a list that has grown."""
        for snapshot in snapshots[self._written :]:
            for tag, value in _scalars(snapshot).items():
                self._writer.add_scalar(f"doctor/{tag}", float(value), snapshot.step)
        self._written = len(snapshots)
        self._writer.flush()

    def close(self):
        """Finish the file."""
        self._writer.close()


def _scalars(snapshot):
    """Return `{tag: value}` of all that a snapshot knows."""
    names = ("rate", "loss", "train_loss", "penalty", "steadiness", "spread")
    found = {name: getattr(snapshot, name) for name in names}
    for field, tag in NORMS.items():
        for path, norm in getattr(snapshot, field).items():
            found[f"{tag}/{path}"] = norm
    for field in SHARES:
        for layer, share in getattr(snapshot, field).items():
            found[f"{field}/{layer}"] = share
    for layer, (shift, factor) in snapshot.batch_norm.items():
        found[f"batch_norm/{layer}/mean_off_by"] = shift
        found[f"batch_norm/{layer}/variance_off_by"] = factor
    return {tag: value for tag, value in found.items() if value is not None}


def _new_writer(log_dir):
    try:
        from tensorboard.summary import Writer
    except ImportError as error:
        raise ImportError(
            "`log_dir` needs TensorBoard: pip install 'keras-tricks[tensorboard]'"
        ) from error
    return Writer(str(log_dir))
