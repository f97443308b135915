"""Loss, accuracy and the rest over the epochs, several runs in one figure."""

from keras_tricks._figure import new_figure


def curves(histories):
    """Draw every quantity of one or several trainings over the epochs.

    Training is drawn dashed, validation solid, one colour per run.

    Args:
        histories: A `keras.callbacks.History`, its dict of lists
            (`{"loss": [...], "val_loss": [...]}`), or a dict of such dicts by name of
            the run.

    Returns:
        A `matplotlib.figure.Figure`; `figure.savefig("curves.png")` writes it.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there is nothing to draw.

    Example:
        >>> history = {"loss": [2.3, 1.1], "val_loss": [2.2, 1.4], "accuracy": [0, 0.6]}
        >>> figure = curves(history)
        >>> [axes.get_title() for axes in figure.axes]
        ['loss', 'accuracy']
    """
    histories = getattr(histories, "history", histories)
    if not any(isinstance(value, dict) for value in histories.values()):
        histories = {"": histories}
    keys = [key for history in histories.values() for key in history]
    quantities = list(dict.fromkeys(key.removeprefix("val_") for key in keys))
    if not quantities:
        raise ValueError(
            f"`histories` must hold a list of values. Received: {histories}."
        )
    figure = new_figure(4.5 * len(quantities), 3.5)
    for column, quantity in enumerate(quantities):
        axes = figure.add_subplot(1, len(quantities), column + 1)
        for number, (run, history) in enumerate(histories.items()):
            for key, part, line in (
                (quantity, "training", "--"),
                (f"val_{quantity}", "validation", "-"),
            ):
                if key in history:
                    epochs = range(1, len(history[key]) + 1)
                    label = f"{run} {part}".strip()
                    axes.plot(
                        epochs, history[key], line, color=f"C{number}", label=label
                    )
        axes.set_title(quantity)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    return figure
