"""A matplotlib figure that opens no window."""


def new_figure(width, height):
    """Return an empty figure of this size in inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Figures need matplotlib: pip install 'keras-tricks[plots]'"
        ) from error
    return Figure((width, height), layout="constrained")
