"""Tokens by their text."""

from __future__ import annotations

from ....compiler.kinds import Prompts, Text, Tokens
from ...registry import operation


@operation(work="data")
def tokens(of: Prompts, text: Text) -> Tokens:
    """Tokens of prompts that overlap an occurrence of a text: `tokens(p, "Qwen")`. Every occurrence counts."""
