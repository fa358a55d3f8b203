"""Random well-typed specs over given small models: what an executor and the reference interpreter have to agree on.

`spec_text(seed, subjects)` is a function of its arguments alone; `specs(subjects)` is the same for hypothesis. Every
spec checks without errors and takes some dozens of runs: few items, short prompts, short axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from tests.reference.declaring import NOUNS, Asked, Declaring, Told
from tests.reference.subjects import Subject, build_subjects

__all__ = ["Subject", "build_subjects", "spec_text", "specs"]


def spec_text(seed: int, subjects: Sequence[Subject]) -> str:
    """The text of a spec; paths of models are relative to the folder that `build_subjects` filled."""
    return Writer(Random(seed), subjects).spec()


def specs(subjects: Sequence[Subject]) -> st.SearchStrategy[str]:
    """Specs for hypothesis; shrinking goes to smaller seeds, not to smaller specs."""
    return st.integers(0, 10**6).map(lambda seed: spec_text(seed, subjects))


class Writer(Declaring):
    """The second half: statistics of models, statistics of statistics, and a claim."""

    def spec(self) -> str:
        chosen = self.random.sample(
            list(self.subjects), 1 if self.random.random() < 0.7 or len(self.subjects) < 2 else 2
        )
        self.models = [f"m{i}" for i in range(len(chosen))]
        self.least = min(chosen, key=lambda s: s.kv_heads)
        self.parallel = any(s.parallel for s in chosen)
        self.lines = ["probe 1", *(f"model {n} = {s.written}" for n, s in zip(self.models, chosen, strict=True))]
        self.dataset()
        self.declare_prompts()
        for _ in range(self.random.randint(1, 3)):
            self.direction()
        for _ in range(self.random.randint(2, 4)):
            self.one(
                [
                    self.reading,
                    self.measured,
                    self.measured,
                    self.intervened,
                    self.intervened,
                    self.recovered,
                    self.swept_sets,
                ]
            )()
        for _ in range(self.random.randint(1, 4)):
            self.derived()
        self.claim()
        return "\n".join(self.lines) + "\n"

    # **** statistics ****

    def tell(
        self, value: str, axes: list[tuple[str, str, tuple[str, ...]]], items: bool, sides: bool, reads: bool = True
    ) -> None:
        """Declare a statistic; `axes` are (name, as written in the `for`, labels)."""
        name = self.new("s")
        written = [f"{axis} in {values}" if values else axis for axis, values, _ in axes]
        has_models = False
        if reads:
            value, has_models = self.bound(value, written)
        self.lines.append(f"statistic {name} = {value}" + (f"\n  for {', '.join(written)}" if written else ""))
        known = [(axis, labels) for axis, _, labels in axes] + ([("m", tuple(self.models))] if has_models else [])
        self.told.append(Told(name, tuple(known), items, sides))

    def layers(self) -> tuple[str, str, tuple[str, ...]]:
        """An axis over layers."""
        if self.random.random() < 0.4:
            return "layer", "", tuple(map(str, range(self.least.layers)))
        labels = tuple(sorted(map(str, self.random.sample(range(self.least.layers), 2))))
        return "l", f"[{', '.join(labels)}]", labels

    def reading(self) -> None:
        """A number of activations."""
        p, axis = self.one(self.prompts), self.layers()
        tokens = self.pooled(p)
        kind = self.random.randrange(7)
        if kind in (0, 5):
            self.tell(f"norm({self.any_site(self.layer())} at {tokens})", [], p.items, p.sides)
        elif kind == 1:
            self.tell(f"norm({self.wide(axis[0])} at {tokens})", [axis], p.items, p.sides)
        elif kind == 2 and p.sides:
            self.tell(f"norm(mean_diff({self.wide(axis[0])} at {tokens}))", [axis], False, False)
        elif kind == 3:
            function = self.one(["cosine({}, {})", "dot({}, {})", "projection({}, onto={})", "distance({}, {})"])
            self.tell(
                function.format(f"{self.wide(axis[0])} at {tokens}", self.one(self.directions)),
                [axis],
                p.items,
                p.sides,
            )
        else:
            many = f"{p.name}.{self.one(['all', p.segments[0]])}"
            self.tell(
                f"{self.one(['mean', 'max'])}(norm({self.wide(axis[0])} at {many}), over=token)",
                [axis],
                p.items,
                p.sides,
            )

    def measure(self, p: Asked) -> str:
        """A measure of prompts, without interventions."""
        word = f'" {self.word()}"'
        return self.one([
            f"logit({p.name})", f"prob({p.name})", f"log_prob({p.name}, {word})", f"logit_diff({p.name})",
            f"rank({p.name})", f"reciprocal_rank({p.name}, {word}, max_rank=30, beyond=-1)", f"entropy({p.name})",
            f"cross_entropy({p.name})",
            f'choice({p.name}, [" yes", " maybe"], [" no"])', f'logit_diff({p.name}, {word}, " was")',
        ])  # fmt: skip

    def measured(self) -> None:
        """A measure of prompts, of the lens, or over words."""
        p = self.one(self.prompts)
        kind = self.random.randrange(3)
        if kind == 0:
            self.tell(self.measure(p), [], p.items, p.sides)
        elif kind == 1:
            words = self.random.sample(NOUNS, 2)
            labels = tuple(f'" {w}"' for w in words)
            self.tell(
                f"{self.one(['logit', 'prob'])}({p.name}, w)",
                [("w", f"[{', '.join(labels)}]", labels)],
                p.items,
                p.sides,
            )
        elif self.random.random() < 0.5:
            axis = self.layers()
            text = f'prob(lens(resid_{self.one(["pre", "post"])}[{axis[0]}] at {self.token(p)}), " {self.word()}")'
            self.tell(text, [axis], p.items, p.sides)
        else:
            self.tell(f"entropy(lens(depth at {p.name}.last))",
                      [("depth", "[embed, resid_post[all_layers]]", ("embed",))], p.items, p.sides)  # fmt: skip

    def edit(self, p: Asked, layer: str) -> str:
        """An intervention on runs of `p`."""
        site, bare = self.wide(layer), self.prompts[1]
        kinds = [
            f"scale({self.any_edited(layer)} at {self.tokens(p)}, {self.one([0, 0.5, 2, -1])})",
            f'ablate({self.any_edited(layer)} at {self.tokens(p)}, "zero")',
            f"patch({site} at {self.token(p)}, from={site} at {self.token(bare)})",
            f"patch({site} at {self.tokens(p)}, from={self.one(self.directions)})",
            f"project_out({self.one(self.directions)}, alpha={self.one([0.5, 1, 2])}, site=resid_post[{layer}])",
            f"steer({self.one(self.directions)}, scale={self.one([0.5, 2])}, "
            f'unit="{self.one(["raw", "unit", "residual_norm"])}", '
            f"site={site}, tokens={self.tokens(p)})",
        ]
        if p.items:
            kinds += [f'ablate({site} at {self.token(p)}, "mean")', f'ablate({site} at {self.tokens(p)}, "mean")',
                      f'ablate({site} at {self.tokens(p)}, "resample", seed={self.random.randrange(5)})']  # fmt: skip
        if p.sides:
            kinds += [f"patch({self.any_edited(layer)} at {self.tokens(p)}, from={p.name}.positive)"] * 3
        return self.one(kinds)

    def any_edited(self, layer: str) -> str:
        """A site that can be edited."""
        kind = self.random.random()
        if kind < 0.7:
            return self.wide(layer)
        if kind < 0.85:
            return f"{self.one(['head', 'q'])}[{layer}, {self.random.randrange(self.least.heads)}]"
        return self.one([f"v[{layer}, {self.random.randrange(self.least.kv_heads)}]", f"neurons[{layer}]"])

    def intervened(self) -> None:
        """A measure, or a reading, under an intervention."""
        p, axis = self.one(self.prompts), self.layers()
        kind = self.random.randrange(6)
        if kind == 0:
            arms = ["none", *self.random.sample(self.directions, min(2, len(self.directions)))]
            if any("[" in arm for arm in arms):
                arms = [arm for arm in arms if "[" not in arm]
            if len(arms) > 1:
                ways = ["scale=2", 'scale=0.5, unit="residual_norm"', f"tokens={self.tokens(p)}"]
                what = self.one(["project_out(arm)", *(f"steer(arm, {way})" for way in ways)])
                self.tell(
                    f"{self.measure(p)} under {what}", [("arm", f"[{', '.join(arms)}]", tuple(arms))], p.items, p.sides
                )
                return
        if kind == 1:
            self.tell(f"shift({self.measure(p)} under {self.edit(p, axis[0])})", [axis], p.items, p.sides)
            self.told.append(replace(self.told.pop(), rounding=True))  # an edit of the last block may change nothing
        elif kind == 2:
            self.tell(f"kl({p.name}, {p.name} under {self.edit(p, self.layer())})", [], p.items, p.sides)
        elif kind == 3:
            first, second = self.edit(p, "0"), self.edit(p, "2")
            self.tell(f"{self.measure(p)} under [{first}, {second}]", [], p.items, p.sides)
        elif kind == 4:
            text = f"norm({self.wide('3')} at {self.pooled(p)} under {self.edit(p, axis[0])})"
            self.tell(text, [axis], p.items, p.sides)
        else:
            self.tell(f"{self.measure(p)} under {self.edit(p, axis[0])}", [axis], p.items, p.sides)

    def recovered(self) -> None:
        """The share of a contrast that a patch brings back, over layers, tokens or heads."""
        c, axis = next(p for p in self.prompts if p.sides), self.layers()
        measure = self.one([f"logit({c.name})", f"logit_diff({c.name})"])
        if self.random.random() < 0.5:
            text = f"recovery({measure} under patch({self.wide(axis[0])} at t, from={c.name}.positive))"
            name = self.new("s")
            walk = f"{axis[0]} in {axis[1]}" if axis[1] else axis[0]
            self.lines.append(f"statistic {name} = {self.fixed(text)}\n  for {walk}, "
                              f"t in {c.name}.{self.one(['tokens', 'a'])}")  # fmt: skip
        else:
            text = f"recovery({measure} under patch(head[{axis[0]}, h] at {self.tokens(c)}, from={c.name}.positive))"
            labels = tuple(map(str, range(2)))
            self.tell(text, [axis, ("h", f"[{', '.join(labels)}]", labels)], True, False)
            self.told.pop()  # a share of a difference that is nearly nothing is mostly rounding

    def fixed(self, text: str) -> str:
        return text if len(self.models) == 1 else f"({text}) on {self.one(self.models)}"

    def swept_sets(self) -> None:
        """Sets of layers patched at once, and what a pair does beyond its two."""
        p, bare = self.prompts[0], self.prompts[1]
        name, site = self.new("i"), self.one(["resid_post", "mlp", "attn"])
        self.lines.append(
            f"intervention {name}(set) = patch({site}[set] at {self.token(p)}, from={site}[set] at {self.token(bare)})"
        )
        value = self.fixed(f"shift({self.one(['logit', 'log_prob'])}({p.name}) under {name}(set))")
        gain = self.new("s")
        self.lines.append(f"statistic {gain} = {value} for set in choose([0, 1, 3], 1..2)")
        more = self.new("s")
        self.lines.append(f"statistic {more} = {gain}[set=[i, j]] - {gain}[set=[i]] - {gain}[set=[j]]\n"
                          "  for i in [0, 1, 3], j in [0, 1, 3] where i < j")  # fmt: skip
        self.told.append(Told(more, (), True, rounding=True))
        self.lines.append(f"statistic {self.new('s')} = mean({gain}[size(set) <= 1])")

    # **** statistics of statistics ****

    def derived(self) -> None:
        """Selections, arithmetic, reductions and comparisons of what was told."""
        if not self.told:
            return
        s = self.one(self.told)
        axes = [a for a in s.axes if len(a[1]) > 1]
        choices = [f"abs({s.name}) * 2 + 1", f"{s.name} > 0.1", f"if({s.name} > 0, {s.name}, 0 - {s.name})"]
        if s.items:
            choices += [f"mean({s.name})", f"sd({s.name})", f"count({s.name} > 0.1)", f"max({s.name})",
                        f"median({s.name})", f"{s.name} - mean({s.name})"] * 2  # fmt: skip
        if s.items and not s.rounding:
            choices += [f"sign_flip({s.name}).p"] * 2
        if s.sides:
            choices += [f"{s.name}[side=positive] - {s.name}[side=negative]", f"mean({s.name}[side=negative])"] * 2
        if axes:
            name, labels = self.one(axes)
            first, last = labels[0], labels[-1]
            choices += [f"{s.name}[{name}={last}]", f"{s.name}[{name}={last}] - {s.name}[{name}={first}]",
                        f"argmax({s.name}, over={name})", f"mean({s.name}, over={name})", f"sum({s.name}, over={name})",
                        f"{s.name} / {s.name}[{name}={first}]"] * 2  # fmt: skip
            if name in ("l", "layer", "h"):
                choices += [f"slope({s.name}, over={name})", f"{s.name}[{name}=argmax({s.name}, over={name})]"]
            if name in ("l", "h"):
                choices += [f"{s.name}[{name} >= {last}]"]
        value = self.one(choices)
        if value.startswith(("argmax", "sign_flip")) and s.items and s.axes and self.random.random() < 0.3:
            value = f"argmax(mean({s.name}), over={s.axes[0][0]})" if len(s.axes[0][1]) > 1 else value
        self.lines.append(f"statistic {self.new('s')} = {value}")

    def claim(self) -> None:
        """A boolean over everything a statistic says."""
        whole = [s for s in self.told if s.items]
        if whole:
            s = self.one(whole)
            self.lines.append(f"claim {self.new('c')} = count(mean({s.name}) > 0) >= {self.random.randrange(3)}"
                              if s.axes else f"claim {self.new('c')} = mean({s.name}) > 0")  # fmt: skip
