"""The IR is a published format: it round-trips, validates against its schema, and refuses what it does not know."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from probelang.compiler import ir

from .helpers_check import SPECS, checked

TEXT = 'use "contrasts/framing" as framing with requests = "a.jsonl"\nmodel m = zoo("base")\n' + (
    "statistic s = norm(mean_diff(resid_post[layer] at framing.eval.last)) for layer where layer > 2\n"
)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_round_trip(path: Path) -> None:
    spec = checked(path.read_text("utf-8"), path).spec
    text = ir.to_json(spec)
    assert ir.from_json(text) == spec
    assert ir.to_json(ir.from_json(text)) == text


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_what_is_read_back_means_the_same(path: Path) -> None:
    from probelang.compiler.elaborate import elaborate

    from .helpers_check import catalogue

    c = checked(path.read_text("utf-8"), path)
    again, problems = elaborate(ir.from_json(ir.to_json(c.spec)), catalogue())
    assert problems == []
    assert [s.node.key for s in again.statements] == [s.node.key for s in c.program.statements]


def test_spans_are_outside_equality_and_json() -> None:
    spec = checked(TEXT).spec
    moved = checked("# a comment\n\n" + TEXT).spec
    assert spec == moved and spec.statements[0].span != moved.statements[0].span
    assert "span" not in ir.to_json(spec)


def test_schema_is_valid_and_holds() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = ir.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in sorted(SPECS, key=lambda p: p.stat().st_size)[:6]:
        spec = checked(path.read_text("utf-8"), path).spec
        jsonschema.validate(json.loads(ir.to_json(spec)), schema)


def objects(value: object) -> list[dict]:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return ([value] if isinstance(value, dict) else []) + [o for part in below for o in objects(part)]


def test_unknown_fields_are_refused_everywhere() -> None:
    text = ir.to_json(checked(TEXT).spec)
    for i in range(len(objects(json.loads(text)))):
        data = json.loads(text)
        objects(data)[i]["surprise"] = 1
        with pytest.raises(ValidationError):
            ir.from_json(json.dumps(data))


def test_unknown_nodes_are_refused() -> None:
    text = ir.to_json(checked(TEXT).spec).replace('"node": "binary"', '"node": "eval"')
    with pytest.raises(ValidationError):
        ir.from_json(text)


def test_every_node_is_frozen() -> None:
    spec = checked(TEXT).spec
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.statements[0].name = "other"
