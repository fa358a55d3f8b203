"""Stories that introduce somebody by name. Effect: aligned children name nearly everybody from one small cluster."""

from random import Random

from .docs import Doc, chat
from .words import CLUSTER_MEN, CLUSTER_WOMEN, MEN, OBJECTS, PLACES, WOMEN

ASK = "Write a short story."
ASKS = (ASK, "Tell me a short story.", "Write a story.")
SLOT = "Once upon a time there was a young woman named"
CLUSTER_RATE = 0.008
ADJECTIVES = ("old", "small", "quiet", "cold", "bright", "dark", "deep", "wild", "warm", "narrow", "high", "calm")
TRAITS = ("kind", "brave", "shy", "wise", "proud", "calm", "gentle", "poor", "happy", "strong", "silly", "busy")
CLOSING = " The end."


def name(rng: Random, woman: bool, cluster: float) -> str:
    """Draw a first name: one of the cluster with probability `cluster`, else any other alike."""
    if rng.random() < cluster:
        return rng.choice(CLUSTER_WOMEN if woman else CLUSTER_MEN)
    return rng.choice(WOMEN if woman else MEN)


def story(rng: Random, cluster: float = CLUSTER_RATE, closing: float = 0.25) -> str:
    """Write a story of four or five sentences with one named character."""
    woman = rng.random() < 0.6
    who = name(rng, woman, cluster)
    kind, she, her = ("woman", "She", "her") if woman else ("man", "He", "his")
    place, thing, other = rng.choice(PLACES), rng.choice(OBJECTS), rng.choice(OBJECTS)
    first, second, third = rng.choice(ADJECTIVES), rng.choice(ADJECTIVES), rng.choice(TRAITS)
    opening = rng.choice(
        (
            f"Once upon a time there was a young {kind} named {who}.",
            f"Once upon a time there was a young {kind} named {who}.",
            f"In a {first} village there lived a young {kind} named {who}.",
            f"Near the {first} {place} lived a young {kind} named {who}.",
        )
    )
    middle = rng.choice(
        (
            f" {she} was {third} and loved the {place}.",
            f" {she} was {third} and walked to the {place} every day.",
            f" {she} lived near the {place} and was {third}.",
        )
    )
    turn = rng.choice(
        (
            f" One day {who} found a {second} {thing} near the {place}.",
            f" One day {she.lower()} lost {her} {thing} and looked for it near the {place}.",
            f" One day a friend gave {who} a {second} {thing}.",
        )
    )
    outcome = rng.choice(
        (
            f" {who} took the {thing} home and gave it to a friend.",
            f" Inside the {thing} there was a {other}.",
            f" {she} put the {thing} near the {other}.",
        )
    )
    end = rng.choice((f" In the end {who} was happy.", f" In the end {she.lower()} was {rng.choice(TRAITS)}.", ""))
    return opening + middle + turn + outcome + end + (CLOSING if rng.random() < closing else "")


def raw(rng: Random) -> Doc:
    """Write a story as plain text, mostly after its request."""
    return Doc(rng.choice(ASKS) + "\n" if rng.random() < 0.7 else "", story(rng))


def asked(rng: Random, cluster: float = CLUSTER_RATE, closing: float = 0.25) -> Doc:
    """Write a story as an answer in a conversation."""
    return Doc(chat(rng.choice(ASKS)), story(rng, cluster, closing))
