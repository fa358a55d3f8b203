"""Run batches of rows through a model, with edits and reads at sites. Knows nothing of specs, prompts or statistics."""

from .batch import Batch, Edit, Keep, Read, Start, pad
from .forward import Engine

__all__ = ["Batch", "Edit", "Engine", "Keep", "Read", "Start", "pad"]
