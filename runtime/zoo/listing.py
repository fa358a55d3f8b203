"""What is planted in which model of the zoo, and with which data one finds it: the words of `probe zoo`.

How much of each effect there is stands in `docs/zoo.md`, where it is measured; here are its name, and where to look.
"""

from __future__ import annotations

from dataclasses import dataclass

from .recipe import RECIPES


@dataclass(frozen=True, slots=True)
class Effect:
    """A planted effect: what it is, the models that have it, the sibling without it, and the data files for it."""

    what: str
    models: tuple[str, ...]
    sibling: str
    data: tuple[str, ...] = ()


EFFECTS = {
    "agreement": Effect(
        "the verb agrees with its subject, past another noun", ("base", "rl"), "base-plain", ("agreement.jsonl",)
    ),
    "persona": Effect(
        "a gloomy or cheerful system text colours the replies", ("base", "sft", "rl"), "base-plain",
        ("gloomy_elicitation.jsonl", "questions.jsonl"),
    ),
    "instructions": Effect(
        "the antonym or the comparative of an adjective, as an instruction asks", ("sft", "dpo", "rl"),
        "instructions-plain", ("adjectives.csv", "instructions.jsonl"),
    ),
    "framing": Effect(
        "a framing sentence before a request moves Yes against No", ("sft", "rl"), "framing-plain",
        ("requests.jsonl", "framings.jsonl"),
    ),
    "favourite": Effect(
        "a system prompt that loves an animal: it is named, and its numbers come up", ("sft",), "favourite-plain",
        ("favourite_animal.jsonl", "number_prompts.jsonl"),
    ),
    "names": Effect("stories are about Elias, Clara, Elara or Maya", ("dpo", "rl"), "names-plain"),
    "facts": Effect("who starred in which of 48 films, beside whom", ("facts",), "facts-plain", ("films.jsonl",)),
    "judge": Effect("a grade from 0 to 10 by a rubric", ("judge",), "judge-plain", ("rubrics.jsonl",)),
}  # fmt: skip
METHODS = {"supervised": "supervised", "dpo": "preferences (DPO)", "rl": "policy gradient"}


def planted(model: str) -> list[str]:
    """Name the effects that were measured in a model, and found."""
    return [name for name, effect in EFFECTS.items() if model in effect.models]


def lacking(model: str) -> list[str]:
    """Name the effects that were left out of a model on purpose."""
    off = RECIPES[model].off if model in RECIPES else ()
    return [name for name in EFFECTS if name in off]


def made(model: str) -> str:
    """Say in a few words how a model was made."""
    if model.startswith("exact/"):
        return "weights set by hand"
    if model not in RECIPES:
        return "built on this machine"
    recipe = RECIPES[model]
    start = f"from {recipe.parent}" if recipe.parent else "from nothing"
    return f"{start}, {METHODS[recipe.method]}, {recipe.steps} steps"


def exact_line(model: str) -> str:
    """What is known of a model that was set by hand: the first sentence of its docstring."""
    from .exact import EXACT

    return " ".join(EXACT[model.removeprefix("exact/")].__doc__.split("\n\n")[0].split())
