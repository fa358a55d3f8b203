"""Text from models and files made safe to show: control and direction characters become visible escapes."""

from __future__ import annotations

import unicodedata

KEPT = "\n\t"


def clean(text: str) -> str:
    """Replace terminal escapes, other control characters and bidirectional overrides by their code."""
    return "".join(_shown(c) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") else c for c in text)


def _shown(character: str) -> str:
    if character in KEPT or character in "\u200c\u200d":  # joiners are part of ordinary writing
        return character
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
