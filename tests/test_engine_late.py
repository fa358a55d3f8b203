"""A last block that runs for the measured tokens alone gives these what they have when it runs for all."""

import dataclasses

import pytest
import torch

from probelang.runtime.counts import predicted
from probelang.runtime.engine import Batch, Edit, Engine, Keep, Read, Start, pad
from probelang.runtime.engine.split import halves
from probelang.runtime.models import ModelSource, load
from probelang.runtime.sites import SiteRef
from tests.helpers_models import ARCHITECTURES, MORE_ARCHITECTURES, build

torch.set_num_threads(1)
A, B = [1, 14, 20, 30, 41, 50, 9, 12], [1, 5, 7, 9, 50]
ROWS = [A, B, A, B, A]
# Row 2 begins as row 0 behind the last block, row 3 ends before block 2, row 4 begins as row 0 at block 2.
FIRST, SOURCE, DEPTH = [0, 0, 4, 0, 2], [-1, -1, 0, -1, 0], [4, 4, 4, 2, 4]
LATE = [[5, 7], [2, 4], [5, 5], [4, 4], [3, 7]]


def t(*numbers):
    return torch.tensor(numbers)


def load_tiny(arch: str, folder, attention: str = "sdpa"):
    return load(ModelSource("path", str(build(arch, folder))), attention=attention)


def batch(parallel: bool = False) -> Batch:
    """Rows that enter at several blocks; edits and reads at the measured tokens, and an edit at one that is not."""
    v = torch.randn(5, 32, generator=torch.Generator().manual_seed(5))
    middle = SiteRef("mlp" if parallel else "resid_mid", 3)
    edits = (
        Edit(SiteRef("resid_post", 1), "add", t(4), t(2), v[:1]),
        Edit(SiteRef("resid_pre", 3), "scale", t(0, 1), t(1, 2), None, t(2.0, -1.0)),
        Edit(SiteRef("attn", 3), "add", t(0, 4, 1), t(7, 3, 4), v[:3]),
        Edit(middle, "scale", t(1, 0), t(2, 5), None, t(0.5, 3.0)),
        Edit(SiteRef("resid_post", 3), "set", t(2, 0), t(5, 2), v[3:]),
        Edit(SiteRef("final_norm"), "scale", t(1), t(4), None, t(2.0)),
    )
    reads = (
        Read("logits", SiteRef("logits"), t(0, 1, 2, 4, 1), t(7, 4, 5, 7, 2)),
        Read("post", SiteRef("resid_post", 3), t(0, 2, 4), t(5, 5, 3)),
        Read("raw", SiteRef("resid_post", 3), t(0, 4), t(7, 7), raw=True),
        Read("mlp", SiteRef("mlp", 3), t(4, 1), t(3, 4)),
        Read("neurons", SiteRef("neurons", 3), t(0), t(5)),
        Read("head", SiteRef("head", 3, 1), t(1, 0), t(4, 7)),
        Read("before", SiteRef("resid_pre", 3), t(0, 1, 4), t(1, 3, 4)),
        Read("left", SiteRef("resid_post", 1), t(3), t(4)),
    )
    return Batch(*pad(ROWS), edits, reads, (Keep("keys", 3, t(0, 4)),), Start(t(*FIRST), 0, t(*SOURCE)),
                 depth=t(*DEPTH))  # fmt: skip


def agree(found: dict, wanted: dict) -> None:
    for key, values in wanted.items():
        assert found[key].shape == values.shape
        assert (found[key] - values).abs().max() <= 1e-5 * max(1.0, float(values.abs().max())), key


@pytest.mark.parametrize("arch", ARCHITECTURES + MORE_ARCHITECTURES)
def test_measured_tokens_have_the_values_of_the_whole_block(arch: str, tmp_path) -> None:
    engine = Engine(load_tiny(arch, tmp_path))
    whole = batch(engine.model.facts.parallel_residual)
    wanted, before = engine.run(whole), engine.counts.row_layer_tokens
    assert before == 8 * (4 + 4 + 2 + 2)
    agree(engine.run(dataclasses.replace(whole, late=t(*LATE))), wanted)
    assert engine.counts.row_layer_tokens == 2 * before - 3 * (8 - 2)


@pytest.mark.parametrize("arch", ["olmo3", "gpt2", "gpt_neox"])
def test_with_scores_that_are_made_whole_and_in_halves(arch: str, tmp_path) -> None:
    engine = Engine(load_tiny(arch, tmp_path, "eager"))
    whole = batch(engine.model.facts.parallel_residual)
    late = dataclasses.replace(whole, late=t(*LATE))
    wanted = engine.run(whole)
    agree(engine.run(late), wanted)
    agree(halves(late, engine.run), wanted)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_behind_the_keys_of_other_rows(arch: str, tmp_path) -> None:
    """Rows that begin at token 3, at the first block and at the last one, with windows that reach over the edge."""
    engine = Engine(load_tiny(arch, tmp_path))
    keeps = tuple(Keep(("keys", layer), layer, t(0)) for layer in range(4))
    hidden = Read("h", SiteRef("resid_post", 2), t(*[0] * 5), torch.arange(3, 8))
    source = engine.run(Batch(*pad([A]), (), (hidden,), keeps, until=SiteRef("attn_raw", 3)))
    edit = Edit(SiteRef("resid_pre", 3), "scale", t(0, 1), t(4, 5), None, t(2.0, 3.0))
    reads = (Read("out", SiteRef("logits"), t(0, 1), t(7, 6)), Read("post", SiteRef("resid_post", 3), t(1), t(4)))
    start = Start(t(0, 3), 3, t(-1, -1), lambda layer, rows: source["h"][None],
                  lambda layer, rows: source["keys", layer][:, :, :, :3].expand(len(rows), -1, -1, -1, -1))  # fmt: skip
    whole = Batch(*pad([A, A]), (edit,), reads)
    late = dataclasses.replace(whole, start=start, late=t([7, 7], [6, 4]))
    wanted, before = engine.run(whole), engine.counts.row_layer_tokens
    agree(engine.run(late), wanted)
    assert engine.counts.row_layer_tokens - before == 5 * (3 + 0) + 2 * 2


def test_a_token_that_is_not_there_cannot_be_read(tmp_path) -> None:
    engine = Engine(load_tiny("llama", tmp_path))
    late = dataclasses.replace(batch(), late=t(*LATE))
    read = Read("x", SiteRef("attn", 3), t(0), t(6))
    with pytest.raises(ValueError, match="before the start of its rows, or behind their end"):
        engine.run(dataclasses.replace(late, reads=(*late.reads, read)))


def test_counts_of_a_short_last_block() -> None:
    assert predicted((3, 8), SiteRef("logits"), 4, tail=2) == 3 * (3 * 8 + 2)
    assert predicted((3, 8), SiteRef("logits"), 4, 2, [(0, 4), (4, 4), (1, 2)], 1) == 6 * 3 + 1 + 6
