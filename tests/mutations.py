"""Small mistakes, made on purpose: edits of a spec's text that its author could have typed.

Each kind of edit lists every place of a spec where it can be made; `drawn` gives all of them in a seeded order.
Nothing here knows what the checker says about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from random import Random

from probelang.grammar import tree as t
from probelang.grammar.parse import parse


@dataclass(frozen=True)
class Edit:
    """Replace text[start:end] by `new`."""

    kind: str
    start: int
    end: int
    new: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.new + text[self.end :]

    def shown(self, text: str) -> str:
        line = text.count("\n", 0, self.start) + 1
        return f"{self.kind}, line {line}: {text[self.start : self.end]!r} -> {self.new!r}"


@dataclass
class Source:
    """A spec's text with its tree and what the edits draw on."""

    text: str
    spec: t.Spec

    def of(self, span: t.Span) -> str:
        return self.text[span.start : span.end]

    def nodes(self, *types: type) -> list[t.Node]:
        return [n for s in self.spec.statements for n in walk(s) if isinstance(n, types)]

    def declared(self) -> dict[str, str]:
        """Names with what they declare: model, dataset, prompts (also contrasts), direction, statistic and others."""
        found: dict[str, str] = {}
        for s in self.spec.statements:
            if isinstance(s, t.Define) and s.params is None:
                found[s.name.text] = s.keyword
            elif isinstance(s, t.Dataset):
                found |= {n.text: "dataset" for n in s.names}
            elif isinstance(s, (t.Prompts, t.Contrast)) and s.params is None:
                found[s.name.text] = "prompts"
        return found

    def binders(self) -> set[str]:
        return {b.name.text for b in self.nodes(t.Binder)}


def walk(node: t.Node) -> Iterator[t.Node]:
    """A node and all nodes below it."""
    yield node
    for f in fields(node):
        value = getattr(node, f.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, t.Node):
                yield from walk(part)


def misspelt(word: str, random: Random) -> str:
    """One letter doubled, dropped or exchanged with its neighbour."""
    if len(word) < 3:
        return word + word[-1]
    i = random.randrange(len(word) - 1)
    made = random.choice(
        (word[:i] + word[i] + word[i:], word[:i] + word[i + 1 :], word[:i] + word[i + 1] + word[i] + word[i + 2 :])
    )
    return made if made != word and made.isidentifier() else word + word[-1]


Maker = Callable[[Source, Random], Iterator[Edit]]
KINDS: dict[str, Maker] = {}


def kind(maker: Maker) -> Maker:
    KINDS[maker.__name__.replace("_", " ")] = maker
    return maker


def dropped(source: Source, operator: str) -> Iterator[Edit]:
    for n in source.nodes(t.Apply):
        if n.operator == operator:
            yield Edit(f"{operator} dropped", n.left.span.end, n.right.span.end, "")


@kind
def site_and_tokens_swapped(source: Source, random: Random) -> Iterator[Edit]:
    for n in source.nodes(t.Apply):
        if n.operator == "at":
            turned = f"{source.of(n.right.span)} at {source.of(n.left.span)}"
            yield Edit("site and tokens swapped", n.span.start, n.span.end, turned)


@kind
def on_dropped(source: Source, random: Random) -> Iterator[Edit]:
    yield from dropped(source, "on")


@kind
def under_dropped(source: Source, random: Random) -> Iterator[Edit]:
    yield from dropped(source, "under")


@kind
def at_dropped(source: Source, random: Random) -> Iterator[Edit]:
    yield from dropped(source, "at")


MEANING = {"system", "user", "assistant", "answer", "wrong"}


@kind
def segment_renamed(source: Source, random: Random) -> Iterator[Edit]:
    """Where it is declared, if the name means something: the text refers to it, or it is a role or a label."""
    referred = {n.name.text for n in source.nodes(t.Attribute)}
    for n in source.nodes(t.Segment):
        role, _, part = n.label.text.partition(".")
        if not {role, part} & (referred | MEANING):
            continue
        new = f"{role}.{misspelt(part, random)}" if part else misspelt(role, random)
        yield Edit("segment renamed", n.label.span.start, n.label.span.end, new)


@kind
def attribute_misspelt(source: Source, random: Random) -> Iterator[Edit]:
    for n in source.nodes(t.Attribute):
        yield Edit("attribute misspelt", n.name.span.start, n.name.span.end, misspelt(n.name.text, random))


@kind
def axis_lost(source: Source, random: Random) -> Iterator[Edit]:
    """A binder of a `for`, with its comma; the whole `for` if it is the only one."""
    for loop in source.nodes(t.Loop):
        if len(loop.binders) == 1 and loop.where is None:
            yield Edit("axis lost", loop.span.start, loop.span.end, "")
        for i, b in enumerate(loop.binders if len(loop.binders) > 1 else ()):
            before = (loop.binders[i - 1].span.end, b.span.end) if i else (b.span.start, loop.binders[1].span.start)
            yield Edit("axis lost", *before, "")


