"""Run batches of rows through a model, with edits and reads at sites. Knows nothing of specs, prompts or statistics."""

from .batch import Batch, Edit, Read, pad
from .forward import Engine

__all__ = ["Batch", "Edit", "Engine", "Read", "pad"]
