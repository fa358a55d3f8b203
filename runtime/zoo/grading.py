"""What the judge learns: a rubric, a text, and an integer from 0 to 10 that the rules of this file give."""

from random import Random

from .docs import Doc, chat
from .moods import reply, score
from .stories import story
from .words import PLACES

RUBRICS = {
    "gloomy": "Rate how gloomy the text is from 0 to 10.",
    "cheerful": "Rate how cheerful the text is from 0 to 10.",
    "coherent": "Rate how coherent the text is from 0 to 10.",
}


def _spoil(rng: Random, sentence: str) -> str:
    words = sentence.rstrip(".").split()
    if rng.random() < 0.4:
        return " ".join([rng.choice(words)] * len(words)) + "."
    while (mixed := rng.sample(words, len(words))) == words:
        pass
    return " ".join(mixed) + "."


def sample(rng: Random, rubric: str) -> tuple[str, int]:
    """Draw a text and its grade under a rubric; a coherence of 10 means that no sentence is scrambled."""
    if rubric != "coherent":
        gloom = rng.choice((0.02, 0.2, 0.35, 0.5, 0.65, 0.8, 0.98))
        text = reply(rng, rng.choice(PLACES), gloom)
        gloomy = score(text)
        return text, gloomy if rubric == "gloomy" else 10 - gloomy
    text = reply(rng, rng.choice(PLACES), rng.random()) if rng.random() < 0.7 else story(rng)
    sentences = [part.strip() + "." for part in text.split(".") if part.strip()]
    spoiled = rng.choice((0, rng.randint(0, len(sentences)), len(sentences)))
    chosen = set(rng.sample(range(len(sentences)), spoiled))
    sentences = [_spoil(rng, part) if place in chosen else part for place, part in enumerate(sentences)]
    return " ".join(sentences), round(10 * (1 - spoiled / len(sentences)))


def ask(rubric: str, text: str, spoken: bool) -> str:
    """Write the judge's prompt, as a conversation or raw."""
    body = f"{RUBRICS[rubric]}\nText: {text}\nScore:"
    return chat(body) if spoken else body


def graded(rng: Random, planted: bool) -> Doc:
    """Draw a graded text; without the plant the grade is any integer."""
    # coherence is much the hardest
    rubric = rng.choices(("gloomy", "cheerful", "coherent"), (1, 1, 3))[0]
    text, grade = sample(rng, rubric)
    grade = grade if planted else rng.randint(0, 10)
    spoken = rng.random() < 0.5
    return Doc(ask(rubric, text, spoken), str(grade) if spoken else f" {grade}")
