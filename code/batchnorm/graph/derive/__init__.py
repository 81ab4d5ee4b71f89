"""The backward pass of a traced function, written as the NumPy that one would write by hand."""

from .derivation import Derivation, derive

__all__ = ["Derivation", "derive"]
