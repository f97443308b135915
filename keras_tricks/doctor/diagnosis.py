"""What the doctor found, for people and for programs."""

import dataclasses
import pathlib
import sys

from keras_tricks.doctor.reporting import html as _html
from keras_tricks.doctor.reporting import json as _json
from keras_tricks.doctor.reporting import tensorboard as _tensorboard
from keras_tricks.doctor.reporting import terminal as _terminal
from keras_tricks.doctor.reporting import text as _text
from keras_tricks.doctor.reporting import words as _words


@dataclasses.dataclass(repr=False, eq=False)  # an instrument may hold arrays
class Diagnosis:
    """What the doctor found in one training program.

    `print(diagnosis)` shows it in the terminal; a notebook shows the page that
    `to_html` writes.

    Args:
        findings: List of `Finding`, which is sorted: worst and surest first.
        checked: Names of the rules that were judged.
        not_judged: List of `(what, why)`: what could not be judged, and why not.
        facts: What the program is, as `{"parameters": 12_345, "optimizer": "Adam"}`.
        instruments: What was measured, by instrument; plots are drawn of `curves`,
            `epochs`, `signal`, `gradients`, `updates` and `confusion`.
        seconds: What the diagnosis took, or `None`.

    Raises:
        AttributeError: If `findings` holds something else.

    Example:
        >>> diagnosis = Diagnosis(checked=["lr-high", "input-nan"], seconds=0.5)
        >>> diagnosis.healthy
        True
        >>> print(diagnosis)
        Healthy: nothing found that keeps this network from learning
        2 rules checked · 0.5 s
        <BLANKLINE>
        Checked: lr-high, input-nan
    """

    findings: list = dataclasses.field(default_factory=list)
    checked: list = dataclasses.field(default_factory=list)
    not_judged: list = dataclasses.field(default_factory=list)
    facts: dict = dataclasses.field(default_factory=dict)
    instruments: dict = dataclasses.field(default_factory=dict)
    seconds: float | None = None

    def __post_init__(self):
        self.findings = sorted(self.findings, key=lambda finding: finding.rank)

    @property
    def healthy(self):
        """Whether nothing was found that is worse than a note."""
        return all(finding.severity == "note" for finding in self.findings)

    def __str__(self):
        lines = _text.lines_of(self, _terminal.width())
        # What stands in for stdout, a logger perhaps, need not have it.
        colours = getattr(sys.stdout, "isatty", bool)()
        return _terminal.joined(lines, colours)

    def __repr__(self):
        return f"<Diagnosis: {', '.join(_words.tally(self))}>"

    def __rich__(self):
        return _terminal.rich_text(_text.lines_of(self, _terminal.width()))

    def _repr_html_(self):
        return _html.fragment(self)

    def to_html(self, path=None):
        """Write one page with all plots, which needs no other file and no network.

        Args:
            path: File to write, or `None`.

        Returns:
            The path; without one, the page as text.
        """
        return _written(_html.page(self), path)

    def to_json(self, path=None):
        """Write everything for programs. Numbers that are not finite become `null`.

        Args:
            path: File to write, or `None`.

        Returns:
            The path; without one, the JSON as text.
        """
        return _written(_json.text(self), path)

    def to_tensorboard(self, log_dir, step=0):
        """Write the findings as text, and the measured values as scalars.

        Values per layer and variable are curves over the depth, trials are curves over
        their steps; each in a run of its own, so that TensorBoard lays those of several
        diagnoses over one another.

        Args:
            log_dir: Folder that TensorBoard is to show.
            step: Training step of this diagnosis.

        Raises:
            ImportError: If TensorBoard is not installed.
        """
        _tensorboard.write(self, log_dir, step)


def _written(text, path):
    if path is None:
        return text
    path = pathlib.Path(path)
    path.write_text(text, encoding="utf-8")
    return path
