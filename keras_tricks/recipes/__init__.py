"""Published training recipes as data."""

__all__ = []
