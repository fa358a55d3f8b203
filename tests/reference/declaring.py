"""The first half of a random spec: models, data, prompts and directions, and words for sites and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from .subjects import Subject

WIDE = ("resid_pre", "resid_mid", "resid_post", "attn", "mlp", "attn_raw", "mlp_raw")
NOUNS = "Ann Bob Clara Elias Maya Tom Paris Rome London France Italy cat dog".split()
PLAIN = "big small hot cold up down good bad dark light red blue".split()


@dataclass(frozen=True)
class Asked:
    """Prompts that were declared: segment names with the word each holds for sure, and the axes they bring."""

    name: str
    segments: tuple[str, ...]
    word: str
    items: bool
    sides: bool = False


@dataclass(frozen=True)
class Told:
    """A statistic that was declared: its axes with labels as text, and whether items and sides remain."""

    name: str
    axes: tuple[tuple[str, tuple[str, ...]], ...]
    items: bool
    sides: bool = False
    rounding: bool = False  # values may be zero but for rounding, so that their signs mean nothing


@dataclass
class Declaring:
    """Holds what has been declared; every method writes a piece of text or a declaration."""

    random: Random
    subjects: Sequence[Subject]
    lines: list[str] = field(default_factory=list)
    prompts: list[Asked] = field(default_factory=list)
    directions: list[str] = field(default_factory=list)  # as they are used, closed
    told: list[Told] = field(default_factory=list)
    count: int = 0

    # **** small things ****

    def one(self, of: Sequence):
        return self.random.choice(list(of))

    def new(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def word(self) -> str:
        return self.one(NOUNS + PLAIN)

    def layer(self) -> str:
        return str(self.random.randrange(self.least.layers))

    def wide(self, layer: str) -> str:
        """A site as wide as the model."""
        name = self.one([*(s for s in WIDE if s != "resid_mid" or not self.parallel)])
        return f"{name}[{layer}]"

    def any_site(self, layer: str) -> str:
        """Any site."""
        kind = self.random.random()
        if kind < 0.3:
            return self.wide(layer)
        if kind < 0.5:
            return self.one(["embed", "final_norm", "logits", f"neurons[{layer}]"])
        if kind < 0.8:
            return f"{self.one(['head', 'q', 'pattern'])}[{layer}, {self.random.randrange(self.least.heads)}]"
        return f"{self.one(['k', 'v'])}[{layer}, {self.random.randrange(self.least.kv_heads)}]"

    def token(self, p: Asked) -> str:
        """One token."""
        segment = self.one(p.segments)
        return self.one([f"{p.name}.last", f"{p.name}.first", f"{p.name}.{segment}.last", f"{p.name}.{segment}.first"])

    def tokens(self, p: Asked) -> str:
        """One token or several."""
        first, last = p.segments[0], p.segments[-1]
        several = [f"{p.name}.all", f"{p.name}.{first}", f'tokens({p.name}, "{p.word}")']
        if len(p.segments) > 1:
            several += [f"({p.name}.{first}.first + {p.name}.{last})", f"(not {p.name}.{last})"]
        return self.one([self.token(p), self.token(p), *several])

    def pooled(self, p: Asked) -> str:
        return self.one(
            [self.token(p), f"{p.name}.{self.one(p.segments)}.{self.one(['mean', 'max', 'sum'])}", f"{p.name}.mean"]
        )

    # **** declarations ****

    def dataset(self) -> None:
        nouns = self.random.sample(NOUNS, self.random.randint(2, 4))
        rows = [f"{noun},{self.one(PLAIN)},{self.word()},{i}" for i, noun in enumerate(nouns)]
        key = self.one(["", ", key=noun"])
        text = "\n".join(["noun,plain,right,place", *rows])
        self.lines.append(f'dataset d = rows("""\n{text}\n"""{key})')
        if self.random.random() < 0.3:
            self.lines[-1] += f'\n  with sort = if(place < 1, "{self.one(PLAIN)}", plain)'

    def declare_prompts(self) -> None:
        """Prompts with items, prompts without, and a contrast with sides of one length; raw or chat."""
        targets = f'answer: "{self.one([" {right}", " " + self.word()])}" wrong: " {self.word()}"'
        p, q, c = (self.new(letter) for letter in "pqc")
        if self.random.random() < 0.25:
            word = self.word()
            system = self.one([f'system: "say {word} ."', "", "system: empty", "system: default"])
            self.lines.append(
                f'prompts {p} from d {{ {system} user.a: "the {{noun}}" user.b: " is {word} {{plain}}" {targets} }}'
            )
            self.prompts.append(Asked(p, ("a", "b"), word, True))
        else:
            word = self.word()
            self.lines.append(
                f'prompts {p} from d {{ a: "the {{noun}}" b: " is not {word}" c: " and {{plain}}" {targets} }}'
            )
            self.prompts.append(Asked(p, ("a", "b", "c"), word, True))
        word = self.word()
        self.lines.append(
            f'prompts {q} {{ a: "{word} was" b: " {self.word()}" answer: " {self.word()}" wrong: " {self.word()}" }}'
        )
        self.prompts.append(Asked(q, ("a", "b"), word, False))
        word, one, two = self.random.sample(PLAIN, 3)
        segments = f'b: " {word} {{noun}}" {targets}'
        self.lines.append(
            f'contrast {c} from d {{\n  positive: {{ a: "{one} the" {segments} }}\n'
            f'  negative: {{ a: "{two} the" {segments} }}\n}}'
        )
        self.prompts.append(Asked(c, ("a", "b"), word, True, True))

    def bound(self, text: str, axes: list[str], model_axis: bool = True) -> tuple[str, bool]:
        """Bind an expression that reads a model; says whether a model axis was added to `axes`."""
        if len(self.models) == 1:
            return text, False
        if model_axis and self.random.random() < 0.5:
            axes.append(f"m in [{', '.join(self.models)}]")
            return text, True
        return f"({text}) on {self.one(self.models)}", False

    def direction(self) -> None:
        name, contrast = self.new("e"), next(p for p in self.prompts if p.sides)
        plain, bare = self.prompts[0], self.prompts[1]
        layer, axes = self.layer(), []
        kind = self.random.randrange(8)
        site = self.wide(layer)
        if kind < 3:
            value = self.one(["mean_diff({})", "unit(mean_diff({}))", "pca({})"]).format(
                f"{site} at {self.pooled(contrast)}"
            )
        elif kind == 3:
            value = f"mean({site} at {self.token(plain)})"
        elif kind == 4:
            value = f"{site} at {self.pooled(bare)}"
        elif kind == 5:
            value = f'unembedding(" {self.word()}")'
        elif kind == 6 and self.directions:
            like, seed = self.one(self.directions), self.random.randrange(9)
            value = f"{self.one(['random_unit', 'random_gaussian'])}(like={like}, seed={seed})"
            self.lines.append(f"direction {name} = {value}")
            self.directions.append(name)
            return
        else:
            value, axes = f"mean({self.wide('l')} at {self.token(plain)})", ["l in [0, 2]"]
        value, _ = self.bound(value, axes, model_axis=False)
        self.lines.append(f"direction {name} = {value}" + (f" for {', '.join(axes)}" if axes else ""))
        self.directions.append(f"{name}[l={self.one([0, 2])}]" if axes else name)
