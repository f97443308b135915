"""A diagnosis for TensorBoard, written without TensorFlow."""

import html
import re
import time

from keras_tricks.doctor.finding import SEVERITIES
from keras_tricks.doctor.reporting.plot import column
from keras_tricks.doctor.reporting.plots import plots_of
from keras_tricks.doctor.reporting.scale import printed
from keras_tricks.doctor.reporting.words import by_reason, clean, tally, verdict

_BY_DEPTH = {
    "signal": ("std", "mean", "dead", "saturated"),
    "gradients": ("gradient", "weight"),
    "updates": ("ratio",),
}


def write(diagnosis, log_dir, step):
    """Write the findings at a step, and a run for each set of curves.

    `log_dir` itself gets the texts and how many findings there are;
    `doctor_step_<step>` what has layers, variables or epochs as its axis; a folder in
    it for each trial has the trial's loss per step.
    """
    new_writer = _writer_class()
    severities = [finding.severity for finding in diagnosis.findings]
    with new_writer(log_dir) as writer:
        for severity in SEVERITIES:
            writer.scalar(f"doctor/{severity}s", severities.count(severity), step)
        for tag, markdown in _texts(diagnosis).items():
            writer.text(tag, markdown, step)
    folder = f"{log_dir}/doctor_step_{step}"
    for run, curves in _runs(diagnosis.instruments, folder).items():
        with new_writer(run) as writer:
            for tag, values in curves.items():
                for place, value in enumerate(values, 1):
                    if value is not None:
                        writer.scalar(tag, value, place)


def _runs(instruments, folder):
    """Return `{folder: {tag: values}}` of all that has an axis of its own."""
    curves = {
        f"doctor_depth/{instrument}_{key}": column(instruments[instrument], key)
        for instrument, keys in _BY_DEPTH.items()
        if instruments.get(instrument)
        for key in keys
    }
    for metric, values in (instruments.get("epochs") or {}).items():
        curves[f"doctor_epochs/{_plain(metric)}"] = values
    runs = {folder: curves} if curves else {}
    for label, losses in (instruments.get("curves") or {}).items():
        run = f"{folder}/{_plain(label)}"
        run = f"{run}_{len(runs)}" if run in runs else run
        runs[run] = {"doctor_trials/loss": losses}
    return runs


def _texts(diagnosis):
    """Return `{tag: markdown}`: the findings, and the numbers behind the plots."""
    texts = {"doctor/findings": _findings(diagnosis)}
    for plot in plots_of(diagnosis.instruments):
        if plot.rows:
            tag = _plain(plot.title.partition(":")[0].lower())
            table = _table(plot.head, plot.rows)
            texts[f"doctor_values/{tag}"] = f"{_escaped(plot.title)}\n\n{table}"
    return texts


def _findings(diagnosis):
    parts = [f"## {verdict(diagnosis)}", " · ".join(tally(diagnosis))]
    for finding in diagnosis.findings:
        parts += [
            f"### {finding.severity.upper()}: {_escaped(finding.name)}",
            f"in {_escaped(finding.where)}",
            f"**{_escaped(finding.evidence)}**",
            _escaped(finding.why),
            "Change:" if finding.fix else "",
            # An indented block is code, whatever is in it.
            "\n".join(f"    {line}" for line in clean(finding.fix).splitlines()),
            f"Tried: {_escaped(finding.tried)}" if finding.tried else "",
        ]
    for why, what in by_reason(diagnosis.not_judged).items():
        parts.append(f"Not judged: {_escaped(', '.join(what))} ({_escaped(why)})")
    parts.append(f"Checked: {_escaped(', '.join(diagnosis.checked))}")
    facts = [f"{name}: {printed(value)}" for name, value in diagnosis.facts.items()]
    parts.append("\n".join(f"- {_escaped(fact)}" for fact in facts))
    return "\n\n".join(part for part in parts if part)


def _table(head, rows):
    head, *rows = [[_escaped(entry) for entry in line] for line in [head, *rows]]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text):
    """Return text that is no markup in Markdown."""
    text = html.escape(clean(text).replace("\n", " "), quote=False)
    return re.sub(r"([\\`*_{}\[\]])", r"\\\1", text).replace("|", "&#124;")


def _plain(name):
    """Return a name for tags and folders."""
    return re.sub(r"[^\w.=-]+", "_", str(name))[:80].strip(".") or "_"


def _writer_class():
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb
        from tensorboard.plugins.text.summary_v2 import text_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise ImportError(
            "`to_tensorboard` needs TensorBoard: "
            "pip install 'keras-tricks[tensorboard]'"
        ) from error

    class Writer:
        """TensorBoard's own `Writer` has scalars, but no text."""

        def __init__(self, folder):
            self._file = EventFileWriter(str(folder))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def scalar(self, tag, value, step):
            self._add(scalar_pb(tag, float(value)), step)

        def text(self, tag, markdown, step):
            self._add(text_pb(tag, markdown), step)

        def _add(self, summary, step):
            event = Event(summary=summary, step=int(step), wall_time=time.time())
            self._file.add_event(event)

    return Writer
