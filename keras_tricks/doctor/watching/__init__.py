"""Measuring during `fit`, and the judge of what was seen."""
