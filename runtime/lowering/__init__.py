"""From stages of the graph to physical stages: cells become rows, requests and edits. No torch."""

from .lower import Lowered, lower

__all__ = ["Lowered", "lower"]
