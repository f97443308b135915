"""Find a learning rate by trying many in one short run."""

__all__ = []
