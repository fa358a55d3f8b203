"""Random specs of what `strategies_specs` never writes: what happens between features, and at the edges of values.

Sweeps of strengths, columns and tokens inside interventions, lists that meet, ragged arms, random directions with axes,
selections of selections, conditions that nothing meets, missing numbers, families of tests, kept items, parameters of
prompts, grafts, knockouts, and texts that are written and scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.reference.checked import checked
from tests.reference.declaring import NOUNS, Told
from tests.reference.subjects import Subject
from tests.strategies_specs import Writer

WHEN = '["prompt", "response", "predicting", "all"]'


def wide_text(seed: int, subjects: Sequence[Subject], donor: str | None = None, only: str = "") -> str:
    """The text of a spec; `donor` is the model behind the first subject's weights, `only` the name of one construct."""
    return Wide(Random(seed), subjects, donor, only).spec()


def accepted(text: str, folder: Path) -> str:
    """The text without the statements that the checker refuses; `folder` has the models."""
    while errors := checked(text, folder).errors:
        line = errors[0].primary.span.line
        lines = text.splitlines()
        starts = [i for i, t in enumerate(lines) if i < line and t[:1].isalpha()]
        ends = [i for i, t in enumerate(lines) if i >= line and t[:1].isalpha()]
        text = "\n".join(lines[: starts[-1]] + (lines[ends[0] :] if ends else [])) + "\n"
    return text


