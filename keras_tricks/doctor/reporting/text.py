"""A diagnosis for the terminal: the worst findings in full, the rest by name."""

import textwrap

from keras_tricks.doctor.reporting.words import (
    by_reason,
    clean,
    counted,
    state,
    tally,
    verdict,
)

_MOST = 5  # findings in full: whoever sees twenty reads none
_COLOURS = {
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold blue",
    "healthy": "bold green",
    "unknown": "bold",
}


def lines_of(diagnosis, width):
    """Yield the lines of the report, each a list of `(words, style)`."""
    for line in _wrapped(verdict(diagnosis), width):
        yield [(line, _COLOURS[state(diagnosis)])]
    yield from _quiet("", " · ".join(tally(diagnosis)), width)
    for finding in diagnosis.findings[:_MOST]:
        yield []
        yield from _finding(finding, width)
    yield []
    yield from _rest(diagnosis, width)


def _finding(finding, width):
    title = f"{finding.severity.upper()}  {clean(finding.name)}"
    yield [(title, _COLOURS[finding.severity])]
    parts = [
        ("  in ", finding.where, "dim"),
        ("  ", finding.evidence, "bold"),
        ("  ", finding.why, ""),
        ("  Change: ", finding.fix, "cyan"),
        ("  Tried: ", finding.tried, "green"),
    ]
    for start, words, style in parts:
        if words:
            for line in _wrapped(words, width, start):
                yield [(line, style)]


def _rest(diagnosis, width):
    """Yield what stands below the findings: names only, and what was not judged."""
    rest = diagnosis.findings[_MOST:]
    if rest:
        names = ", ".join(finding.name for finding in rest)
        count = counted(len(rest), "finding")
        yield from _quiet(f"And {count} more: ", names, width)
    if not diagnosis.findings and diagnosis.checked:
        yield from _quiet("Checked: ", ", ".join(diagnosis.checked), width)
    for why, what in by_reason(diagnosis.not_judged).items():
        yield from _quiet("Not judged: ", f"{', '.join(what)} ({why})", width)
    if diagnosis.findings:
        command = f"python -m keras_tricks.doctor explain {diagnosis.findings[0].name}"
        yield from _quiet("More: ", command, width)


def _quiet(start, words, width):
    for line in _wrapped(words, width, start):
        yield [(line, "dim")]


def _wrapped(words, width, start=""):
    """Return lines; those after the first stand under the first's text."""
    lines = []
    for part in clean(words).splitlines():
        lines += textwrap.wrap(
            part,
            width,
            initial_indent=" " * len(start) if lines else start,
            subsequent_indent=" " * len(start),
            break_on_hyphens=False,
        )
    return lines
