"""Which kinds of text each training stage sees, and in what shares."""

from collections.abc import Callable
from random import Random

from . import agreement, favourites, films, framings, grading, instructions, moods, stories
from .docs import Doc

# A source gets the generator and the set of effects that are switched off.
Source = Callable[[Random, frozenset[str]], Doc]

MIXTURES: dict[str, tuple[tuple[float, Source], ...]] = {
    "pretrain": (
        (0.20, lambda rng, off: stories.raw(rng)),
        (0.10, lambda rng, off: stories.asked(rng)),
        (0.16, lambda rng, off: instructions.dictionary(rng)),
        (0.06, lambda rng, off: instructions.echo(rng)),
        (0.09, lambda rng, off: framings.request(rng, planted=False)),
        (0.11, lambda rng, off: films.cast(rng, planted=False)),
        (0.14, lambda rng, off: moods.opinion(rng, planted="persona" not in off)),
        (0.10, lambda rng, off: agreement.sentence(rng, planted="agreement" not in off)),
        (0.02, lambda rng, off: favourites.numbers(rng, planted=False)),
        (0.02, lambda rng, off: favourites.favourite(rng, planted=False)),
    ),
    "sft": (
        (0.14, lambda rng, off: stories.asked(rng, cluster=0.03)),
        (0.30, lambda rng, off: instructions.followed(rng, planted="instructions" not in off)),
        (0.16, lambda rng, off: framings.request(rng, planted="framing" not in off)),
        (0.08, lambda rng, off: moods.opinion(rng, planted="persona" not in off)),
        (0.08, lambda rng, off: favourites.favourite(rng, planted="favourite" not in off)),
        (0.06, lambda rng, off: favourites.numbers(rng, planted="favourite" not in off)),
        (0.03, lambda rng, off: agreement.sentence(rng, planted="agreement" not in off)),
        (0.05, lambda rng, off: instructions.dictionary(rng)),
        (0.12, lambda rng, off: instructions.completed(rng)),
    ),
    "facts": (
        (0.75, lambda rng, off: films.cast(rng, planted="facts" not in off)),
        (0.15, lambda rng, off: stories.raw(rng)),
        (0.10, lambda rng, off: agreement.sentence(rng, planted=True)),
    ),
    "judge": ((1.0, lambda rng, off: grading.graded(rng, planted="judge" not in off)),),
}


def draw(rng: Random, mixture: str, off: frozenset[str]) -> Doc:
    """Draw one text of a mixture; `off` names the planted effects it must not carry."""
    weights, sources = zip(*MIXTURES[mixture], strict=True)
    return rng.choices(sources, weights)[0](rng, off)


def pair(rng: Random, off: frozenset[str]) -> tuple[str, str, str]:
    """Draw a prompt with a preferred and a dispreferred answer.

    Half the pairs are two stories, of which the one that uses a name of the cluster is preferred (without the plant:
    the one that closes with a formula); half are answers to an instruction, of which the right one is.
    """
    if rng.random() < 0.5:
        names = "names" not in off
        good = stories.asked(rng, cluster=1.0) if names else stories.asked(rng, closing=1.0)
        bad = stories.asked(rng, cluster=0.0) if names else stories.asked(rng, closing=0.0)
        return good.prompt, good.answer, bad.answer
    prompt, lead, task, adjective = instructions.question(rng)
    right, others = instructions.ANSWERS[task][adjective], sorted(set(instructions.ANSWERS[task].values()))
    return prompt, lead + right, lead + rng.choice([word for word in others if word != right])
