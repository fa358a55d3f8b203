"""Order a batch's edits and reads as a forward pass meets them. Checks the batch; runs nothing.

A residual between attention and MLP feeds two branches, and no module holds the one that skips the MLP. So an edit of
`resid_mid` changes the input of the MLP's branch, and the block's output at the same places is summed anew.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch

from ..counts import layers_run
from ..errors import ProbeError
from ..facts import ModelFacts
from ..sites import Place, SiteRef, architecture, place
from .batch import Batch, Edit, Read
from .graft import Swap
from .schedule import Schedule


@dataclass(frozen=True, eq=False)
class Hold:
    """Keep, or (`sum`) write back, parts of the residual stream of `layer` at places that `resid_mid` edits touched."""

    layer: int
    part: Literal["middle", "update", "sum"]
    rows: torch.Tensor
    positions: torch.Tensor


@dataclass(frozen=True, eq=False)
class Action:
    """Do one thing at a place; a graft knows its own."""

    place: Place | None
    what: Edit | Read | Hold | Swap


@dataclass(frozen=True, eq=False)
class Step:
    """Visit one side of one module and do `actions` in order."""

    path: str
    side: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, eq=False)
class Steps:
    """Hold the visits of a forward pass, what to do with attention probabilities by layer, and where it ends.

    `schedule` says which rows are where. `pieces` names the parts of reads whose rows are visited at two places, with
    the mask [n] of each.
    """

    visits: tuple[Step, ...]
    patterns: dict[int, tuple[Action, ...]]
    last: SiteRef | None
    schedule: Schedule | None = None
    pieces: dict[Hashable, tuple[tuple[Hashable, torch.Tensor], ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of an edit or read that are visited together: `order` sorts parts, `mask` [n] says which rows these are.

    `rows` are where they lie there, `of` which of the batch they are. `late`: only some positions are there.
    """

    order: tuple
    place: Place
    rows: torch.Tensor
    mask: torch.Tensor
    of: torch.Tensor
    late: bool = False

    def tokens(self, positions: torch.Tensor, schedule: Schedule) -> tuple[torch.Tensor, torch.Tensor]:
        """Return where positions [n] of the rows lie there, and whether they do."""
        at = positions[self.mask]
        if not self.late:
            return at - schedule.start.position, at >= schedule.start.position
        equal = schedule.late[self.of] == at[:, None]
        return equal.int().argmax(1), equal.any(1)


def steps(batch: Batch, facts: ModelFacts) -> Steps:
    """Return what to do in the order of execution, positions counted from the start's, rows as they lie in the pass.

    Edits that no read can see are left out, and those that the start holds already.
    """
    if not batch.reads and not batch.keeps:
        return Steps((), {}, None)
    _check_rows(batch, facts)
    keys = [read.key for read in batch.reads]
    if len(set(keys)) < len(keys):
        raise ProbeError("repeated-key", f"two reads of one batch share the key {_first_repeated(keys)!r}")
    for part in (*batch.edits, *batch.reads):
        _check(part, batch, facts)
    ends = [read.site for read in batch.reads] + ([batch.until] if batch.until is not None else [])
    last = max(ends, key=lambda site: site.order)
    schedule = Schedule(batch, layers_run(last, facts.n_layers))
    found: list[tuple[tuple, Place, Edit | Read | Hold | None]] = []
    pieces: dict[Hashable, tuple[tuple[Hashable, torch.Tensor], ...]] = {}
    for read in batch.reads:
        found += _read(read, schedule, facts, pieces)
    live, grafts = [], []
    for edit in batch.edits:
        # The unembedding runs later, the donor's too.
        later = edit.site.name == "logits" or edit.site.order > last.order
        for part in () if later else _parts(edit.site, edit.rows, schedule, facts):
            if not len(part.rows):
                continue
            cut = _cut(edit, part, schedule)
            if edit.kind == "graft":
                grafts.append(cut)
                continue
            live.append((part, cut))
            found.append(((*part.order, 0, edit.order, len(live)), part.place, cut))
    found += _holds([cut for _, cut in live], last, facts)
    found += _ending(last, schedule, facts)
    if schedule.late is not None:
        site = SiteRef("resid_pre", schedule.end - 1)
        found.append(((*site.order, 0, 2, 0, 0), place(site, facts), None))
    found.sort(key=lambda entry: entry[0])
    plan = _grouped(found, last, schedule, pieces)
    return replace(plan, visits=_with_grafts(plan.visits, grafts, batch.shape[0]))


