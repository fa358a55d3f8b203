"""The engine costs what was predicted, splits what does not fit, refuses nonsense, and lives with its libraries."""

import dataclasses
import subprocess
import sys
import threading

import pytest
import torch

from probelang.runtime.counts import Counts, layers_run, predicted
from probelang.runtime.engine import Batch, Edit, Engine, Read, pad
from probelang.runtime.engine.edits import edited
from probelang.runtime.engine.split import is_out_of_memory
from probelang.runtime.engine.steps import Action
from probelang.runtime.engine.visit import Visitor
from probelang.runtime.errors import ProbeError
from probelang.runtime.models import ModelSource, load
from probelang.runtime.sites import SITES, Place, SiteRef

torch.set_num_threads(1)
ROWS = [[1, 14, 20, 30, 41, 50, 9, 12], [1, 33, 62], [1, 5, 7, 9, 50], [1, 40, 41, 42, 43, 44, 45]]


def t(*numbers):
    return torch.tensor(numbers)


def last_logits(batch, edits=()):
    rows = torch.arange(len(batch.lengths))
    return dataclasses.replace(
        batch, edits=tuple(edits), reads=(Read("out", SiteRef("logits"), rows, batch.lengths - 1),)
    )


@pytest.mark.parametrize("arch", ["olmo2", "gpt_neox"])
def test_counts_equal_predictions_and_the_layers_that_ran(loaded, arch):
    model = loaded(arch)
    blocks = model.hf.get_submodule(model.sites.blocks)
    entered = []
    handles = [block.register_forward_pre_hook(lambda m, a, i=i: entered.append(i)) for i, block in enumerate(blocks)]
    engine, batch = Engine(model), Batch(*pad(ROWS))
    total = Counts()
    for name, axes in SITES.items():
        if name == "resid_mid" and arch == "gpt_neox":
            continue
        site = SiteRef(name, None if axes == "model" else 2, 0 if "head" in axes else None)
        entered.clear()
        late = Edit(SiteRef("resid_post", 3), "set", t(0), t(0), torch.zeros(1, 32))
        engine.run(dataclasses.replace(batch, edits=(late,), reads=(Read(0, site, t(0), t(0)),)))
        total.forwards += 1
        total.row_layer_tokens += predicted(batch.shape, site, model.n_layers)
        # A block whose input is all that was asked for is entered, but computes nothing.
        assert len(entered) == layers_run(site, model.n_layers) + (name == "resid_pre"), name
        assert engine.counts == total
    for handle in handles:
        handle.remove()
    assert engine.run(batch) == {} and engine.counts == total
    assert predicted(batch.shape, None, 4) == 0


def test_a_batch_that_does_not_fit_is_halved_and_joined_in_order(loaded, monkeypatch):
    model = loaded("olmo2")
    engine, batch = Engine(model), Batch(*pad(ROWS))
    rows, positions = t(3, 0, 2, 1, 0), t(1, 2, 3, 2, 7)
    v = torch.randn(2, 32)
    asked = dataclasses.replace(
        batch,
        edits=(Edit(SiteRef("resid_post", 0), "add", t(3, 0), t(0, 1), v, torch.tensor([1.0, 2.0])),),
        reads=(
            Read("h", SiteRef("resid_post", 2), rows, positions),
            Read("p", SiteRef("pattern", 1, 0), rows, positions),
        ),
    )
    whole = engine.run(asked)
    plain_visit = Visitor.at_module
    sizes = []

    def greedy(self, value, actions):
        sizes.append(len(value))
        if len(value) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return plain_visit(self, value, actions)

    monkeypatch.setattr(Visitor, "at_module", greedy)
    with pytest.raises(torch.OutOfMemoryError):
        engine.run(asked)
    split = engine.run_split(asked)
    assert set(sizes) == {4, 2, 1}
    for key, values in whole.items():
        torch.testing.assert_close(split[key], values, rtol=1e-5, atol=1e-6)


def test_a_failed_allocation_on_the_cpu_counts_as_out_of_memory():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


def test_two_threads_on_one_model_wait_for_each_other(loaded):
    model = loaded("gpt2")
    batch = last_logits(Batch(*pad(ROWS)))
    wanted, found = Engine(model).run(batch)["out"], []

    def work():
        for _ in range(5):
            found.append(Engine(model).run(batch)["out"])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 15 and all(torch.equal(one, wanted) for one in found)


def bad(site=SiteRef("resid_post", 1), kind="set", rows=(0,), positions=(0,), values=(1, 32), amount=None):
    return Edit(site, kind, t(*rows), t(*positions), values and torch.zeros(values), amount)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (bad(rows=(4,)), "row-out-of-range"),
        (bad(rows=(1,), positions=(3,)), "position-out-of-range"),
        (bad(positions=(-1,)), "position-out-of-range"),
        (bad(rows=(0, 1)), "ragged-places"),
        (bad(rows=(0, 0), positions=(1, 1), values=(2, 32)), "repeated-place"),
        (bad(values=(1, 31)), "wrong-width"),
        (bad(values=None), "wrong-width"),
        (bad(kind="scale"), "wrong-width"),
        (bad(kind="add", amount=torch.ones(2)), "wrong-width"),
        (bad(kind="knockout"), "site-not-editable"),
        (bad(site=SiteRef("logits"), values=(1, 78)), "site-not-editable"),
        (bad(site=SiteRef("pattern", 0, 0), kind="add"), "site-not-editable"),
        (bad(site=SiteRef("pattern", 0, 0), values=(1, 9)), "wrong-width"),
        (bad(site=SiteRef("resid_post", 9)), "layer-out-of-range"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(loaded, edit, code):
    with pytest.raises(ProbeError) as caught:
        Engine(loaded("olmo2")).run(last_logits(Batch(*pad(ROWS)), [edit]))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("row", "code"),
    [([1] * 65, "too-many-tokens"), ([1, 78], "token-not-in-vocabulary"), ([-1], "token-not-in-vocabulary")],
)
def test_rows_that_do_not_fit_the_model_are_refused(loaded, row, code):
    with pytest.raises(ProbeError) as caught:
        Engine(loaded("gpt2")).run(last_logits(Batch(*pad([row]))))
    assert caught.value.code == code


