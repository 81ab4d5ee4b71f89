"""What all figures share: the class they come from, its traits, its drawing, its handles."""

from .base import Figure, Vector, finite, in_range

__all__ = ["Figure", "Vector", "finite", "in_range"]
