"""One sickness per file; a file's docstring is its page."""

import importlib
import pkgutil


def modules():
    """Return the modules of all rules by the name of their sickness."""
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {
        name.replace("_", "-"): importlib.import_module(f"{__name__}.{name}")
        for name in found
    }


def ask(when, subject, reason_to_skip=lambda rule: None):
    """Ask every rule.

    A rule that sets `LATE` needs several trainings and comes last: time may run out.
    One that sets `SYMPTOM` sees what has a cause; its findings are given apart. What a
    rule that finds an error `EXPLAINS` is left out. A rule that fails is not judged: it
    must not silence the others, nor stop a running training.

    Args:
        when: `"before"` or `"during"`.
        subject: What the rules read: the `Evidence` or the `Watch`.
        reason_to_skip: Function of a rule: why it is not asked, or None.

    Returns:
        `(findings, symptoms, checked, not_judged)`.
    """
    findings, symptoms, checked, not_judged, explained = [], [], [], [], set()
    rules = modules().items()
    for name, rule in sorted(rules, key=lambda item: getattr(item[1], "LATE", False)):
        if not hasattr(rule, when):
            continue
        why = reason_to_skip(rule)
        if why is None:
            try:
                finding = getattr(rule, when)(subject)
            except Exception as error:  # Whatever it is, it is the doctor's own.
                why = f"{type(error).__name__}: {error}".splitlines()[0]
        if why is not None:
            not_judged.append((name, why))
            continue
        checked.append(name)
        if finding is not None:
            symptom = getattr(rule, "SYMPTOM", False)
            (symptoms if symptom else findings).append(finding)
            if finding.severity == "error":
                explained |= getattr(rule, "EXPLAINS", set())
    findings = [finding for finding in findings if finding.name not in explained]
    return findings, symptoms, sorted(checked), not_judged
