"""Pieces of items: added and removed rows run alone, names do not matter, and a key holds all that decides a number."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.compiler.physical import EditGroup, PhysicalStage, Request
from probelang.runtime import provenance
from probelang.runtime.execute import execute
from probelang.runtime.kernels import Kernel
from probelang.runtime.lowering import Lowered
from probelang.runtime.options import RunOptions
from probelang.runtime.store import content
from probelang.runtime.store.content import FEWEST, MOST, cuts
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = """probe 1
model m = path("m")
dataset d = file("rows.csv", key=id)
prompts p from d { body: "the {q} is" answer: " {a}" }
"""
SPEC = HEAD + "statistic gain = logit(p) under scale(resid_post[1] at p.last, 2)\n"
WORDS = "big small hot cold up down good bad dark light red blue cat dog she he".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pieces")
    build("llama", made / "m")
    return made


def rows(numbers) -> list[str]:
    """Lines of the file: prompts that differ, of three to five words."""
    found = []
    for n in numbers:
        words = [WORDS[n % 16], WORDS[n // 16 % 16], WORDS[n // 256 % 16], *WORDS[: n % 3]]
        found.append(f"{n},{' '.join(words)},{'small' if n % 4 else 'bad'}")
    return found


def run(text: str, folder: Path, store: Path | None, lines: list[str]):
    (folder / "rows.csv").write_text("\n".join(["id,q,a", *lines]) + "\n")
    found = checked(text, folder)
    assert not found.errors, [d.message for d in found.errors]
    return execute(found, root=folder, options=RunOptions(replicates=5, store=store))


def rows_run(found) -> int:
    """Rows times layers times tokens, in rows of the longest prompt through all layers at most."""
    return found.manifest["counts"]["row_layer_tokens"]


def values(found) -> np.ndarray:
    return found.results[0].items["value"].to_numpy()


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.abs(a - b).max() <= 1e-5 * np.abs(b).max())


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda ls: ls + rows(range(700, 710)), 0.4),
        (lambda ls: rows(range(2000, 2003)) + ls, 0.4),
        (lambda ls: ls[:350] + ls[351:], 0.4),
        (lambda ls: [*ls[:501], ls[501].replace("small", "bad"), *ls[502:]], 0.5),
    ],
    ids=["appended", "put in front", "removed", "changed"],
)
def test_only_the_pieces_of_other_rows_are_run(change, most: float, folder: Path, tmp_path: Path) -> None:
    lines = rows(range(700))
    first = run(SPEC, folder, tmp_path, lines)
    second = run(SPEC, folder, tmp_path, change(lines))
    pieces = second.manifest["store"]["pieces"]
    assert pieces["found"] >= 1 and 1 <= pieces["computed"] <= 2
    assert 0 < rows_run(second) < most * rows_run(first)
    stage = second.manifest["stages"][0]
    assert stage["predicted"] == {k: stage[k] for k in ("forwards", "row_layer_tokens")}
    fresh = run(SPEC, folder, None, change(lines))
    assert second.results[0].items.drop("value").equals(fresh.results[0].items.drop("value"))
    assert close(values(second), values(fresh))
    assert run(SPEC, folder, tmp_path, change(lines)).manifest["counts"]["forwards"] == 0


def test_what_the_spec_calls_things_makes_no_difference(folder: Path, tmp_path: Path) -> None:
    lines = rows(range(20))
    first = run(SPEC, folder, tmp_path, lines)
    text = SPEC.replace("p.last", "asks.last").replace("(p)", "(asks)").replace("prompts p", "prompts asks")
    text = text.replace("dataset d", "dataset words").replace("from d", "from words").replace("body:", "part:")
    second = run(text, folder, tmp_path, lines)
    assert second.manifest["store"]["found"] == 0 and second.manifest["counts"]["loads"] == 0
    assert (values(second) == values(first)).all()


@pytest.mark.parametrize(
    "edit",
    [
        ("scale(resid_post[1] at p.last, 2)", "scale(resid_post[1] at p.last, 3)"),
        ("scale(resid_post[1] at p.last, 2)", "scale(resid_post[2] at p.last, 2)"),
        ("scale(resid_post[1] at p.last, 2)", "scale(mlp[1] at p.last, 2)"),
        ("scale(resid_post[1] at p.last, 2)", "scale(resid_post[1] at p.first, 2)"),
        ("scale(resid_post[1] at p.last, 2)", 'ablate(resid_post[1] at p.last, "mean")'),
        ("scale(resid_post[1] at p.last, 2)", 'ablate(resid_post[1] at p.last, "zero")'),
        ("scale(resid_post[1] at p.last, 2)", 'ablate(resid_post[1] at p.last, "resample", seed=1)'),
        ("logit(p)", "prob(p)"),
        ("logit(p)", 'logit(p, " good")'),
        ('"the {q} is"', '"the {q} was"'),
        ("{a}", "hot"),
    ],
)
def test_each_input_of_a_number_is_in_its_key(edit: tuple[str, str], folder: Path, tmp_path: Path) -> None:
    lines = rows(range(12))
    run(SPEC, folder, tmp_path, lines)
    second, fresh = (run(SPEC.replace(*edit), folder, store, lines) for store in (tmp_path, None))
    assert second.manifest["counts"]["forwards"] > 0
    assert (values(second) == values(fresh)).all()


def test_the_code_of_another_package_s_measure_is_in_its_keys(folder: Path, tmp_path: Path, monkeypatch) -> None:
    for version, runs in (("one", True), ("two", True), ("one", False)):
        for module in (provenance, content):
            monkeypatch.setattr(module, "others_code", lambda op, version=version: version * (op == "logit"))
        assert (run(SPEC, folder, tmp_path, rows(range(12))).manifest["counts"]["forwards"] > 0) == runs


@pytest.mark.parametrize("method", ['"resample"', '"mean"'])
def test_rows_that_look_at_other_items_follow_them(method: str, folder: Path, tmp_path: Path) -> None:
    text = HEAD + f"statistic gain = logit(p) under ablate(resid_post[1] at p.last, {method})\n"
    lines = rows(range(300))
    run(text, folder, tmp_path, lines)
    second, fresh = (run(text, folder, store, lines[:299]) for store in (tmp_path, None))
    assert close(values(second), values(fresh))


def test_tokens_one_by_one_in_prompts_of_mixed_lengths(folder: Path, tmp_path: Path) -> None:
    text = HEAD + "statistic size = norm(resid_post[1] at t) for t in p.tokens\n"
    text += "statistic all = mean(norm(resid_post[2] at p.all.mean))\n"
    lines = rows(range(290))
    run(text, folder, tmp_path, lines[:280])
    second, fresh = (run(text, folder, store, lines) for store in (tmp_path, None))
    a, b = (r.results[0].items for r in (second, fresh))
    assert a.drop("value").equals(b.drop("value"))
    there = b["reason"].is_null().to_numpy() if "reason" in b.columns else np.ones(len(b), bool)
    assert close(a["value"].to_numpy()[there], b["value"].to_numpy()[there])
    assert second.manifest["store"]["pieces"]["found"] > 0


def test_samples_of_an_item_each_have_their_answer(folder: Path, tmp_path: Path) -> None:
    text = HEAD + "let drawn = generate(p, samples=2, max_tokens=3, temperature=2) on m\n"
    text += "statistic said = cross_entropy(drawn)\n"
    text += 'prompts again from drawn { body: "{response} is" answer: " {a}" }\n'
    text += "statistic sure = logit(again)\n"
    lines = rows(range(150))
    run(text, folder, tmp_path, lines)
    changed = [*lines[:140], f"{lines[140].rpartition(',')[0]},hot", *lines[141:]]
    second, fresh = (run(text, folder, store, changed) for store in (tmp_path, None))
    for a, b in zip(second.results, fresh.results, strict=True):
        assert close(a.items["value"].to_numpy(), b.items["value"].to_numpy())


def test_cuts_hold_all_items_in_pieces_of_bounded_size() -> None:
    labels = [str(n) for n in range(5000)]
    found = cuts(labels)
    assert [a for a, _ in found] == [0, *(b for _, b in found[:-1])] and found[-1][1] == 5000
    sizes = [b - a for a, b in found]
    assert max(sizes) <= MOST and min(sizes[:-1]) >= FEWEST
    assert cuts(labels[:100]) == [(0, 100)] and cuts([]) == [(0, 0)]
    moved = {tuple(labels[a:b]) for a, b in found} & {tuple(labels[17:][a:b]) for a, b in cuts(labels[17:])}
    assert len(moved) > 0.7 * len(found)


def test_no_field_decides_a_number_behind_the_key() -> None:
    # Who adds a field: `runtime/store/content.py` takes those of requests and edits as they come; the others it names.
    def names(kind: type) -> set[str]:
        return {f.name for f in fields(kind)}

    # Scores of judges are kept whole; `following` are ids of the kernel, which are hashed slot by slot.
    assert names(Lowered) == {"node", "axes", "cell", "how", "reasons", "prompt", "judged", "following"}
    assert names(Kernel) == {"function", "of", "ids", "plain", "extra", "bad", "work", "whole"}
    assert {"rows", "positions", "slots", "work"} <= names(Request)
    assert {"rows", "positions", "index", "operand", "amount"} <= names(EditGroup)
    planning = {"saved", "bound", "cells", "budget", "stops", "narrow", "tails", "begins", "extra", "prices", "batches",
                "divisible"}  # fmt: skip
    content = {"stage", "model", "layers", "work", "rows", "requests", "edits", "width", "kv_width"}
    assert names(PhysicalStage) == planning | content