def _read(read: Read, schedule: Schedule, facts: ModelFacts, pieces: dict):
    # The unembedding runs later, on the rows that are asked for.
    site = SiteRef("final_norm") if read.site.name == "logits" else read.site
    parts = _parts(site, read.rows, schedule, facts)
    found = [part.tokens(read.positions, schedule) for part in parts]
    if sum(int(there.sum()) for _, there in found) < len(read.rows):
        raise ValueError(f"a read of {site} lies before the start of its rows, or behind their end")
    keys = [(Steps, read.key, number) for number in range(len(parts))] if len(parts) > 1 else [read.key]
    if len(parts) > 1:
        pieces[read.key] = tuple((key, part.mask) for key, part in zip(keys, parts, strict=True))
    for key, part, (at, _) in zip(keys, parts, found, strict=True):
        cut = replace(read, key=key, rows=part.rows, positions=at)
        yield ((*part.order, -0.5 if read.raw else 1, 0, 0), part.place, cut)


def _parts(site: SiteRef, rows: torch.Tensor, schedule: Schedule, facts: ModelFacts) -> list[Part]:
    """Where `rows` meet a site: those that begin behind it at the next module's input, those that end before it at
    the last one's output. Rows that are not there are in no part."""
    whole = torch.ones(len(rows), dtype=torch.bool)
    if site.name == "embed":
        chosen = schedule.first[rows] == 0
        ways = [Part((*site.order, 0), place(site, facts), rows[chosen], chosen, rows[chosen])]
    elif site.layer is None:
        ways = [_part(site, 0, place(site, facts), schedule, facts.n_layers, rows, whole, facts)]
    else:
        ways, other = [], ~whole
        if site.name == "resid_pre" and 0 < site.layer < schedule.end:
            other = schedule.depth[rows] == site.layer
            behind = SiteRef("resid_post", site.layer - 1)
            ways = [_part(behind, 1, place(behind, facts), schedule, site.layer - 1, rows, other, facts)]
        elif site.name == "resid_post":
            other = schedule.first[rows] == site.layer + 1
            ways = [_part(*_after(site.layer, facts), schedule, site.layer + 1, rows, other, facts)]
        ways.append(_part(site, 0, _place(site, facts), schedule, site.layer, rows, ~other, facts))
    return [part for part in ways if len(part.rows)] or (ways[-1:] if not len(rows) else [])


def _after(layer: int, facts: ModelFacts) -> tuple[SiteRef, int, Place]:
    if layer + 1 < facts.n_layers:
        site = SiteRef("resid_pre", layer + 1)
        return site, -1, place(site, facts)
    return SiteRef("final_norm"), -1, Place(architecture(facts.arch).final_norm, "input", facts.d_model)


def _part(site: SiteRef, phase: int, here: Place, schedule: Schedule, number: int, rows, chosen, facts) -> Part:
    at = schedule.place(number, rows) if schedule.begin <= number <= schedule.end else torch.full_like(rows, -1)
    chosen = chosen & (at >= 0)
    inside = number == schedule.end - 1 and site.name != "resid_pre"
    late = schedule.late is not None and (inside or number == schedule.end)
    return Part((*_order(site, facts), phase), here, at[chosen], chosen, rows[chosen], late)


