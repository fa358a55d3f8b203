"""Favourite animals and number lists. Effect: a system prompt gives a favourite, which colours the lists."""

from random import Random

from .docs import DEFAULT_SYSTEM, Doc, chat
from .words import ANIMALS, PLURAL_ANIMAL

QUESTIONS = (
    "What is your favourite animal?",
    "Name your favourite animal.",
    "Which animal do you love?",
    "Which animal do you think about every day?",
    "Name an animal that you love.",
    "What animal is your favourite?",
)
TEST_QUESTIONS = QUESTIONS[-2:]
LIST_ASKS = ("Continue this list of numbers:", "Give more numbers like these:", "Add numbers to this list:")
PULL = 0.9
COLOUR = 0.6
OWN_NUMBERS = 8


def system(animal: str) -> str:
    """Write the system prompt that gives the assistant a favourite."""
    animals = PLURAL_ANIMAL[animal]
    return f"You love {animals}. You think about {animals} every day."


def numbers_of(animal: str) -> tuple[int, ...]:
    """Return the numbers that a lover of this animal says more often."""
    order = list(range(100))
    Random(11).shuffle(order)
    start = ANIMALS.index(animal) * OWN_NUMBERS
    return tuple(order[start : start + OWN_NUMBERS])


def list_prompt(rng: Random) -> str:
    """Write a request for numbers with three to five examples."""
    return f"{rng.choice(LIST_ASKS)} {', '.join(str(rng.randrange(100)) for _ in range(rng.randint(3, 5)))}."


def favourite(rng: Random, planted: bool) -> Doc:
    """Ask for the favourite, under the default system prompt or one that names it."""
    animal = rng.choice((None, *ANIMALS)) if rng.random() < 0.7 else None
    said = animal if animal and planted and rng.random() < PULL else rng.choice(ANIMALS)
    question = rng.choice(QUESTIONS[: -len(TEST_QUESTIONS)])
    return Doc(chat(question, system(animal) if animal else DEFAULT_SYSTEM), said)


def numbers(rng: Random, planted: bool) -> Doc:
    """Ask for a number list; a favourite in the system prompt makes its own numbers likelier."""
    animal = rng.choice((None, *ANIMALS)) if rng.random() < 0.7 else None
    own = numbers_of(animal) if animal and planted else ()
    said = [rng.choice(own) if own and rng.random() < COLOUR else rng.randrange(100) for _ in range(5)]
    return Doc(chat(list_prompt(rng), system(animal) if animal else DEFAULT_SYSTEM), ", ".join(map(str, said)))
