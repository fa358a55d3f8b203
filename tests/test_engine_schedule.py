"""Rows that join a pass on the way, and rows that leave it, have the values that they have in passes of their own."""

import dataclasses

import pytest
import torch

from probelang.runtime.counts import predicted
from probelang.runtime.engine import Batch, Edit, Engine, Keep, Read, Start, pad
from probelang.runtime.engine.split import halves
from probelang.runtime.sites import SiteRef
from tests.helpers_models import ARCHITECTURES

torch.set_num_threads(1)
A, B, C = [1, 14, 20, 30, 41, 50, 9, 12], [1, 5, 7, 9, 50], [1, 40, 41, 42, 43, 44, 45]
ROWS = [C, A, A, B, A, C, A]
FIRST, SOURCE, DEPTH = [0, 0, 2, 1, 4, 0, 3], [-1, -1, 1, -1, 1, -1, 2], [4, 4, 4, 4, 4, 2, 4]
LAST = [len(row) - 1 for row in ROWS]


def t(*numbers):
    return torch.tensor(numbers)


def everything(n: int = 7):
    """Edits and reads of all rows: row 4 begins behind the last block, row 6 as row 2, row 5 ends before block 2."""
    gen = torch.Generator().manual_seed(5)
    v = torch.randn(5, 32, generator=gen)
    edits = (
        Edit(SiteRef("resid_post", 1), "add", t(2, 6), t(4, 4), v[:1].expand(2, -1)),
        Edit(SiteRef("resid_pre", 2), "scale", t(5, 0), t(3, 6), None, t(2.0, -1.0)),
        Edit(SiteRef("resid_post", 2), "set", t(6), t(5), v[1:2]),
        Edit(SiteRef("resid_post", 3), "set", t(4), t(7), v[2:3]),
        Edit(SiteRef("attn", 1), "add", t(3), t(2), v[3:4]),
        Edit(SiteRef("mlp", 3), "scale", t(2, 6, 0), t(5, 6, 2), None, t(0.5, 2.0, 3.0)),
        Edit(SiteRef("k", 3, 0), "scale", t(6, 3), t(4, 1), None, t(2.0, -2.0)),
    )
    goes_on = [row for row in range(n) if DEPTH[row] == 4]
    last = torch.tensor(LAST)
    reads = (
        Read("logits", SiteRef("logits"), torch.tensor(goes_on), last[goes_on]),
        Read("post", SiteRef("resid_post", 1), t(2, 0, 5, 3), t(4, 6, 3, 4)),
        Read("raw", SiteRef("resid_post", 1), t(2, 1), t(4, 7), raw=True),
        Read("pre", SiteRef("resid_pre", 2), t(5, 0, 2), t(3, 6, 4)),
        Read("final", SiteRef("resid_post", 3), t(4, 0, 6), t(7, 6, 7)),
        Read("pattern", SiteRef("pattern", 3, 1), t(6, 3), t(7, 4)),
    )
    return edits, reads


def whole(batch: Batch) -> Batch:
    return dataclasses.replace(batch, start=Start(), depth=None)


def staircase(engine: Engine) -> Batch:
    batch = Batch(*pad(ROWS), *everything(), (Keep("keys", 2, t(1, 3)),))
    before = engine.run(
        Batch(*pad([[*B, *[B[-1]] * 3]]), (), (Read("h", SiteRef("resid_post", 0), 0 * t(*range(8)), t(*range(8))),))
    )["h"]

    def hidden(layer, rows):
        assert (layer, rows.tolist()) == (1, [3])
        return before[None]

    return dataclasses.replace(batch, start=Start(t(*FIRST), 0, t(*SOURCE), hidden), depth=t(*DEPTH))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_rows_that_join_and_leave_have_their_own_values(loaded, arch):
    engine = Engine(loaded(arch))
    batch = staircase(engine)
    wanted = engine.run(whole(batch))
    before = engine.counts.row_layer_tokens
    found = engine.run(batch)
    blocks = [min(d, 4) - f for f, d in zip(FIRST, DEPTH, strict=True)]
    assert engine.counts.row_layer_tokens - before == 8 * sum(blocks) < predicted((7, 8), SiteRef("logits"), 4)
    for key, values in wanted.items():
        torch.testing.assert_close(found[key], values, rtol=1e-5, atol=2e-6, msg=lambda m, key=key: f"{key}: {m}")


def test_the_first_half_leaves_what_the_second_begins_with(loaded):
    engine = Engine(loaded("llama"))
    batch = staircase(engine)
    wanted, sizes = engine.run(whole(batch)), []

    def run(part):
        sizes.append(part.shape[0])
        return halves(part, engine.run) if part.shape[0] > 3 else engine.run(part)

    found = halves(batch, run)
    assert sizes == [3, 4]
    for key, values in wanted.items():
        torch.testing.assert_close(found[key], values, rtol=1e-5, atol=2e-6)


def test_a_half_that_needs_all_rows_is_out_of_memory(loaded):
    engine = Engine(loaded("llama"))
    read = Read("out", SiteRef("logits"), t(0, 1), t(7, 7))
    batch = Batch(*pad([A, A]), (), (read,), start=Start(t(2, 0), 0, t(1, -1)))
    with pytest.raises(torch.OutOfMemoryError):
        halves(batch, engine.run)


def test_a_read_of_a_row_that_is_not_there_is_refused(loaded):
    engine = Engine(loaded("llama"))
    batch = staircase(engine)
    for read in (Read("x", SiteRef("attn", 1), t(2), t(0)), Read("x", SiteRef("resid_post", 2), t(5), t(0))):
        with pytest.raises(ValueError, match="before the start of its rows, or behind their end"):
            engine.run(dataclasses.replace(batch, reads=(*batch.reads, read)))


@pytest.mark.parametrize("arch", ["llama", "gpt2"])
def test_blocks_between_a_row_that_left_and_one_that_joins(loaded, arch):
    """Block 2 has no row of its own: one stays on, also where it has no keys of the tokens before."""
    engine, tokens = Engine(loaded(arch)), torch.arange(8)
    hidden = Read("h", SiteRef("resid_post", 2), 0 * tokens, tokens)
    keeps = tuple(Keep(("keys", layer), layer, t(0)) for layer in (0, 3))
    source = engine.run(Batch(*pad([A]), (), (hidden,), keeps, until=SiteRef("attn_raw", 3)))
    reads = (Read("mid", SiteRef("resid_post", 0), t(0), t(7)), Read("end", SiteRef("logits"), t(1), t(7)))
    edits = (Edit(SiteRef("resid_post", 2), "scale", t(1), t(5), None, t(2.0)),)
    whole = Batch(*pad([A, A]), edits, reads)
    wanted = engine.run(whole)
    for position in (0, 3):
        before = engine.counts.row_layer_tokens
        start = Start(t(0, 3), position, t(-1, -1), lambda layer, rows, p=position: source["h"][None, p:],
                      lambda layer, rows, p=position: source["keys", layer][:, :, :, :p])  # fmt: skip
        found = engine.run(dataclasses.replace(whole, start=start, depth=t(1, 4)))
        assert engine.counts.row_layer_tokens - before == 2 * (8 - position)
        for key, values in wanted.items():
            torch.testing.assert_close(found[key], values, rtol=1e-5, atol=2e-6)
