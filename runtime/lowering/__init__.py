"""From stages of the graph to physical stages: cells become rows, requests and edits. No torch."""

from .lower import lower
from .state import Lowered

__all__ = ["Lowered", "lower"]
