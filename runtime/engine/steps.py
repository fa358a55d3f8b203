"""Order a batch's edits and reads as a forward pass meets them. Checks the batch; runs nothing.

A residual between attention and MLP feeds two branches, and no module holds the one that skips the MLP. So an edit of
`resid_mid` changes the input of the MLP's branch, and the block's output at the same places is summed anew.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Literal

import torch

from ..errors import ProbeError
from ..facts import ModelFacts
from ..sites import Place, SiteRef, architecture, place
from .batch import Batch, Edit, Read


@dataclass(frozen=True, eq=False)
class Hold:
    """Keep, or (`sum`) write back, parts of the residual stream of `layer` at places that `resid_mid` edits touched."""

    layer: int
    part: Literal["middle", "update", "sum"]
    rows: torch.Tensor
    positions: torch.Tensor


@dataclass(frozen=True, eq=False)
class Action:
    """Do one thing at a place."""

    place: Place
    what: Edit | Read | Hold


@dataclass(frozen=True, eq=False)
class Step:
    """Visit one side of one module and do `actions` in order."""

    path: str
    side: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, eq=False)
class Steps:
    """Hold the visits of a forward pass, what to do with attention probabilities by layer, and where it ends."""

    visits: tuple[Step, ...]
    patterns: dict[int, tuple[Action, ...]]
    last: SiteRef | None


def steps(batch: Batch, facts: ModelFacts) -> Steps:
    """Return what to do in the order of execution, positions counted from the start's.

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
    first = SiteRef("resid_post", batch.start.layer - 1).order if batch.start.layer else SiteRef("embed").order
    found: list[tuple[tuple, SiteRef, Edit | Read | Hold]] = []
    for read in batch.reads:
        # The unembedding runs later, on the rows that are asked for.
        site = SiteRef("final_norm") if read.site.name == "logits" else read.site
        if site.order < first or read.positions.numel() and int(read.positions.min()) < batch.start.position:
            raise ValueError(f"a read of {site} lies before the start of its batch")
        found.append(((*_order(site, facts), -0.5 if read.raw else 1, 0), site, _shifted(read, batch.start.position)))
    live = [_shifted(edit, batch.start.position) for edit in batch.edits if first <= edit.site.order <= last.order]
    for number, edit in enumerate(live):
        found.append(((*_order(edit.site, facts), 0, edit.order, number), edit.site, edit))
    found += _holds(live, last)
    found.sort(key=lambda entry: entry[0])
    return _grouped([(site, what) for _, site, what in found], facts, last, batch.start.layer)


def _shifted(part: Edit | Read, position: int) -> Edit | Read:
    """Count positions from `position` on; edits before it are gone."""
    if not position:
        return part
    if isinstance(part, Read):
        return replace(part, positions=part.positions - position)
    keep = part.positions >= position
    fields = {n: getattr(part, n) for n in ("values", "amount") if getattr(part, n) is not None}
    cut = {n: value[keep.to(value.device)] for n, value in fields.items()}
    return replace(part, rows=part.rows[keep], positions=part.positions[keep] - position, **cut)


def _order(site: SiteRef, facts: ModelFacts) -> tuple[int, float]:
    if site.name == "v" and architecture(facts.arch).v_first:
        return (site.layer, SiteRef("q", site.layer).order[1] - 0.5)
    return site.order


def _holds(edits: list[Edit], last: SiteRef):
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
            yield ((*site.order, rank, 0), site, Hold(layer, part, rows, positions))


def _grouped(found: list, facts: ModelFacts, last: SiteRef, start: int) -> Steps:
    visits: dict[tuple[str, str], list[Action]] = {}
    patterns: dict[int, list[Action]] = {}
    for site, what in found:
        here = _where(site, facts, start)
        if here.side == "pattern":
            patterns.setdefault(site.layer, []).append(Action(here, what))
            # Where a run that ends with a pattern stops: right after it.
            visits.setdefault((here.path, "input"), [])
        else:
            visits.setdefault((here.path, here.side), []).append(Action(here, what))
    ending = _where(SiteRef("final_norm") if last.name == "logits" else last, facts, start)
    # A run that goes on behind its reads stops where it was told to.
    if ending.side != "pattern":
        visits.setdefault((ending.path, ending.side), [])
    return Steps(
        tuple(Step(path, side, tuple(actions)) for (path, side), actions in visits.items()),
        {layer: tuple(actions) for layer, actions in patterns.items()},
        last,
    )


def _where(site: SiteRef, facts: ModelFacts, start: int) -> Place:
    if site.name == "pattern" and site.head is None:
        site = SiteRef("pattern", site.layer, 0)  # a knockout in all heads: the module is the same
    if not start or site != SiteRef("resid_post", start - 1):
        return place(site, facts)
    # That block does not run: its output is the next module's input.
    if start < facts.n_layers:
        return place(SiteRef("resid_pre", start), facts)
    return Place(architecture(facts.arch).final_norm, "input", facts.d_model)


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
    here = _where(part.site, facts, 0) if getattr(part, "kind", None) == "knockout" else place(part.site, facts)
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