def test_two_reads_under_one_key_are_refused(loaded):
    read = Read("same", SiteRef("embed"), t(0), t(0))
    with pytest.raises(ProbeError) as caught:
        Engine(loaded("olmo2")).run(Batch(*pad(ROWS), (), (read, read)))
    assert caught.value.code == "repeated-key"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_no_ops_and_edits(loaded, dtype):
    model = load(ModelSource("path", str(loaded("olmo2").directory), dtype=dtype))
    engine, batch = Engine(model), Batch(*pad(ROWS))
    clean = engine.run(last_logits(batch))["out"]
    assert clean.dtype == getattr(torch, dtype)
    for name in ("resid_mid", "resid_post"):
        idle = Edit(SiteRef(name, 1), "project_out", t(0), t(0), torch.ones(1, 32), torch.zeros(1))
        assert torch.equal(engine.run(last_logits(batch, [idle]))["out"], clean)
    put = Edit(SiteRef("resid_post", 3), "set", t(0), t(7), torch.full((1, 32), 0.1))
    read = Read("h", SiteRef("resid_post", 3), t(0), t(7))
    assert torch.equal(
        engine.run(dataclasses.replace(batch, edits=(put,), reads=(read,)))["h"],
        torch.full((1, 32), 0.1, dtype=clean.dtype),
    )


def test_weights_that_accelerate_moves_in_and_out(loaded):
    import accelerate

    usual = loaded("llama")
    model = load(ModelSource("path", str(usual.directory)), device_map={"": "cpu"})
    accelerate.cpu_offload(model.hf, execution_device=torch.device("cpu"))
    assert next(model.hf.parameters()).is_meta
    edit = Edit(SiteRef("resid_post", 1), "add", t(0), t(2), torch.ones(1, 32))
    batch = last_logits(Batch(*pad(ROWS)), [edit])
    batch = dataclasses.replace(batch, reads=(*batch.reads, Read("h", SiteRef("head", 2, 1), t(0), t(3))))
    found, wanted = Engine(model).run(batch), Engine(usual).run(batch)
    assert torch.equal(found["out"], wanted["out"]) and torch.equal(found["h"], wanted["h"])
    assert torch.equal(Engine(model).lens(torch.ones(2, 32)), Engine(usual).lens(torch.ones(2, 32)))


def test_the_names_of_nnsight_that_are_used():
    """NNsight(module), .trace(value, fn=…), wrapper.get(path), .input, .output, tracer.stop(), NNSIGHT_CONFIG."""
    from probelang.runtime.engine.drive import run_traced, wrap

    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 2))
    wrapper, x, seen, late = wrap(net), torch.ones(3, 2), {}, []
    net[2].register_forward_hook(lambda m, a, out: late.append(out))

    def body(tracer):
        seen["in"] = wrapper.get("0").input
        wrapper.get("0").output = torch.full((3, 2), 2.0)
        wrapper.get("1").input = wrapper.get("1").input + 1
        seen["out"] = wrapper.get("1").output
        tracer.stop()

    with torch.no_grad():
        run_traced(wrapper, body, lambda: net(x))
    assert torch.equal(seen["in"], x) and torch.equal(seen["out"], torch.full((3, 2), 3.0)) and not late
    with pytest.raises(ZeroDivisionError):
        run_traced(wrapper, lambda tracer: 1 / 0, lambda: net(x))
    assert torch.equal(net(x), net[2](net[1](net[0](x))))


def test_importing_nnsight_leaves_other_objects_alone():
    code = (
        "import os; from probelang.runtime.engine.drive import _nnsight; _nnsight(); "
        "print(hasattr(object(), 'save'), 'NNSIGHT_CONFIG' in os.environ)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("kind", ["add", "project_out", "blend", "scale"])
def test_an_idle_amount_keeps_signed_zeros_and_ignores_what_it_would_add(kind):
    h = torch.tensor([[-0.0, 1.5, -2.0]])
    values = torch.tensor([[float("inf"), -1.0, 0.0]])
    edit = Edit(SiteRef("embed"), kind, t(0), t(0), values, torch.ones(1) if kind == "scale" else torch.zeros(1))
    assert torch.equal(edited(h, edit).view(torch.int32), h.view(torch.int32))


def test_an_edit_never_writes_into_the_tensor_that_the_model_made():
    h, site = torch.zeros(1, 2, 3), SiteRef("embed")
    edit = Action(Place("x", "output", 3), Edit(site, "set", t(0), t(1), torch.ones(1, 3)))
    read = Action(Place("x", "output", 3), Read("h", site, t(0), t(1)))
    visitor = Visitor()
    changed = visitor.at_module(h, [edit, read])
    assert not h.any() and changed[0, 1].all() and not changed[0, 0].any()
    changed.zero_()
    assert visitor.found["h"].all()
    assert visitor.at_module(h, [read]) is h
