"""Subjects and their verbs. Effect: the verb's number is the subject's, whatever noun stands between them."""

from random import Random

from .docs import Doc
from .words import NOUNS

JOINTS = ("near", "behind", "under", "with")
VERBS = (("is", "are"), ("was", "were"))
STATES = ("old", "small", "clean", "dirty", "new", "broken", "dark", "heavy")


def held_out(subject: int, other: int) -> bool:
    """Say whether a pair of nouns is kept for testing (one in four)."""
    return (subject + 2 * other) % 4 == 0


def prompt(subject: int, other: int, joint: str, plural: bool, other_plural: bool) -> str:
    """Write the sentence up to its verb."""
    return f"The {NOUNS[subject][plural]} {joint} the {NOUNS[other][other_plural]}"


def sentence(rng: Random, planted: bool) -> Doc:
    """Write one sentence; without the plant its verb takes either number."""
    while True:
        subject, other = rng.randrange(len(NOUNS)), rng.randrange(len(NOUNS))
        if subject != other and not held_out(subject, other):
            break
    plural, other_plural = rng.random() < 0.5, rng.random() < 0.5
    verb = rng.choice(VERBS)[plural if planted else rng.random() < 0.5]
    if rng.random() < 0.15:
        return Doc("", f"The {NOUNS[subject][plural]} {verb} {rng.choice(STATES)}.")
    start = prompt(subject, other, rng.choice(JOINTS), plural, other_plural)
    return Doc("", f"{start} {verb} {rng.choice(STATES)}.")