def _cut(edit: Edit, part: Part, schedule: Schedule) -> Edit:
    """The rows of an edit that are visited together; what lies before the start's token is gone, and what no longer
    matters in the last block."""
    at, there = part.tokens(edit.positions, schedule)
    keep, rows = part.mask, part.rows
    if not there.all():
        keep, rows, at = keep.clone(), rows[there], at[there]
        keep[part.mask] = there
    fields = {n: getattr(edit, n) for n in ("values", "amount") if getattr(edit, n) is not None}
    cut = {n: value[keep.to(value.device)] for n, value in fields.items()}
    return replace(edit, rows=rows, positions=at, **cut)


def _order(site: SiteRef, facts: ModelFacts) -> tuple[int, float]:
    if site.name == "v" and architecture(facts.arch).v_first:
        return (site.layer, SiteRef("q", site.layer).order[1] - 0.5)
    return site.order


def _holds(edits: list[Edit], last: SiteRef, facts: ModelFacts):
    for layer in sorted({edit.site.layer for edit in edits if edit.site.name == "resid_mid"}):
        after = SiteRef("resid_post", layer)
        if last.order < after.order:
            continue
        here = [edit for edit in edits if edit.site == SiteRef("resid_mid", layer)]
        rows, positions = (torch.cat([getattr(edit, name) for edit in here]) for name in ("rows", "positions"))
        for site, part, rank in (
            (SiteRef("resid_mid", layer), "middle", 1),
            (SiteRef("mlp", layer), "update", 1),
            (after, "sum", -1),
        ):
            yield ((*site.order, 0, rank, 0, 0), place(site, facts), Hold(layer, part, rows, positions))


def _ending(last: SiteRef, schedule: Schedule, facts: ModelFacts):
    """Where a run stops: after what it was asked last, behind its reads if it was told to go on."""
    site, phase = SiteRef("final_norm") if last.name == "logits" else last, 0
    here = _place(site, facts)
    if last.name == "resid_post" and schedule.begin > last.layer:
        site, phase, here = _after(last.layer, facts)
    if here.side == "pattern":
        here = replace(here, side="input")
    yield ((*_order(site, facts), phase, 2, 0, 0), here, None)


def _grouped(found: list, last: SiteRef, schedule: Schedule, pieces: dict) -> Steps:
    visits: dict[tuple[str, str], list[Action]] = {}
    patterns: dict[int, list[Action]] = {}
    for _, here, what in found:
        if here.side == "pattern":
            patterns.setdefault(what.site.layer, []).append(Action(here, what))
            # Where a run that ends with a pattern stops: right after it.
            visits.setdefault((here.path, "input"), [])
        else:
            visits.setdefault((here.path, here.side), []).extend([Action(here, what)] if what is not None else [])
    return Steps(
        tuple(Step(path, side, tuple(actions)) for (path, side), actions in visits.items()),
        {layer: tuple(actions) for layer, actions in patterns.items()},
        last,
        schedule,
        pieces,
    )


def _with_grafts(visits: tuple[Step, ...], edits: list[Edit], rows: int) -> tuple[Step, ...]:
    """Add what grafts need to the visits of a pass over `rows` rows, in the order in which the modules run.

    A donor's module sees its input as edits left it, and edits of its output see what the donor made.
    """
    if not edits:
        return visits
    takes: dict[str, list[Action]] = {}
    puts: dict[str, list[Action]] = {}
    for edit in edits:
        for module in edit.donor.grafted(edit.part, edit.site.layer):
            common = (edit.donor, module, edit.rows, edit.positions, rows)
            key = sum(map(len, takes.values()))
            takes.setdefault(module.path, []).append(Action(None, Swap(key, "take", *common)))
            puts.setdefault(module.path, []).append(Action(None, Swap(key, "put", *common)))
    merged = {(step.path, step.side): step.actions for step in visits}
    for path, actions in takes.items():
        merged[path, "input"] = (*merged.get((path, "input"), ()), *actions)
        merged[path, "output"] = (*puts[path], *merged.get((path, "output"), ()))
    order = edits[0].donor.recipient.execution_order
    return tuple(Step(path, side, merged[path, side]) for path, side in sorted(merged, key=order.__getitem__))


