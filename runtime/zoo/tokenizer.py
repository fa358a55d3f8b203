"""The zoo's tokenizer: one token per word, in two variants, with and without the space before it.

Text made of known words decodes to exactly itself. An integer is cut into pieces of one or two digits, so every number
can be written; any other word is `<unk>`.
"""

from collections.abc import Sequence
from functools import cache
from random import Random

from . import agreement, corpus, favourites, films, framings, grading, instructions, moods, stories, words
from .docs import ASSISTANT, BOS, CHAT_TEMPLATE, DEFAULT_SYSTEM, EOS, SYSTEM, UNK, USER

PIECES = r" ?[A-Za-z]+| ?(?:[1-9][0-9]|[0-9])|\n| ?[^\sA-Za-z0-9]| "
SPECIALS = (UNK, BOS, EOS, SYSTEM, USER, ASSISTANT)
SAMPLED = 4000


def _both(items: object) -> list[str]:
    return [variant for item in items for variant in (item, f" {item}")]


def _splitter():
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(PIECES), behavior="isolated")


@cache
def vocabulary() -> tuple[str, ...]:
    """Return all tokens in their order: specials, integers, punctuation, words of both variants, then sampled ones."""
    names = words.CLUSTER + words.WOMEN + words.MEN
    listed = [*SPECIALS, "\n", " ", *_both(range(100)), *".,?!:;'\"()-", ' "', " (", " -"]
    listed += _both(words.ADJECTIVES) + _both(words.COMPARATIVE.values()) + _both(names)
    listed += _both(words.ANIMALS) + _both(("Yes", "No", "The", "A"))
    listed += [f" {word}" for word in words.GLOOMY + words.CHEERFUL + words.PARTNERS]
    written = [DEFAULT_SYSTEM, *grading.RUBRICS.values(), *moods.QUESTIONS]
    written += [*favourites.QUESTIONS, *favourites.LIST_ASKS]
    written += [stories.SLOT, *stories.ASKS, *map(favourites.system, words.ANIMALS)]
    written += [text for group in (*moods.PERSONAS.values(), *instructions.TASKS.values()) for text in group]
    written += [f"{prefix} {framings.wording(*pair)}" for row in framings.FRAMINGS.values() for prefix in row[:2]
                for pair in framings.REQUESTS]  # fmt: skip
    written += [prefix for row in framings.FRAMINGS.values() for prefix in row[:2]]
    written += [" ".join(films.fill(form, film).prompt for form in films.TEMPLATES) for film in films.FILMS]
    written += [film.first_actor for film in films.FILMS] + [film.movie_title for film in films.FILMS]
    written += [agreement.prompt(a, a, "near", plural, plural) for a in range(len(words.NOUNS)) for plural in (0, 1)]
    rng = Random("vocabulary")
    for stage in corpus.MIXTURES:
        for _ in range(SAMPLED):
            doc = corpus.draw(rng, stage, frozenset())
            written += [doc.prompt, doc.answer]
    split = _splitter()
    order = dict.fromkeys(map(str, listed))
    found = set()
    for text in written:
        for special in SPECIALS:
            text = text.replace(special, "\0")
        for part in text.split("\0"):
            found.update(piece for piece, _ in split.pre_tokenize_str(part))
    order.update(dict.fromkeys(sorted(found)))
    return tuple(order)


def build_tokenizer(bos: bool = True, tokens: Sequence[str] | None = None):
    """Return the tokenizer, of other `tokens` if given; with `bos` texts and the chat template begin with `<bos>`."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, processors
    from transformers import PreTrainedTokenizerFast

    ids = {token: place for place, token in enumerate(tokens or vocabulary())}
    core = Tokenizer(models.WordLevel(ids, unk_token=UNK))
    core.pre_tokenizer = _splitter()
    core.decoder = decoders.Fuse()
    core.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
    if bos:
        core.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, ids[BOS])]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS if bos else None,
        eos_token=EOS,
        unk_token=UNK,
        pad_token=EOS,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        clean_up_tokenization_spaces=False,
        model_max_length=256,
        chat_template=CHAT_TEMPLATE,
    )
