"""What the doctor says about one sickness."""

import dataclasses

from keras_tricks._checks import check_choice

SEVERITIES = ("error", "warning", "note")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One sickness, with its evidence and its cure.

    Args:
        name: Name of the sickness and of its rule, in kebab-case, as `"lr-high"`.
        severity: `"error"` (this keeps it from learning), `"warning"` (this costs
            accuracy or is risky) or `"note"`.
        where: Place: a layer, the loss, the optimizer, a column of the data.
        evidence: What was measured, with its number.
        why: One sentence: what that does to the training.
        fix: One line of code, or what to change.
        tried: What a trial of the fix showed, or `""`.
        confidence: Float in [0, 1]; findings of one severity are ordered by it.
        numbers: The measured numbers by name, for programs.

    Raises:
        ValueError: If the severity is none of the three.

    Example:
        >>> lost = Finding("input-nan", "error", "x", "3 values", "nan spreads", "drop")
        >>> mild = Finding("overfit", "warning", "y", "a gap", "by heart", "more rows")
        >>> [finding.name for finding in sorted([mild, lost], key=lambda f: f.rank)]
        ['input-nan', 'overfit']
    """

    name: str
    severity: str
    where: str
    evidence: str
    why: str
    fix: str
    tried: str = ""
    confidence: float = 0.5
    numbers: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        check_choice("severity", self.severity, SEVERITIES)

    @property
    def rank(self):
        """Sorts the worst and surest first."""
        return SEVERITIES.index(self.severity), -self.confidence
