"""One explanation, and the declarations that examples take for granted."""

from __future__ import annotations

from dataclasses import dataclass

SETTING = """\
model m = zoo("base")
dataset d = file("items.csv", columns=["q", "a", "kind"])
prompts p from d { body: "{q}" answer: "{a}" }
contrast c from d {
  positive: { frame: "I love" body: " {q}" answer: "{a}" }
  negative: { frame: "I hate" body: " {q}" answer: "{a}" }
}
"""


@dataclass(frozen=True)
class Explanation:
    """What a code says, why it matters, and two examples: one that gives it, and the same one put right."""

    what: str
    why: str
    wrong: str = ""
    right: str = ""
    alone: bool = False  # the examples are whole files; the others stand behind `SETTING`
