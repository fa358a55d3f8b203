"""IR to typed logical graph. Finds every mistake that text alone shows; all of them, in one pass."""

from .program import Program, StatementNode
from .run import elaborate, left_out

__all__ = ["Program", "StatementNode", "elaborate", "left_out"]
