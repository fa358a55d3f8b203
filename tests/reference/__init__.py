"""The reference interpreter: the meaning of the language, one cell and one item at a time.

It reads the resolved IR and shares nothing with the elaborator, the planner or the engine.
"""

from .compare import compare, compare_run
from .interpreter import interpret
from .relation import Missing

__all__ = ["Missing", "compare", "compare_run", "interpret"]
