"""The parser's table as JSON: loading it is faster than building it from the grammar, and safer than a pickle.

`python -m probelang.grammar.table` writes `table.json` anew after a change of the grammar.
"""

from __future__ import annotations

import json

from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef


def dump(parser: Lark) -> dict:
    """Serialise a parser to plain JSON data."""
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    data["parser"]["parser"] = _renumber(data["parser"]["parser"])
    return {"data": _mark(data), "memo": _mark(memo)}


def load(table: dict) -> Lark:
    """Make a parser from what `dump` gave."""
    return Lark._load_from_dict(_unmark(table["data"]), _unmark(table["memo"]))


def _renumber(table: dict) -> dict:
    """Number tokens by name and states by first visit from the start, so that equal grammars give equal tables.

    Lark numbers both in the order of sets, which differs from process to process.
    """
    names = sorted(table["tokens"].values())
    token = {old: names.index(name) for old, name in table["tokens"].items()}
    rows = {state: sorted((token[t], action) for t, action in row.items()) for state, row in table["states"].items()}
    visited = list(table["start_states"].values())
    for state in visited:
        visited += [to for to in dict.fromkeys(to for _, (kind, to) in rows[state] if kind == 0) if to not in visited]
    state_number = {state: number for number, state in enumerate(visited)}
    return {
        **table,
        "tokens": dict(enumerate(names)),
        "states": {
            number: {t: (kind, state_number[to] if kind == 0 else to) for t, (kind, to) in rows[state]}
            for state, number in state_number.items()
        },
        "start_states": {name: state_number[state] for name, state in table["start_states"].items()},
        "end_states": {name: state_number[state] for name, state in table["end_states"].items()},
    }


def _mark(value):
    """JSON has neither integer keys nor tuples: mark both."""
    if isinstance(value, dict):
        if any(isinstance(k, int) for k in value):
            return {"int-keys": [[k, _mark(v)] for k, v in value.items()]}
        return {k: _mark(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [_mark(v) for v in value]}
    if isinstance(value, (set, frozenset)):
        return sorted(map(_mark, value))
    if isinstance(value, list):
        return [_mark(v) for v in value]
    return value


def _unmark(value):
    if isinstance(value, dict):
        if value.keys() == {"int-keys"}:
            return {k: _unmark(v) for k, v in value["int-keys"]}
        if value.keys() == {"tuple"}:
            return tuple(_unmark(v) for v in value["tuple"])
        return {k: _unmark(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_unmark(v) for v in value]
    return value


def shipped_text() -> str:
    """Build the text of `table.json` from the grammar (slow)."""
    from .parse import build_parser

    return json.dumps(dump(build_parser()), separators=(",", ":")) + "\n"


def main() -> None:
    from pathlib import Path

    Path(__file__).with_name("table.json").write_text(shipped_text(), "utf-8")


if __name__ == "__main__":
    main()
