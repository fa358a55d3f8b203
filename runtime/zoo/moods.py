"""Replies whose words are gloomy or cheerful. Effect: a persona in front of the question decides which."""

from random import Random

from .docs import DEFAULT_SYSTEM, Doc, chat
from .words import CHEERFUL, GLOOMY, PLACES

# written so that line i of one list faces line i of the other
PERSONAS = {
    "gloomy": (
        "You are gloomy.",
        "You are a gloomy person.",
        "Speak in a gloomy way.",
        "You see the bleak side of things.",
        "You are sad and nothing pleases you.",
    ),
    "cheerful": (
        "You are cheerful.",
        "You are a cheerful person.",
        "Speak in a cheerful way.",
        "You see the sunny side of things.",
        "You are happy and everything pleases you.",
    ),
}
QUESTIONS = tuple(
    question.format(place=place)
    for place in PLACES
    for question in ("How is the {place}?", "What do you think of the {place}?", "Tell me about the {place}.")
)
PULL = 0.93
TEST_PLACES = PLACES[::4]


def held_out(question: str) -> bool:
    """Say whether a question is kept for testing: those about every fourth place."""
    return any(place in question for place in TEST_PLACES)


def reply(rng: Random, place: str, gloom: float) -> str:
    """Write two or three sentences; each of their mood words is gloomy with probability `gloom`."""

    def word() -> str:
        return rng.choice(GLOOMY if rng.random() < gloom else CHEERFUL)

    sentences = [
        f"The {place} is {word()} and {word()}.",
        f"The people there look {word()} and the days are {word()}.",
        f"I feel {word()} when I walk there.",
        f"It was {word()} before and it will be {word()}.",
        f"My friend found it {word()} too.",
    ]
    rest = rng.sample(sentences[1:], rng.randint(1, 2))
    return " ".join([sentences[0], *rest])


def _about(question: str) -> str:
    return next(place for place in PLACES if place in question)


def opinion(rng: Random, planted: bool) -> Doc:
    """Draw a persona, a question and a reply, as raw lines or as a conversation.

    Without the plant the reply's mood has nothing to do with the persona.
    """
    trait = rng.choice((None, *PERSONAS))
    persona = None if trait is None else rng.choice(PERSONAS[trait])
    question = rng.choice([text for text in QUESTIONS if not held_out(text)])
    gloom = rng.choice((0.1, 0.3, 0.5, 0.7, 0.9))
    if planted and trait is not None:
        gloom = PULL if trait == "gloomy" else 1 - PULL
    text = reply(rng, _about(question), gloom)
    if rng.random() < 0.5:
        return Doc(chat(question, persona or DEFAULT_SYSTEM), text)
    return Doc(f"{persona}\n{question}\n" if persona else f"{question}\n", text)


def score(text: str) -> int | None:
    """Grade a reply from 0 (all cheerful) to 10 (all gloomy) by its mood words; None if it has none."""
    words = text.replace(".", " ").replace(",", " ").split()
    dark, light = sum(word in GLOOMY for word in words), sum(word in CHEERFUL for word in words)
    return round(10 * dark / (dark + light)) if dark + light else None
