"""Texts of the engine against a plain loop: one row alone, no cache, the whole row read anew for every token."""

import numpy as np
import pytest
import torch

from probelang.runtime.counts import Counts
from probelang.runtime.engine import Batch, Edit, Engine, pad
from probelang.runtime.engine.choose import Sampling, choose
from probelang.runtime.engine.generate import END, LENGTH, STOP, Texts, generate, part
from probelang.runtime.sites import SiteRef
from tests.helpers_models import ARCHITECTURES

torch.set_num_threads(1)
PROMPTS = [[1, 14, 20, 30, 41, 50, 9, 12], [1, 33, 62], [1, 5, 7, 9, 50], [1, 40, 41, 42, 43, 44, 45], [1, 8]]
MOST, WIDTH, END_ID = 7, 32, 2


def sampling(count, temperature=0.0, top_p=1.0, penalty=1.0):
    return Sampling(*(torch.full((count,), x, dtype=torch.float64) for x in (temperature, top_p, penalty)))


def texts(prompts, source, *, edits=(), later=(), most=MOST, ends=(END_ID,), ended=None, seed=0, **how):
    n = len(source)
    uniform = torch.from_numpy(np.random.default_rng(seed).random((n, MOST)))
    ids, lengths = pad(prompts)
    most = torch.tensor([most] * n if isinstance(most, int) else most)
    return Texts(Batch(ids, lengths, tuple(edits)), torch.tensor(source), tuple(later), most, sampling(n, **how),
                 uniform, frozenset(ends), ended or (lambda row, ids: False), 10**6)  # fmt: skip


def pick(logits, temperature, top_p, penalty, u, seen):
    """The next token, written out: penalty, temperature, nucleus, inverse of the cumulative distribution."""
    x = logits.double().numpy().copy()
    for token in set(seen):
        x[token] = x[token] / penalty if x[token] > 0 else x[token] * penalty
    if temperature == 0:
        return int(x.argmax())
    p = np.exp((x - x.max()) / temperature)
    p /= p.sum()
    order = np.argsort(-p, kind="stable")
    kept, mass = [], 0.0
    for token in order:
        if mass >= top_p:
            break
        kept.append(token)
        mass += p[token]
    p = np.array([p[t] if t in kept else 0.0 for t in range(len(p))])
    return int(np.searchsorted(np.cumsum(p), u * p.sum(), side="right"))


