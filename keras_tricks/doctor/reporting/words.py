"""Words for a reader: strings that hide nothing, verdicts, counts."""

from keras_tricks.doctor.finding import SEVERITIES


def clean(text):
    """Return text without characters that steer a terminal or turn the reading.

    A layer's name may hold anything: escape codes, bidirectional marks, half of a
    surrogate pair that no file can hold.
    """
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in str(text))


def shortened(text, length):
    """Return text of at most this length; most of its end, where names differ."""
    text = clean(text).replace("\n", " ")
    if len(text) <= length:
        return text
    head = (length - 1) // 3
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def verdict(diagnosis):
    """Return one sentence: what the findings amount to."""
    severities = {finding.severity for finding in diagnosis.findings}
    if "error" in severities:
        return "Something keeps this network from learning"
    if "warning" in severities:
        return "This network can learn, but something costs it accuracy or is risky"
    if not diagnosis.checked:
        return "Nothing could be judged"
    return "Healthy: nothing found that keeps this network from learning"


def state(diagnosis):
    """Return the worst severity, `"healthy"`, or `"unknown"` if nothing was judged."""
    if not diagnosis.healthy:
        return diagnosis.findings[0].severity
    return "healthy" if diagnosis.checked else "unknown"


def tally(diagnosis):
    """Return the counts as a list: ["1 error", "43 rules checked", "3.2 s"]."""
    severities = [finding.severity for finding in diagnosis.findings]
    found = [counted(severities.count(s), s) for s in SEVERITIES if s in severities]
    parts = [*found, f"{counted(len(diagnosis.checked), 'rule')} checked"]
    if diagnosis.not_judged:
        parts.append(f"{len(diagnosis.not_judged)} not judged")
    if diagnosis.seconds is not None:
        parts.append(f"{diagnosis.seconds:.1f} s")
    return parts


def counted(count, word):
    """Return a number with its noun, in the plural where it is not one."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def by_reason(not_judged):
    """Return what was not judged, gathered under its reasons: {why: [what, ...]}."""
    reasons = {}
    for what, why in not_judged:
        reasons.setdefault(str(why), []).append(str(what))
    return reasons