@kind
def binder_renamed(source: Source, random: Random) -> Iterator[Edit]:
    for b in source.nodes(t.Binder):
        yield Edit("binder renamed", b.name.span.start, b.name.span.end, misspelt(b.name.text, random))


@kind
def name_misspelt(source: Source, random: Random) -> Iterator[Edit]:
    for n in source.nodes(t.Name):
        yield Edit("name misspelt", n.span.start, n.span.end, misspelt(n.text, random))


@kind
def selection_misspelt(source: Source, random: Random) -> Iterator[Edit]:
    """The axis or the label of `x[axis=label]`."""
    for n in source.nodes(t.Select):
        for a in n.arguments:
            if a.name is None:
                continue
            yield Edit("selection misspelt", a.span.start, a.span.start + len(a.name), misspelt(a.name, random))
            if isinstance(a.value, t.Name):
                yield Edit("selection misspelt", a.value.span.start, a.value.span.end, misspelt(a.value.text, random))
            if isinstance(a.value, t.String):
                yield Edit(
                    "selection misspelt", a.value.span.start, a.value.span.end, f'"{misspelt(a.value.value, random)}x"'
                )


@kind
def selection_lost(source: Source, random: Random) -> Iterator[Edit]:
    for n in source.nodes(t.Select):
        yield Edit("selection lost", n.base.span.end, n.span.end, "")


def exchanged(source: Source, name: str, of: str) -> Iterator[Edit]:
    declared = source.declared()
    others = [n for n, keyword in declared.items() if keyword == of]
    hidden = source.binders()
    for n in source.nodes(t.Name):
        if declared.get(n.text) == of and n.text not in hidden:
            yield from (Edit(name, n.span.start, n.span.end, o) for o in others if o != n.text)


@kind
def prompts_mixed_up(source: Source, random: Random) -> Iterator[Edit]:
    yield from exchanged(source, "prompts mixed up", "prompts")


@kind
def datasets_mixed_up(source: Source, random: Random) -> Iterator[Edit]:
    yield from exchanged(source, "datasets mixed up", "dataset")


@kind
def other_declaration(source: Source, random: Random) -> Iterator[Edit]:
    """A name of another kind of thing where a declaration is meant."""
    declared, hidden = source.declared(), source.binders()
    for n in source.nodes(t.Name):
        if n.text in declared and n.text not in hidden:
            others = [o for o, keyword in declared.items() if keyword != declared[n.text] and o not in hidden]
            yield from (
                Edit("other declaration", n.span.start, n.span.end, o)
                for o in random.sample(others, min(2, len(others)))
            )


# Operations that are mistaken for each other and give something else.
CONFUSED = dict(
    pair.split(":")
    for pair in """
    mean_diff:mean norm:unit unit:norm cosine:project_out mean:unit argmax:max max:argmax project_out:steer_path
    steer:random_unit random_unit:norm prob:mentions rank:mean logit:norm lens:unit mentions:prob generate:keep
    judge:prob classifier:cosine shuffle:mean_diff finetune:lora graft:gate patch:mean sign_flip:norm z_score:cosine
    label_permutation:norm jaccard:cosine spearman:cka cka:jaccard slope:unit equivalent:abs choice:cka
    keep:generate split:choose merge:chain cross_entropy:norm line:norm bar:slope heatmap:max scatter:size
    recovery:size logit_diff:unit attribution:logit paths:prob head_activity:prob rate:prob score:norm
    log_odds_words:prob top:prob shift:unit kl:cosine hub:lora path:lora file:hub
    """.split()
)


@kind
def operation_exchanged(source: Source, random: Random) -> Iterator[Edit]:
    for n in source.nodes(t.Call):
        if isinstance(n.function, t.Name) and n.function.text in CONFUSED:
            yield Edit("operation exchanged", n.function.span.start, n.function.span.end, CONFUSED[n.function.text])


@kind
def argument_dropped(source: Source, random: Random) -> Iterator[Edit]:
    """An argument without a name: the others move up."""
    for n in source.nodes(t.Call):
        plain = [a for a in n.arguments if a.name is None]
        if not plain:
            continue
        i = n.arguments.index(plain[0])
        end = n.arguments[i + 1].span.start if i + 1 < len(n.arguments) else plain[0].span.end
        yield Edit("argument dropped", plain[0].span.start, end, "")


@kind
def argument_misspelt(source: Source, random: Random) -> Iterator[Edit]:
    for n in source.nodes(t.Call):
        for a in n.arguments:
            if a.name is not None:
                yield Edit("argument misspelt", a.span.start, a.span.start + len(a.name), misspelt(a.name, random))


@kind
def argument_of_wrong_kind(source: Source, random: Random) -> Iterator[Edit]:
    for n in source.nodes(t.Call):
        for a in n.arguments:
            new = {t.Number: '"none"', t.String: "3", t.Bool: '"yes"', t.List: "7"}.get(type(a.value))
            if new is not None:
                yield Edit("argument of wrong kind", a.value.span.start, a.value.span.end, new)