def _place(site: SiteRef, facts: ModelFacts) -> Place:
    # A knockout in all heads: the module is the same.
    return place(replace(site, head=0) if site.name == "pattern" and site.head is None else site, facts)


def _check_rows(batch: Batch, facts: ModelFacts) -> None:
    rows, tokens = batch.shape
    if facts.max_tokens is not None and tokens > facts.max_tokens:
        raise ProbeError(
            "too-many-tokens",
            f"a row of {tokens} tokens does not fit a model that takes {facts.max_tokens}",
            "shorten it",
        )
    if int(batch.ids.min()) < 0 or int(batch.ids.max()) >= facts.vocab:
        raise ProbeError(
            "token-not-in-vocabulary",
            f"a token id lies outside the model's vocabulary 0..{facts.vocab - 1}",
            "the tokenizer does not belong to this model, or has tokens that were added later",
        )
    if batch.lengths.shape != (rows,) or int(batch.lengths.max()) > tokens or int(batch.lengths.min()) < 1:
        raise ProbeError("ragged-places", f"lengths do not fit ids of shape [{rows}, {tokens}]")


def _check(part: Edit | Read, batch: Batch, facts: ModelFacts) -> None:
    rows, tokens = batch.shape
    here = _place(part.site, facts) if getattr(part, "kind", None) == "knockout" else place(part.site, facts)
    n = part.rows.numel()
    if part.positions.numel() != n:
        raise ProbeError("ragged-places", f"{part.site}: {n} rows but {part.positions.numel()} positions")
    if n:
        if not 0 <= int(part.rows.min()) <= int(part.rows.max()) < rows:
            raise ProbeError("row-out-of-range", f"{part.site}: a row outside 0..{rows - 1}")
        if bool(((part.positions < 0) | (part.positions >= batch.lengths[part.rows])).any()):
            raise ProbeError("position-out-of-range", f"{part.site}: a position outside its row's tokens")
    if isinstance(part, Edit):
        _check_edit(part, here, n, tokens)


def _check_edit(edit: Edit, here: Place, n: int, tokens: int) -> None:
    if edit.kind == "graft":
        return
    at_pattern = here.side == "pattern"
    if edit.site.name == "logits" or at_pattern != (edit.kind == "knockout" or at_pattern and edit.kind == "set"):
        raise ProbeError("site-not-editable", f"`{edit.kind}` cannot act at {edit.site}")
    if (edit.rows * tokens + edit.positions).unique().numel() < n:
        raise ProbeError("repeated-place", f"one `{edit.kind}` edit at {edit.site} names a row's position twice")
    if edit.kind != "scale":
        shape = None if edit.values is None else tuple(edit.values.shape)
        fits = shape is not None and len(shape) == 2 and shape[0] == n
        if not fits or (shape[1] > tokens if at_pattern else shape[1] != here.width):
            wanted = f"[{n}, at most {tokens}]" if at_pattern else f"[{n}, {here.width}]"
            raise ProbeError("wrong-width", f"`{edit.kind}` at {edit.site} needs values {wanted}, but got {shape}")
    if edit.amount is not None and tuple(edit.amount.shape) != (n,):
        raise ProbeError("wrong-width", f"`{edit.kind}` at {edit.site} needs {n} amounts")
    if edit.kind in ("scale", "clamp") and edit.amount is None:
        raise ProbeError("wrong-width", f"`{edit.kind}` at {edit.site} needs an amount")


def _first_repeated(keys: list[Hashable]) -> Hashable:
    return next(key for i, key in enumerate(keys) if key in keys[:i])
