"""What the doctor says about one sickness."""

import dataclasses

SEVERITIES = ("error", "warning", "note")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One sickness, with its evidence and its cure.

    Attributes:
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

    @property
    def rank(self):
        """Sorts the worst and surest first."""
        return SEVERITIES.index(self.severity), -self.confidence