@kind
def choice_misspelt(source: Source, random: Random) -> Iterator[Edit]:
    """A text that names a method, a scope, a unit: not names of files, models or words."""
    for n in source.nodes(t.Call):
        for a in n.arguments:
            if a.name in (
                "method",
                "unit",
                "during",
                "alternative",
                "by",
                "map",
                "geometry",
                "estimand",
                "log",
                "dtype",
                "head",
            ) and isinstance(a.value, t.String):
                yield Edit(
                    "choice misspelt", a.value.span.start, a.value.span.end, f'"{misspelt(a.value.value, random)}"'
                )


@kind
def model_dropped(source: Source, random: Random) -> Iterator[Edit]:
    for s in source.spec.statements:
        if isinstance(s, t.Define) and s.keyword == "model":
            yield Edit("model dropped", s.span.start, s.span.end, "")


@kind
def statement_dropped(source: Source, random: Random) -> Iterator[Edit]:
    """A declaration that others refer to; a result that nothing refers to may well be left out."""
    referred = {n.text for n in source.nodes(t.Name)}
    for s in source.spec.statements:
        if isinstance(s, t.Define) and s.keyword != "model" and s.name.text in referred:
            yield Edit("statement dropped", s.span.start, s.span.end, "")
        if isinstance(s, (t.Dataset, t.Prompts, t.Contrast, t.Use)):
            yield Edit("statement dropped", s.span.start, s.span.end, "")


@kind
def parentheses_lost(source: Source, random: Random) -> Iterator[Edit]:
    for n in source.nodes(t.Paren):
        yield Edit("parentheses lost", n.span.start, n.span.end, source.of(n.inner.span))


@kind
def where_variable_wrong(source: Source, random: Random) -> Iterator[Edit]:
    for loop in source.nodes(t.Loop):
        for n in walk(loop.where) if loop.where is not None else ():
            if isinstance(n, t.Name):
                yield Edit("where variable wrong", n.span.start, n.span.end, n.text + "x")


@kind
def comparison_lost(source: Source, random: Random) -> Iterator[Edit]:
    """The right side of a comparison, with its operator."""
    for s in source.spec.statements:
        for n in walk(s) if isinstance(s, t.Define) and s.keyword == "claim" else ():
            if isinstance(n, t.Binary) and n.operator in ("<", ">", "<=", ">=", "=="):
                yield Edit("comparison lost", n.left.span.end, n.right.span.end, "")


@kind
def number_out_of_range(source: Source, random: Random) -> Iterator[Edit]:
    """Negative where only a positive number means something, a share above one, a layer far outside."""
    above = {
        "limit",
        "samples",
        "max_tokens",
        "epochs",
        "steps",
        "rank",
        "folds",
        "k",
        "top_k",
        "at_most",
        "rate",
        "damping",
        "margin",
        "density",
        "n",
        "max_rank",
        "answer_rank",
    }
    for n in source.nodes(t.Call):
        name = n.function.text if isinstance(n.function, t.Name) else ""
        for i, a in enumerate(n.arguments):
            if not isinstance(a.value, t.Number):
                continue
            if a.name in above:
                yield Edit("number out of range", a.value.span.start, a.value.span.end, "-" + a.value.raw)
            if name == "split" and i == 1 or a.name == "temperature":
                yield Edit("number out of range", a.value.span.start, a.value.span.end, "-0.5" if a.name else "80")


@kind
def column_misspelt(source: Source, random: Random) -> Iterator[Edit]:
    """A placeholder in a text of prompts."""
    for n in source.nodes(t.Segment):
        if isinstance(n.value, t.String) and "{" in n.value.raw:
            at = n.value.span.start + n.value.raw.index("{") + 1
            end = n.value.span.start + n.value.raw.index("}")
            yield Edit("column misspelt", at, end, misspelt(source.text[at:end], random))


@kind
def placeholder_lost(source: Source, random: Random) -> Iterator[Edit]:
    """The braces of a placeholder."""
    for n in source.nodes(t.Segment):
        if isinstance(n.value, t.String) and "{" in n.value.raw:
            at = n.value.span.start + n.value.raw.index("{")
            end = n.value.span.start + n.value.raw.index("}") + 1
            yield Edit("placeholder lost", at, end, source.text[at + 1 : end - 1])


def candidates(text: str, seed: int = 0) -> dict[str, list[Edit]]:
    """All edits of a spec, by kind."""
    spec, problems = parse(text)
    assert not problems
    random = Random(seed)
    return {name: list(dict.fromkeys(maker(Source(text, spec), random))) for name, maker in KINDS.items()}


def drawn(text: str, seed: int = 0) -> list[Edit]:
    """All edits in a seeded order."""
    every = [edit for edits in candidates(text, seed).values() for edit in edits]
    return Random(seed).sample(every, len(every))
