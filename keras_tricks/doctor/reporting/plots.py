"""All plots of a report, in the order in which they are read."""

from keras_tricks.doctor.reporting.confusion_plot import confusion
from keras_tricks.doctor.reporting.curve_plots import epochs, trials
from keras_tricks.doctor.reporting.depth_plots import dead, gradients, signal, updates


def plots_of(instruments):
    """Return the plots of the instruments that are there, as a list."""
    layers = instruments.get("signal") or []
    matrix = instruments.get("confusion") or {}
    plots = [
        trials(instruments.get("curves") or {}),
        *epochs(instruments.get("epochs") or {}),
        signal(layers),
        dead(layers),
        gradients(instruments.get("gradients") or []),
        updates(instruments.get("updates") or []),
        confusion(matrix.get("labels", ()), matrix.get("counts", ())),
    ]
    return [plot for plot in plots if plot]