class Wide(Writer):
    """Writes one or two models, data, prompts, directions, and a handful of constructs."""

    def __init__(self, random: Random, subjects: Sequence[Subject], donor: str | None, only: str) -> None:
        super().__init__(random, subjects)
        self.donor, self.only = donor, only

    def spec(self) -> str:
        chosen = self.subjects[0] if self.donor else self.one(self.subjects)
        self.models, self.least, self.parallel = ["m0"], chosen, chosen.parallel
        self.lines = ["probe 1", f"model m0 = {chosen.written}"]
        self.dataset()
        self.declare_prompts()
        self.on = " on m0" if self.donor else ""
        if self.donor:
            self.lines.append(f"model donor = {self.donor}")
            self.bound = lambda text, axes, model_axis=True: (f"({text}) on m0", False)
        for _ in range(2):
            self.direction()
        self.random_directions()
        for construct in [self.constructs[self.only]] if self.only else self.chosen():
            construct(self)
        for _ in range(self.random.randint(2, 5)):
            self.derived()
        self.claim()
        return "\n".join(self.lines) + "\n"

    def chosen(self) -> list[Callable]:
        every = [c for name, c in self.constructs.items() if name != "grafted" or self.donor]
        return self.random.sample(every, self.random.randint(3, 5))

    # **** declarations ****

    def dataset(self) -> None:
        """Items with a number that has a gap, a truth value, and a number by which one divides at one's peril."""
        nouns = self.random.sample(NOUNS, self.random.randint(3, 5))
        plain = "big small hot cold up down good bad".split()
        gap = self.random.randrange(len(nouns) + 2)
        rows = [
            f"{noun},{self.one(plain)},{self.word()},{i},{self.one(['true', 'false'])},{'' if i == gap else i + 1}"
            for i, noun in enumerate(nouns)
        ]
        text = "\n".join(["noun,plain,right,place,flag,some", *rows])
        self.lines.append(f'dataset d = rows("""\n{text}\n""", key=noun)')

    def random_directions(self) -> None:
        """Random directions, one of them for each label of what it is like."""
        like = self.one(self.directions)
        self.like, self.seeded, self.layered, self.noise = like, self.new("r"), self.new("e"), self.new("r")
        site = self.wide("l")
        value = f"mean({site} at {self.token(self.prompts[0])})"
        self.lines += [
            f"direction {self.seeded} = random_unit(like={like}, seed=seed) for seed in 1..2",
            f"direction {self.layered} = {self.fixed(value) if self.donor else value} for l in [0, 2]",
            f"direction {self.noise} = {self.one(['random_unit', 'random_gaussian'])}(like={self.layered}, seed=3)",
        ]

    def fixed(self, text: str) -> str:
        return f"({text}) on m0" if self.donor else text

    def stated(self, value: str, walks: str = "", where: str = "") -> str:
        """Declare a statistic and return its name."""
        name = self.new("s")
        tail = (f"\n  for {walks}" if walks else "") + (f" where {where}" if where else "")
        self.lines.append(f"statistic {name} = {self.fixed(value)}{tail}")
        return name

    def kept(self, name: str, *axes: tuple[str, tuple[str, ...]], items: bool = True, sides: bool = False) -> None:
        """Let statistics of statistics use a statistic."""
        self.told.append(Told(name, axes, items, sides, rounding=True))

    # **** interventions ****

    def strengths(self) -> None:
        """Strengths that are swept, of a column, or not there for one item."""
        p = self.prompts[0]
        amount = self.one(["x", "d.place", "1 / d.place", "d.some", "x * d.place", "if(d.flag, x, 0.5)"])
        place = f"{self.any_edited(self.layer())} at {self.tokens(p)}"
        edit = self.one([
            f"scale({place}, {amount})", f"clamp({place}, {amount}, component={self.random.randrange(8)})",
            f"steer({self.like}, scale={amount}, site={self.wide(self.layer())})",
            f"project_out({self.like}, alpha={amount}, site={self.wide(self.layer())})",
        ])  # fmt: skip
        walks = "x in [-1, 0, 2]" if "x" in amount.replace("exp", "") else ""
        name = self.stated(f"{self.measure(p)} under {edit}", walks)
        self.kept(name, *([("x", ("-1", "0", "2"))] if walks else []))
        self.stated(f"mean({name})")

    def swept_places(self) -> None:
        """Tokens, heads and sets of layers as axes of an intervention."""
        p = self.one(self.prompts[:2])
        kind, measure = self.random.randrange(4), self.measure(p)
        if kind == 0:
            edit = self.one(["scale({}, 2)", 'ablate({}, "zero")', "clamp({}, 1, component=2)"])
            self.stated(f"{measure} under {edit.format(f'{self.any_edited(self.layer())} at t')}",
                        f"t in {p.name}.{self.one(['tokens', 'a'])}")  # fmt: skip
        elif kind == 1:
            edit = f'ablate(head[{self.layer()}, h] at {self.tokens(p)}, "{self.one(["zero", "mean"])}")'
            self.kept(self.stated(f"{measure} under {edit}", "h in [0, 3, 1]"), ("h", ("0", "3", "1")), items=p.items)
        elif kind == 2:
            how = self.one(["scale({}, 0.5)", 'ablate({}, "mean")', 'ablate({}, "resample", seed=2)'])
            if not p.items:
                how = "scale({}, 0.5)"
            place = f"{self.wide('set')} at {self.tokens(p)}"
            name = self.stated(f"{measure} under {how.format(place)}",
                               "set in choose([0, 1, 3], 1..2)")  # fmt: skip
            self.stated(self.one([f"{name}[set=[1, 0]]", f"mean({name}[size(set) == 2], over=set)",
                                  f"argmax({name}, over=set)", f"{name}[set[0] == 1]"]))  # fmt: skip
        else:
            best = self.stated(f"argmax(norm({self.wide('layer')} at {self.token(p)}) / "
                               f"{'d.place' if p.items else '2'}, over=layer)", "")  # fmt: skip
            self.lines.pop()
            each = self.stated(
                f"norm({self.wide('layer')} at {self.token(p)}) / {'d.place' if p.items else 2}", "layer"
            )
            self.lines.append(f"statistic {best} = argmax({each}, over=layer)")
            self.stated(f"{measure} under scale({self.wide(best)} at {self.tokens(p)}, 2)")
            self.stated(f"norm({self.wide(best)} at {self.token(p)})")

    def meeting(self) -> None:
        """Lists of interventions, of which some write one place: in their order, or not at all."""
        p = self.one(self.prompts[:2])
        said = self.one([", in_order=true", ""])
        first = f"scale({self.wide('l')} at {self.tokens(p)}, 2{said})"
        second = self.one([
            f'ablate({self.wide("k")} at {self.tokens(p)}, "zero"{said})', f"clamp(resid_post[k] at {p.name}.all, 1)",
            f"steer({self.like}, site=resid_post[k], scale=2)", f"scale({self.wide('k')} at {self.token(p)}, 0)",
            f"knockout(from={p.name}.a.first, to={p.name}.last)",
        ])  # fmt: skip
        walks = "l in [0, 1], k in [1, 2]" if "k" in second.split("(", 1)[1][:12] else "l in [0, 1]"
        name = self.stated(f"{self.measure(p)} under [{first}, {second}]", walks, self.one(["", "", "l > 0"]))
        self.stated(f"mean({name}[l >= 1], over=l)")

    def edges(self) -> None:
        """Edges of attention that are cut, in all heads, some, or one after the other."""
        p = self.one(self.prompts)
        where = self.one(["", ", layer=l", ", layer=1, head=h", ", layer=set"])
        walks = {"l": "l in [0, 2]", "h": "h in [0, 1]", "t": "set in choose([0, 1], 1..2)"}.get(where[-1:], "")
        first, last = p.segments[0], p.segments[-1]
        edit = f"knockout(from={p.name}.{first}.first, to={p.name}.{last}{self.one(['', '.last'])}{where})"
        value = self.one([self.measure(p), f"norm(pattern[3, 0] at {p.name}.last)"])
        self.stated(f"{self.one(['', 'shift'])}({value} under {edit})", walks)

    def grafted(self) -> None:
        """Parts of another model's weights, for some tokens and layers."""
        p = self.one(self.prompts)
        parts = self.one(["attn, mlp", "mlp.down", "attn.q, norms", "embed", "norms", "attn.v, mlp.up"])
        more = self.one(["", ", layers=[1, 3]", ', head="always"', ', head="last_token"'])
        edit = f"graft(donor, parts=[{parts}], at={self.tokens(p)}{more})"
        edits = self.one([edit, f"[{edit}, scale({self.wide('2')} at {self.token(p)}, 2)]"])
        self.stated(f"{self.measure(p)} under {edits}")
        self.stated(f"norm({self.any_site('3')} at {self.pooled(p)} under {edit})")

    # **** values ****

    def arms(self) -> None:
        """A list of which one element has an axis of its own, and what is selected from it."""
        p = self.prompts[0]
        what = self.one(["project_out(arm)", "steer(arm, scale=2)", 'steer(arm, unit="residual_norm")'])
        arms = f"[none, {self.like}, {self.seeded}]" if "[" not in self.like else f"[none, {self.seeded}]"
        name = self.stated(f"{self.one(['mean', ''])}({self.measure(p)} under {what})", f"arm in {arms}")
        for value in self.random.sample([
            f"{name}[arm={self.seeded}]", f"{name}[seed=2]", f"{name}[arm={self.seeded}][seed=1]", f"{name}[arm=none]",
            f"max({name}[arm={self.seeded}], over=seed)", f"{name}[arm != none]", f"{name} - {name}[arm=none]",
            f"argmin({name}[arm={self.seeded}], over=seed)",
        ], 4):  # fmt: skip
            self.stated(value)

    def noises(self) -> None:
        """Random directions for each layer: the one of a layer is the same whether it is selected, or walked to."""
        q = self.prompts[1]
        name = self.stated(f"{self.measure(q)} under project_out({self.noise})")
        dots = self.stated(f"dot({self.noise}, {self.layered})")
        for value in self.random.sample([
            f"{name}[l=2]", f"{self.measure(q)} under project_out({self.noise}[l=2])", f"{dots}[l=0]",
            f"dot({self.noise}[l=0], {self.layered}[l=2])", f"norm({self.noise}[l=2] - {self.noise})",
            f"cosine({self.noise}[l=0], {self.noise}[l=2])",
        ], 4):  # fmt: skip
            self.stated(value)
        self.stated(f"{dots}[l=k]", "k in [2, 0]")

    def families(self) -> None:
        """Tests over an axis: the family stays whole, however its p values are reached."""
        p = self.prompts[0]
        x = self.stated(f"{self.measure(p)} under scale({self.wide('l')} at {self.token(p)}, 0)", "l in [0, 1, 2]")
        test = self.one(["sign_flip({})", "sign_test({} - 0.1)", "t_test({}, popmean=0.1)", "binomial({} > 0.1)"])
        name = self.stated(test.format(x))
        adjusted = self.stated(f"{name}.adjusted")
        for value in (f"{name}[l=1].adjusted", f"{name}.adjusted[l=1]", f"{adjusted}[l=1]", f"{name}.p[l=0]",
                      f"{test.format(x)}.adjusted[l=2]", f"min({adjusted}[l >= 1], over=l)"):  # fmt: skip
            self.stated(value)

    def conditions(self) -> None:
        """Conditions over items, axes and both, that some cells meet, or none."""
        p = self.prompts[0]
        x = self.stated(f"norm({self.wide('l')} at {self.token(p)})", "l in [0, 1, 3]")
        of_items = self.one(["d.place > 1", "d.some > 2", "d.flag", "not d.flag", 'd.noun == "zebra"', "d.place > l",
                             "d.some != 2 or d.flag", 'd.plain != "big" and d.place < 3'])  # fmt: skip
        few = self.stated(f"{x}[{of_items}]")
        self.stated(f"{self.one(['mean', 'max', 'sd', 'sum', 'median'])}({x}[{of_items}])")
        self.stated(f"count({x}[{of_items}] > 1)")
        self.stated(f"mean({few}, over=l) - mean({x}[l < 3])")
        self.stated(f"mean({x}[l != 1], over=l) * d.place * k", "k in [1, 2]", self.one(["", "d.place != k", "k > 5"]))

    def joined(self) -> None:
        """Arithmetic of values whose axes differ, and reducers of two."""
        p = self.prompts[0]
        a = self.stated(f"norm({self.wide('l')} at {self.token(p)})", "l in [0, 2]")
        b = self.stated(f"logit({p.name}, w)", 'w in [" cat", " dog"]')
        value = self.one([
            f"{a} * {b}", f"if({b} > 0, {a}, {b})", f"{a} > 1 and not {b} > 0", f"pearson({a}, {b})",
            f"spearman({a}, d.some)", f"{a} - mean({a}, over=l)", f"jaccard({a} > 1, {b} > 0)", 
            f'{a} / {b}[w=" dog"]',
        ])  # fmt: skip
        name = self.stated(value)
        self.stated(self.one([f"{name}[l=2]", f"mean({name})[l=2]", f"max({name}, over=l)"]),
                    "")  # fmt: skip

    def parameters(self) -> None:
        """Prompts with a parameter, and kept items."""
        e, ask = self.new("d"), self.new("p")
        keep = self.one(["place > 0", "flag or place < 2", "some >= 2", 'plain != "big"'])
        self.lines.append(f"dataset {e} = keep(d, {keep})")
        self.lines.append(
            f'prompts {ask}(w) from {e} {{ a: "{{w}} the {{noun}}" b: " is {{plain}}" answer: " {{right}}" }}'
        )
        walks = 'w in ["cat", "dog"]'
        name = self.stated(self.one([
            f"logit({ask}(w))", f"prob({ask}(w), w)", f"norm({self.wide('1')} at {ask}(w).a.last)",
            f"logit({ask}(w)) under scale({self.wide('1')} at {ask}(w).last, 2)",
        ]), walks)  # fmt: skip
        self.stated(self.one([f'{name}[w="cat"]', f"mean({name}, over=w)", f'{name} / {name}[w="cat"]',
                              f"argmax(mean({name}), over=w)"]))  # fmt: skip

    def written(self) -> None:
        """Texts that are written, scored, and read again."""
        p, g = self.prompts[0], self.new("g")
        how = self.one(["max_tokens=3", "samples=2, max_tokens=3, temperature=1.5",
                        "max_tokens=2, temperature=0.7, seed=4",
                        "samples=3, max_tokens=4, temperature=2, top_p=0.8, repetition_penalty=1.2"])  # fmt: skip
        self.lines.append(f"let {g} = generate({p.name}, {how})")
        edit = self.one([
            f"steer({self.like}, scale=x, during=when)", f"project_out({self.like}, alpha=x, during=when)",
        ])  # fmt: skip
        self.stated(f"{g}.response")
        self.stated(f"word_count({g}.response) under {edit}", f"x in [0, 3], when in {WHEN}")
        word = self.one(["the", "a", "is"])
        words = self.one([f'"{word}"', 'any_of(["a", "cat"])', "d.noun"])
        self.stated(f"mentions({g}.response, {words})")
        self.stated(self.one([f"cross_entropy({g})", f"norm({self.wide('l')} at {g}.response.mean)",
                              f"norm({self.wide('l')} at {g}.last)"]), "l in [1, 2]")  # fmt: skip
        if "cross_entropy" in self.lines[-1]:
            self.lines[-1] = self.lines[-1].replace("\n  for l in [1, 2]", "")

    constructs = {
        "strengths": strengths, "swept_places": swept_places, "meeting": meeting, "edges": edges, "grafted": grafted,
        "arms": arms, "noises": noises, "families": families, "conditions": conditions, "joined": joined,
        "parameters": parameters, "written": written,
    }  # fmt: skip
