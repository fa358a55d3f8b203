"""Measures as kernels on logits: their arguments as token ids, row by row, and the cubes that come out.

A kernel's answers may have axes of their own (`name in names`): the same logits are then measured for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..compiler.graph import Node
from ..compiler.kinds import Distribution, Text
from . import registry
from .binding.axes import axes_of
from .binding.bindings import Bindings
from .cube import Axis, Cube, align
from .errors import ProbeError
from .evaluate import Evaluator, python_name
from .lowering.lower import run_of
from .lowering.state import Lowered
from .text.answers import answer_ids

TARGETS = ("answer", "wrong")


@dataclass
class Kernel:
    """A measure with its arguments resolved.

    `ids` maps each text argument to ids [items, fan] or [items, fan, options]; `extra` are the axes of the fan. `bad`
    holds reasons [items, fan].
    """

    function: object
    of: str
    ids: dict[str, np.ndarray]
    plain: dict[str, object]
    extra: tuple[Axis, ...]
    bad: np.ndarray
    work: Lowered
    whole: bool = False  # measures written text: the ids are those of the slots

    @property
    def fan(self) -> int:
        return self.bad.shape[1]

    def answers(self, slots: np.ndarray) -> np.ndarray:
        """The ids of all answers of some slots, [n, m]."""
        prompts = self.work.prompt[self.work.cell[slots]]
        return np.concatenate([ids[prompts].reshape(len(slots), -1) for ids in self.ids.values()], axis=1)

    def apply(self, logits: torch.Tensor, slots: np.ndarray, narrow: bool = False) -> np.ndarray:
        """Measure logits of some slots, [n, vocabulary] or (`narrow`) [n, m] of their `answers`; returns [n, fan]."""
        if self.whole:
            targets = torch.from_numpy(self.ids["next"][slots]).to(logits.device)
            losses = -logits.double().log_softmax(-1).gather(-1, targets[:, None])
            return losses.cpu().numpy()
        items = self.work.prompt[self.work.cell[slots]]
        found = np.empty((len(slots), self.fan))
        tables = self.numbers() if narrow else self.ids
        items = 0 * items if narrow else items
        for column in range(self.fan):
            given = {k: torch.from_numpy(v[items, column]).to(logits.device) for k, v in tables.items()}
            found[:, column] = self.function(**{self.of: logits}, **given, **self.plain).double().cpu().numpy()
        return found

    def numbers(self) -> dict[str, np.ndarray]:
        """Where each argument's ids stand among the `answers`, as one item's ids."""
        found, start = {}, 0
        for name, ids in self.ids.items():
            size = int(np.prod(ids.shape[1:]))
            found[name] = np.arange(start, start + size).reshape(1, *ids.shape[1:])
            start += size
        return found

    def cube(self, values: np.ndarray, missing: np.ndarray | None) -> Cube:
        """Cells [axes, fan] as a cube; items whose answer is not one token are missing."""
        shape = values.shape[:-1]
        reasons = np.full((*shape, self.fan), None, dtype=object)
        if missing is not None:
            reasons[:] = missing[..., None]
        if not np.equal(self.bad, None).all():
            items = self.work.prompt.reshape(shape)
            found = self.bad[items]
            reasons = np.where(np.equal(reasons, None), found, reasons)
        axes = (*self.work.axes, *self.extra)
        full = values.reshape(tuple(len(a) for a in axes))
        reasons = reasons.reshape(full.shape)
        none = np.equal(reasons, None).all()
        if not none:
            full = np.where(np.equal(reasons, None), full, np.nan)
        return Cube(axes, full, None if none else reasons)


def kernel_of(bindings: Bindings, evaluator: Evaluator, work: Lowered) -> Kernel | None:
    """The kernel of a work node; None for reads and captured distributions."""
    node = work.node
    if node.op in ("read", "next-token", "lens"):
        return None
    if work.judged is not None:
        from .judges.kernel import JudgeKernel

        return JudgeKernel(work.judged, work)
    operation = registry.get(node.op)
    signature = operation.signature
    run = run_of(node)
    if node.op == "cross_entropy":
        return text_kernel(bindings, work, run)
    names = [p.name for p in signature.parameters if Distribution in p.kinds]
    texts = [p for p in signature.parameters if Text in p.kinds and Distribution not in p.kinds]
    model, prompts = run.input("model"), run.input("prompts")
    rendered = bindings.rendered(model, prompts)
    tokenizer = bindings.tokenizer(model)
    asked = {
        p.name: answers(bindings, evaluator, node, p, rendered, prompts)
        for p in texts
        if p.name in TARGETS or node.input(p.name) is not None
    }
    if node.op != "logit_diff":
        asked.pop("wrong", None)
    extra = tuple({a.name: a for found in asked.values() for a in found[0]}.values())
    fan = int(np.prod([len(a) for a in extra], initial=1))
    bad = np.full((len(rendered), fan), None, dtype=object)
    ids: dict[str, np.ndarray] = {}
    for name, (axes, table) in asked.items():
        ids[python_name(name)] = token_table(tokenizer, rendered, axes, table, extra, bad)
    plain = {}
    for parameter in signature.parameters:
        given = node.input(parameter.name)
        if given is not None and parameter.name not in asked and parameter.name not in names and given.op != "none":
            plain[python_name(parameter.name)] = evaluator.value(given)
    return Kernel(operation.function, python_name(names[0]), ids, plain, extra, bad, work)


def answers(bindings: Bindings, evaluator: Evaluator, node: Node, parameter, rendered, prompts: Node):
    """The texts that an argument asks for: (axes of its own, texts [labels][items] or lists of options)."""
    given = node.input(parameter.name)
    if given is None:
        return (), [[r.targets.get(parameter.name) for r in rendered]]
    if given.op == "list":
        options = [evaluator.at_home(node).cube(n) for _, n in sorted(given.inputs, key=lambda p: int(p[0][1:]))]
        spelled = [texts(o) for o in align(*options)]
        together = np.empty(spelled[0].shape, dtype=object)
        for cell in np.ndindex(together.shape):
            together[cell] = tuple(o.values[cell] for o in spelled)
        value = Cube(spelled[0].axes, together)
    else:
        value = texts(evaluator.at_home(node).cube(given))
    if "item" not in value.names:
        return value.axes, [[v] * len(rendered) for v in value.values.reshape(-1)]
    item = prompts.axis("item")
    if item is None or item.origin not in {a.origin for a in given.axes}:
        raise ProbeError("unpaired", f"the {parameter.name} and the prompts are of different items")
    rest = tuple(a for a in value.axes if a.name != "item")
    table = value.transpose([*(a.name for a in rest), "item"]).values.reshape(-1, len(value.axis("item")))
    each = axes_of(bindings, prompts)  # items are the last of them
    return rest, [list(row) * (len(rendered) // len(each[-1])) for row in table]


def texts(cube: Cube) -> Cube:
    """Every cell as a text; None where there is none."""
    made = np.empty(cube.shape, dtype=object)
    for cell, there in np.ndenumerate(cube.present()):
        made[cell] = str(cube.values[cell]) if there else None
    return Cube(cube.axes, made)


def token_table(
    tokenizer, rendered, axes: tuple[Axis, ...], table: list, extra: tuple[Axis, ...], bad: np.ndarray
) -> np.ndarray:
    """Token ids [items, fan] (or with options) of texts in the context of each prompt; reasons go into `bad`."""
    fan = bad.shape[1]
    column_of = np.zeros(fan, dtype=np.int64)
    at = np.stack(np.unravel_index(np.arange(fan), [len(a) for a in extra])) if extra else np.zeros((0, fan), np.int64)
    for axis in axes:
        column_of = column_of * len(axis) + at[[a.name for a in extra].index(axis.name)]
    many = isinstance(table[0][0], tuple)
    options = len(table[0][0]) if many else 1
    ids = np.zeros((len(rendered), len(table), options), dtype=np.int64)
    reasons = np.full((len(rendered), len(table)), None, dtype=object)
    for k, row in enumerate(table):
        for i, text in enumerate(row):
            for o, option in enumerate(text if many else (text,)):
                if option is None:
                    reasons[i, k] = "the prompt has no answer"
                    continue
                try:
                    ids[i, k, o] = answer_ids(tokenizer, rendered[i], option).id
                except ProbeError as error:
                    reasons[i, k] = error.message
    bad[:] = np.where(np.equal(bad, None), reasons[:, column_of], bad)
    chosen = ids[:, column_of]
    return chosen if many else chosen[..., 0]


def text_kernel(bindings: Bindings, work: Lowered, run: Node) -> Kernel:
    """Cross entropy: the ids of the tokens that are measured, slot by slot."""
    count = len(bindings.rendered(run.input("model"), run.input("prompts")))
    bad = np.full((count, 1), None, dtype=object)
    return Kernel(None, "of", {"next": work.following}, {}, (), bad, work, whole=True)