def plainly(model, prompt, *, changes=(), uniform=None, temperature=0.0, top_p=1.0, penalty=1.0, most=MOST):
    """A text by whole passes over the row. `changes` are (layer, prompt positions, whether later tokens, function)."""
    blocks, ids = model.hf.get_submodule(model.sites.blocks), list(prompt)
    while len(ids) - len(prompt) < most:
        handles = []
        for layer, at, later, change in changes:
            where = [*at, *(range(len(prompt), len(ids)) if later else ())]

            def hook(module, args, out, where=where, change=change):
                h = (out[0] if isinstance(out, tuple) else out).clone()
                h[0, where] = change(h[0, where])
                return (h, *out[1:]) if isinstance(out, tuple) else h

            handles.append(blocks[layer].register_forward_hook(hook))
        with torch.no_grad():
            logits = model.hf(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
        for handle in handles:
            handle.remove()
        u = None if uniform is None else float(uniform[len(ids) - len(prompt)])
        ids.append(pick(logits, temperature, top_p, penalty, u, ids))
        if ids[-1] == END_ID:
            break
    return tuple(ids[len(prompt) :])


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_text_is_what_whole_passes_over_its_row_alone_give(loaded, arch):
    model, rows = loaded(arch), list(range(len(PROMPTS)))
    for how in (dict(), dict(temperature=1.0), dict(temperature=0.7, top_p=0.6, penalty=1.3)):
        asked = texts(PROMPTS, rows, seed=1, **how)
        found = generate(Engine(model), asked)
        alone = [plainly(model, p, uniform=asked.uniform[i], **how) for i, p in enumerate(PROMPTS)]
        assert [w.ids for w in found] == alone, how
        assert all(w.close > 1e-6 for w in found)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_each_row_has_its_own_edits_in_the_prompt_and_behind_it(loaded, arch):
    model, site = loaded(arch), SiteRef("resid_post", 1)
    vectors = torch.randn(6, WIDTH, generator=torch.Generator().manual_seed(3)) * 2
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    # five prompts and, as a sixth row, the first again without an edit
    prompts, count = [*PROMPTS, PROMPTS[0]], 6
    at = torch.tensor([len(p) - 1 for p in PROMPTS])
    rows = torch.arange(5)
    first = Edit(site, "add", rows, at, vectors[:5], torch.full((5,), 1.5))
    later = (
        Edit(site, "add", torch.tensor([0, 1]), torch.zeros(2, dtype=torch.long), vectors[:2], torch.full((2,), 1.5)),
        Edit(site, "project_out", torch.tensor([2, 3]), torch.zeros(2, dtype=torch.long), vectors[2:4]),
        Edit(SiteRef("resid_post", 2), "scale", torch.tensor([4]), torch.zeros(1, dtype=torch.long), None,
             torch.zeros(1)),
    )  # fmt: skip
    found = generate(Engine(model), texts(prompts, list(range(count)), edits=(first,), later=later, temperature=0.8))
    uniform = texts(prompts, list(range(count))).uniform

    def put(i):
        return (1, [len(PROMPTS[i]) - 1], i < 2, lambda h, i=i: h + 1.5 * vectors[i])

    def out(i):
        return (1, [], True, lambda h, i=i: h - (h @ unit[i])[:, None] * unit[i])

    changes = [[put(0)], [put(1)], [put(2), out(2)], [put(3), out(3)],
               [put(4), (2, [], True, torch.zeros_like)], []]  # fmt: skip
    for i, prompt in enumerate(prompts):
        assert found[i].ids == plainly(model, prompt, changes=changes[i], uniform=uniform[i], temperature=0.8), i


def test_texts_do_not_depend_on_their_batch_and_samples_share_the_pass_over_the_prompt(loaded):
    model = loaded("olmo2")
    source = [0] * 6 + [1] * 5 + [2, 3, 3, 4]
    asked = texts(PROMPTS, source, temperature=1.0, seed=5)
    engine = Engine(model)
    whole = generate(engine, asked)
    assert len({w.ids for w in whole}) > 5
    rows = len(PROMPTS) * 8 * 4  # five prompts, padded to eight tokens, through four blocks
    assert engine.counts.row_layer_tokens <= rows + 4 * len(source) * (MOST - 1)
    for i in range(len(source)):
        (alone,) = generate(Engine(model), part(asked, i, i + 1))
        assert (alone.ids, alone.end) == (whole[i].ids, whole[i].end)
        assert alone.close == pytest.approx(whole[i].close, abs=1e-6) and alone.close > 1e-6
    halves = generate(Engine(model), part(asked, 0, 7)) + generate(Engine(model), part(asked, 7, len(source)))
    assert [w.ids for w in halves] == [w.ids for w in whole]


def test_a_text_ends_with_an_end_token_a_stop_text_or_its_limit(loaded):
    model = loaded("llama")
    plain = generate(Engine(model), texts(PROMPTS, range(5), ends=(), most=[3, 7, 1, 5, 7]))
    assert [len(w.ids) for w in plain] == [3, 7, 1, 5, 7] and {w.end for w in plain} == {LENGTH}
    token = plain[1].ids[2]
    ended = generate(Engine(model), texts(PROMPTS, range(5), ends=(token,), most=[3, 7, 1, 5, 7]))
    assert ended[1].end == END and ended[1].ids == plain[1].ids[: plain[1].ids.index(token) + 1]
    stopped = generate(
        Engine(model), texts(PROMPTS, range(5), ends=(), ended=lambda row, ids: row == 4 and len(ids) == 2)
    )
    assert stopped[4] == type(plain[4])(plain[4].ids[:2], STOP, stopped[4].close)
    assert stopped[0].ids[:3] == plain[0].ids


def test_counts_reach_their_bound_when_every_text_is_as_long_as_it_may_be(loaded):
    engine = Engine(loaded("gpt2"), Counts())
    generate(engine, texts(PROMPTS, [0, 1, 2, 3, 4, 4], ends=()))
    assert engine.counts.forwards == 1 + MOST - 1
    assert engine.counts.row_layer_tokens == 4 * (5 * 8 + 6 * (MOST - 1))
    one = Engine(loaded("gpt2"), Counts())
    generate(one, texts(PROMPTS, [0, 1], ends=(), most=1))
    assert one.counts.forwards == 1


def test_half_the_texts_at_a_time_when_memory_runs_out(loaded, monkeypatch):
    model, engine = loaded("olmo2"), Engine(loaded("olmo2"))
    asked = texts(PROMPTS, [0, 1, 2, 3, 4, 0], temperature=1.0)
    whole = generate(Engine(model), asked)
    run = Engine.run

    def small(self, batch):
        if batch.shape[0] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run(self, batch)

    monkeypatch.setattr(Engine, "run", small)
    assert [w.ids for w in generate(engine, asked)] == [w.ids for w in whole]


def test_a_draw_is_the_inverse_of_the_cumulative_distribution():
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.4]])).expand(9, -1)
    u = torch.tensor([0.0, 0.05, 0.15, 0.29, 0.31, 0.59, 0.61, 0.8, 0.9999], dtype=torch.float64)
    ids, close = choose(logits, sampling(9, temperature=1.0), u, None)
    assert ids.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3]
    assert close[3] == pytest.approx(2 * 0.01 / abs(np.log(0.1)), rel=1e-4)
    # the two likeliest reach 0.7 and are left, in the order of their ids
    ids, _ = choose(logits, sampling(9, temperature=1.0, top_p=0.65), u, None)
    assert ids.tolist() == [2, 2, 2, 2, 2, 3, 3, 3, 3]
    ids, close = choose(torch.tensor([[1.0, 3.0, 3.0]]), sampling(1), torch.zeros(1), None)
    assert ids.tolist() == [1] and close.tolist() == [0.0]


def test_frequencies_of_draws_are_the_probabilities():
    rng = np.random.default_rng(0)
    p = torch.softmax(torch.from_numpy(rng.normal(size=20)) / 0.7, -1)
    n = 40_000
    logits = (p.log() * 0.7).expand(n, -1)
    ids, _ = choose(logits, sampling(n, temperature=0.7), torch.from_numpy(rng.random(n)), None)
    counts = torch.bincount(ids, minlength=20).double()
    chi2 = float(((counts - n * p) ** 2 / (n * p)).sum())
    assert chi2 < 43.8  # the 99.9 % point for 19 degrees of freedom
