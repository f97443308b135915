"""Optimizers that treat each variable as it should be: decay, rates, clipping."""

__all__ = []
