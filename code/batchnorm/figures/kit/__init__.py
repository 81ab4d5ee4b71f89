"""What all figures share: how a script is put together, its traits, its drawing, its handles."""

from .base import Figure, Vector, finite, in_range, join

__all__ = ["Figure", "Vector", "finite", "in_range", "join"]
