"""What all figures share: the class they come from, its traits, its drawing, its handles."""

from .base import LARGEST, Figure, Vector, finite, in_range, not_too_large

__all__ = ["LARGEST", "Figure", "Vector", "finite", "in_range", "not_too_large"]
