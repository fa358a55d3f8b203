"""What one forward pass is asked to do: rows of tokens, edits, reads. Data only; nothing here runs a model."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from ..sites import SiteRef

if TYPE_CHECKING:
    from .donor import Donor

Kind = Literal["set", "add", "project_out", "scale", "blend", "clamp", "knockout", "graft"]


@dataclass(frozen=True, eq=False)
class Edit:
    """Change `site` at n places; `order` sorts edits of one site.

    With h the site's value and a the amount (1 if None): `set` h=v; `add` h+a*v; `project_out` h-a*(h.u)u, u=v/|v|;
    `scale` a*h; `blend` (1-a)*h+a*v; `clamp` h=a where v is 1; `knockout`, at `pattern` only, of one head or of all
    (`head=None`), cuts the keys where v is 1 before the softmax; `graft` computes `part` with the weights of `donor`.
    An amount that changes nothing leaves every bit as it was.
    """

    site: SiteRef
    kind: Kind
    rows: Tensor  # [n], long
    positions: Tensor  # [n], long; a row's position occurs once in an edit
    values: Tensor | None = None  # [n, width of the site]; at `pattern` [n, keys], missing keys are 0
    amount: Tensor | None = None  # [n]
    order: int = 0
    part: str | None = None  # of a graft: `attn.q`, `mlp.up`, `norms`, `embed`, `unembed`
    donor: Donor | None = None


@dataclass(frozen=True, eq=False)
class Read:
    """Ask for `site` at n places, after its edits (`raw`: before them); the result is [n, width], under `key`."""

    key: Hashable
    site: SiteRef
    rows: Tensor  # [n], long
    positions: Tensor  # [n], long
    raw: bool = False


@dataclass(frozen=True, eq=False)
class Keep:
    """Ask for the keys and values of all tokens of n rows in a layer: [n, 2, heads, T, d_head], under `key`."""

    key: Hashable
    layer: int
    rows: Tensor  # [n], long


@dataclass(frozen=True, eq=False)
class Start:
    """Where rows begin: each at a block, all with the tokens from `position` on. What lies before has happened.

    A row that begins behind block 0 takes the hidden state that row `source` of the batch has there, or, where that is
    -1, a row of `hidden(layer, rows)` [n, T - position, d_model]: the unedited outputs of block `layer` - 1.
    `prefix(layer, rows)` gives keys and values [n, 2, heads, position, d_head] of the tokens before `position`. Edits
    that lie before are left out.
    """

    layer: Tensor | None = None  # [B], long; None: all rows begin at block 0
    position: int = 0
    source: Tensor | None = None  # [B], long; None: no row takes another's
    hidden: Callable[[int, Tensor], Tensor] | None = None
    prefix: Callable[[int, Tensor], Tensor] | None = None

    def rows(self, rows: Tensor, count: int) -> Start:
        """Return the start of some of `count` rows; it has the sources of these rows among them."""
        hidden, prefix, source = self.hidden, self.prefix, self.source
        if source is not None:
            place = torch.full((count + 1,), -1)
            place[rows] = torch.arange(len(rows))
            source = place[source[rows]]
        return replace(
            self,
            layer=None if self.layer is None else self.layer[rows],
            source=source,
            hidden=None if hidden is None else lambda layer, some: hidden(layer, rows[some]),
            prefix=None if prefix is None else lambda layer, some: prefix(layer, rows[some]),
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """Hold rows of token ids, padded on the right with any token, since causal attention never looks there.

    A forward ends after the last read, or at `until` if that is later; `depth` says how many blocks each row goes
    through at most. Positions count from the row's first token. With `late` the last block makes keys and values of
    all tokens, and all else of the tokens at these positions, which are then the only ones that can be read there.
    """

    ids: Tensor  # [B, T], long
    lengths: Tensor  # [B], long
    edits: tuple[Edit, ...] = ()
    reads: tuple[Read, ...] = ()
    keeps: tuple[Keep, ...] = ()
    start: Start = Start()
    until: SiteRef | None = None
    depth: Tensor | None = None  # [B], long; None: all rows go through all blocks
    late: Tensor | None = None  # [B, m], long; a position may be there twice

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and padded tokens."""
        return self.ids.shape[0], self.ids.shape[1]


def pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return `rows` of ids as [B, T] and their lengths [B]; a row is filled up with its own last token."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[row[-1]] * (longest - len(row))] for row in rows], dtype=torch.long)
    return ids, torch.tensor([len(row) for row in rows], dtype=torch.long)


def take_rows(batch: Batch, start: int, stop: int) -> tuple[Batch, dict[Hashable, Tensor]]:
    """Return rows `start` to `stop` as a batch, and for each read and keep the mask [n] of what stays of it.

    Rows that these take their hidden states from come with them, and nothing is asked of those.
    """
    asked = torch.zeros(batch.shape[0], dtype=torch.bool)
    asked[start:stop] = True
    inside, source = asked.clone(), batch.start.source
    while source is not None:
        more = source[inside]
        more = more[more >= 0]
        if bool(inside[more].all()):
            break
        inside[more] = True
    rows = inside.nonzero()[:, 0]
    place = torch.cumsum(inside, 0) - 1

    def cut(part, keep: Tensor):
        fields = dict(rows=place[part.rows[keep]])
        if not isinstance(part, Keep):
            fields |= dict(positions=part.positions[keep])
        if isinstance(part, Edit):
            fields |= {
                name: getattr(part, name)[keep.to(getattr(part, name).device)]
                for name in ("values", "amount")
                if getattr(part, name) is not None
            }
        return replace(part, **fields)

    kept = {part.key: asked[part.rows] for part in (*batch.reads, *batch.keeps)}
    return (
        replace(
            batch,
            ids=batch.ids[rows],
            lengths=batch.lengths[rows],
            edits=tuple(cut(edit, inside[edit.rows]) for edit in batch.edits),
            reads=tuple(cut(read, kept[read.key]) for read in batch.reads),
            keeps=tuple(cut(keep, kept[keep.key]) for keep in batch.keeps),
            start=batch.start.rows(rows, batch.shape[0]),
            depth=None if batch.depth is None else batch.depth[rows],
            late=None if batch.late is None else batch.late[rows],
        ),
        kept,
    )
