"""What a trial changes in a training."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Change:
    """What is changed in a training.

    Attributes:
        rate: Factor on the learning rate.
        inputs: "as given" or "standard": mean 0, deviation 1 per column or channel.
        targets: The same for the targets.
        weights: "as given" or "fresh": variance scaling.
        optimizer: "as compiled", "adam" (rate 1e-3) or "constant" (the rate of the
            schedule at its highest, without end).
        repairs: Changes of the model, as `repaired` takes them.
        balanced: Whether rare classes get more weight.
        batch_size: Rows of a step, the planned ones if None; the rows seen stay.
        mixed: Whether rows are shuffled that the plan takes in their order.
        longer: Factor on the number of steps.
    """

    rate: float = 1.0
    inputs: str = "as given"
    targets: str = "as given"
    weights: str = "as given"
    optimizer: str = "as compiled"
    repairs: tuple = ()
    balanced: bool = False
    batch_size: int | None = None
    mixed: bool = False
    longer: float = 1.0

    def said(self):
        """Say the changes in a few words."""
        plain, words = Change(), []
        if self.rate != 1:
            words.append(f"rate times {self.rate:g}")
        for name in ("inputs", "targets", "weights", "optimizer"):
            if getattr(self, name) != getattr(plain, name):
                words.append(f"{getattr(self, name)} {name}")
        words += [f"{name} changed" for name in self.repairs]
        if self.balanced:
            words.append("class weights")
        if self.batch_size:
            words.append(f"batches of {self.batch_size}")
        if self.mixed:
            words.append("shuffled rows")
        if self.longer != 1:
            words.append(f"{self.longer:g} times the steps")
        return ", ".join(words) or "as planned"
