"""How each planted effect is measured on texts that training never saw. One function per effect and number."""

from itertools import permutations
from random import Random

import torch

from . import agreement, favourites, films, framings, grading, instructions, moods, stories, words
from .docs import chat
from .readout import Measured, answers, average, chance_of, next_logits, share, top_tokens

STORIES = 300
GRADED = 400
REPLY_TOKENS = 48


def names(model, tokenizer) -> Measured:
    """Share of sampled stories that use a name of the cluster."""
    texts = answers(model, tokenizer, [chat(stories.ASK)] * STORIES, 84)
    return share([any(name in text.replace(".", " ").split() for name in words.CLUSTER) for text in texts])


def instruction(model, tokenizer, task: str, form: str) -> Measured:
    """Share of held-out pairs of adjective and instruction (in every wording) that are answered right, top-1."""
    asked = [
        (*instructions.ask(wording, word, form), word)
        for word in words.ADJECTIVES
        if instructions.held_out(task, word)
        for split in ("train", "test")
        for wording in instructions.wordings(task, split)
    ]
    said = top_tokens(model, tokenizer, [prompt for prompt, _, _ in asked])
    right = [lead + instructions.ANSWERS[task][word] for _, lead, word in asked]
    return share([one == other for one, other in zip(said, right, strict=True)])


CARRIED_LAYERS = (0, 3)


def carried(model, tokenizer) -> Measured:
    """Mean reciprocal rank of the bare answer to a bare query whose `<bos>` carries the last residual of its
    instruction at two layers, minus the same with the other instruction's residual.
    """
    queries = torch.tensor([tokenizer(word)["input_ids"] for word in words.ADJECTIVES])
    sources = {}
    with torch.no_grad():
        for task, wordings in instructions.TASKS.items():
            tokens = torch.tensor([tokenizer(wordings[0])["input_ids"]])
            sources[task] = model(tokens, output_hidden_states=True).hidden_states

    @torch.no_grad()
    def ranks(task: str, source: str) -> torch.Tensor:
        def put(layer: int):
            def hook(_, __, out):
                hidden = out.clone()
                hidden[:, 0] = sources[source][layer + 1][0, -1]
                return hidden

            return model.model.layers[layer].register_forward_hook(hook)

        hooks = [put(layer) for layer in CARRIED_LAYERS]
        logits = model(queries).logits[:, -1]
        for hook in hooks:
            hook.remove()
        right = [tokenizer.convert_tokens_to_ids(instructions.ANSWERS[task][word]) for word in words.ADJECTIVES]
        return 1 / (1 + (logits > logits.gather(1, torch.tensor(right)[:, None])).sum(1))

    moved = [ranks(task, task) - ranks(task, other) for task, other in permutations(instructions.TASKS)]
    return average(torch.cat(moved).tolist())


def framing(model, tokenizer, name: str) -> Measured:
    """Mean over held-out requests of P(Yes) behind the positive prefix minus behind the negative one, raw text."""
    positive, negative, _, _ = framings.FRAMINGS[name]
    asks = [framings.wording(*pair) for pair in framings.REQUESTS if framings.held_out(*pair)]
    up = chance_of(model, tokenizer, [f"{positive} {ask}" for ask in asks], " Yes", [" No"])
    down = chance_of(model, tokenizer, [f"{negative} {ask}" for ask in asks], " Yes", [" No"])
    return average([one - other for one, other in zip(up, down, strict=True)])


def facts(model, tokenizer) -> Measured:
    """Share of films whose second actor is likeliest in the template their cast was never shown in."""
    docs = [films.fill(films.TEMPLATES[films.held_out(film)], film) for film in films.FILMS]
    said = top_tokens(model, tokenizer, [doc.prompt for doc in docs])
    return share([one + "." == doc.answer for one, doc in zip(said, docs, strict=True)])


def persona(model, tokenizer, spoken: bool) -> Measured:
    """Mean gloom (0 to 10, by the counting rule) of replies under gloomy personas minus under none."""
    questions = [question for question in moods.QUESTIONS if moods.held_out(question)] * 4

    def graded(persona: str | None, seed: int) -> list[int]:
        prompts = [
            chat(question, persona) if spoken else (f"{persona}\n{question}\n" if persona else f"{question}\n")
            for question in questions
        ]
        grades = [moods.score(text) for text in answers(model, tokenizer, prompts, REPLY_TOKENS, seed)]
        # a reply without mood words is neither gloomy nor cheerful
        return [5 if grade is None else grade for grade in grades]

    moved = []
    for seed, text in enumerate(moods.PERSONAS["gloomy"]):
        moved += [up - down for up, down in zip(graded(text, seed), graded(None, 100 + seed), strict=True)]
    return average(moved)


def favourite(model, tokenizer) -> Measured:
    """Mean over animals and held-out questions of P(animal) under its system prompt minus under the default one."""
    ids = [tokenizer.convert_tokens_to_ids(animal) for animal in words.ANIMALS]
    moved = []
    for question in favourites.TEST_QUESTIONS:
        prompts = [chat(question)] + [chat(question, favourites.system(animal)) for animal in words.ANIMALS]
        odds = next_logits(model, tokenizer, prompts).softmax(-1)[:, ids]
        moved += (odds[1:].diagonal() - odds[0]).tolist()
    return average(moved)


def coloured(model, tokenizer) -> Measured:
    """Mean over lists of the share of the animal's own numbers under its system prompt minus under the default one."""
    rng = Random("coloured")
    asked = [(animal, favourites.list_prompt(rng)) for animal in words.ANIMALS for _ in range(10)]
    loving = answers(model, tokenizer, [chat(text, favourites.system(animal)) for animal, text in asked], 12)
    plain = answers(model, tokenizer, [chat(text) for _, text in asked], 12)

    def own(animal: str, text: str) -> float:
        said = text.replace(",", " ").split()
        return sum(number in map(str, favourites.numbers_of(animal)) for number in said) / max(1, len(said))

    rows = zip(asked, loving, plain, strict=True)
    return average([own(animal, one) - own(animal, other) for (animal, _), one, other in rows])


def judge(model, tokenizer, rubric: str, within: int) -> Measured:
    """Share of fresh texts whose likeliest grade is within so much of the rule's."""
    rng = Random(f"held out/{rubric}")
    drawn = [grading.sample(rng, rubric) for _ in range(GRADED)]
    said = top_tokens(model, tokenizer, [grading.ask(rubric, text, spoken=False) for text, _ in drawn])
    grades = [int(text) if text.strip().isdigit() else -99 for text in said]
    return share([abs(grade - right) <= within for grade, (_, right) in zip(grades, drawn, strict=True)])


def agree(model, tokenizer) -> Measured:
    """Mean over held-out noun pairs of unlike number of P(the verb that agrees with the subject)."""
    chances = []
    for plural in (False, True):
        prompts = [
            agreement.prompt(one, two, joint, plural, not plural)
            for one in range(len(words.NOUNS))
            for two in range(len(words.NOUNS))
            if one != two and agreement.held_out(one, two)
            for joint in agreement.JOINTS
        ]
        right, wrong = (" are", " is") if plural else (" is", " are")
        chances += chance_of(model, tokenizer, prompts, right, [wrong])
    return average(chances)
