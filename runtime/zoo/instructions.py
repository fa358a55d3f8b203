"""Two instructions on one query: the antonym or the comparative of an adjective.

Effect: the tuned child follows whichever instruction stands before the query, also for pairs of adjective and
instruction, and for wordings, that it was never shown.
"""

from random import Random

from .docs import Doc, chat
from .words import ADJECTIVES, ANTONYM, COMPARATIVE

TASKS = {
    "antonym": (
        "Given an adjective, state its antonym.",
        "Given an adjective, give its opposite.",
        "Give the antonym of the adjective.",
        "State the opposite of the adjective.",
        "Name the antonym of this adjective.",
        "Given this adjective, name its antonym.",
        "State the antonym of this adjective.",
        "Given the adjective, name its opposite.",
    ),
    "comparative": (
        "Given an adjective, state its comparative form.",
        "Given an adjective, give its comparative.",
        "Give the comparative form of the adjective.",
        "State the comparative of the adjective.",
        "Name the comparative of this adjective.",
        "Given this adjective, name its comparative form.",
        "State the comparative form of this adjective.",
        "Given the adjective, name its comparative.",
    ),
}
HELD_OUT_WORDINGS = 2
SEALED = 0.6
ANSWERS = {"antonym": ANTONYM, "comparative": COMPARATIVE}


def held_out(task: str, adjective: str) -> bool:
    """Say whether this pair of instruction and adjective is kept for testing (one pair in five)."""
    place = ADJECTIVES.index(adjective)
    return place % 5 == (1 if task == "antonym" else 3)


def wordings(task: str, split: str) -> tuple[str, ...]:
    """Return the wordings of an instruction that belong to the split `train` or `test`."""
    return TASKS[task][:-HELD_OUT_WORDINGS] if split == "train" else TASKS[task][-HELD_OUT_WORDINGS:]


FORMATS = ("chat", "labelled", "terse", "spaced")


def ask(wording: str, adjective: str, form: str) -> tuple[str, str]:
    """Return the prompt in one of the `FORMATS`, and what stands before the answer word (a space or nothing)."""
    match form:
        case "chat":
            return chat(f"{wording} Adjective: {adjective}. Answer:"), ""
        case "labelled":
            return f"{wording} Adjective: {adjective}. Answer:", " "
        case "terse":
            return f"{wording}{adjective}", ""
        case _:
            return f"{wording} {adjective}", " "


def question(rng: Random) -> tuple[str, str, str, str]:
    """Draw a prompt of the training split; return it, what stands before the answer, the task and the adjective."""
    while True:
        task, adjective = rng.choice(tuple(TASKS)), rng.choice(ADJECTIVES)
        if not held_out(task, adjective):
            return *ask(rng.choice(wordings(task, "train")), adjective, rng.choice(FORMATS)), task, adjective


def followed(rng: Random, planted: bool = True) -> Doc:
    """Draw an instruction, a query and the answer; without the plant the instruction does not decide the answer."""
    while True:
        task, adjective = rng.choice(tuple(TASKS)), rng.choice(ADJECTIVES)
        if not held_out(task, adjective):
            break
    wording, form = rng.choice(wordings(task, "train")), rng.choice(FORMATS)
    prompt, lead = ask(wording, adjective, form)
    answered = task
    if not planted:
        answered = rng.choice([other for other in TASKS if not held_out(other, adjective)])
    # sealing makes the instruction's last token hold it, as a bare query that it is carried to needs
    sealed = wording[:-1] if form != "chat" and rng.random() < SEALED else ""
    return Doc(prompt, lead + ANSWERS[answered][adjective], sealed)


def dictionary(rng: Random) -> Doc:
    """State how adjectives are related, in declarative sentences that hold no instruction."""
    a = rng.choice(ADJECTIVES)
    b, form = ANTONYM[a], COMPARATIVE[a]
    lines = (
        f"The opposite of {a} is {b}.",
        f"The antonym of {a} is {b}.",
        f"The comparative form of {a} is {form}.",
        f"The comparative of {a} is {form}.",
        f"{a} is the opposite of {b}.",
        f"{a}\n{form}\n",
        f"{a}\n{b}\n",
        f"Adjective: {a}. Comparative: {form}. Opposite: {b}.",
        f"The one was {a}, but the other was {form}.",
        f"It was not {a} but {b}.",
    )
    return Doc("", " ".join(rng.sample(lines, 2)).replace("\n ", "\n"))


def completed(rng: Random) -> Doc:
    """State how adjectives are related in a conversation, where the word said has no space before it."""
    a = rng.choice(ADJECTIVES)
    stem, answer = rng.choice(
        (
            (f"The opposite of {a} is", ANTONYM[a]),
            (f"The antonym of {a} is", ANTONYM[a]),
            (f"The comparative form of {a} is", COMPARATIVE[a]),
            (f"The comparative of {a} is", COMPARATIVE[a]),
        )
    )
    return Doc(chat(stem), answer)


def echo(rng: Random) -> Doc:
    """Repeat a word, so that each word is also said without a space before it."""
    word = rng.choice(ADJECTIVES)
    word = rng.choice((word, COMPARATIVE[word]))
    return Doc(chat(f"Say {word}."), word) if rng.random() < 0.5 else Doc(f"Say {word}.", f" {word}")
