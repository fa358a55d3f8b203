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
    return {"data": _mark(data), "memo": _mark(memo)}


def load(table: dict) -> Lark:
    """Make a parser from what `dump` gave."""
    return Lark._load_from_dict(_unmark(table["data"]), _unmark(table["memo"]))


def _mark(value):
    """JSON has neither integer keys nor tuples: mark both."""
    if isinstance(value, dict):
        if any(isinstance(k, int) for k in value):
            return {"int-keys": [[k, _mark(v)] for k, v in value.items()]}
        return {k: _mark(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [_mark(v) for v in value]}
    if isinstance(value, (list, set, frozenset)):
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


def main() -> None:
    from pathlib import Path

    from .parse import build_parser

    text = json.dumps(dump(build_parser()), separators=(",", ":"))
    Path(__file__).with_name("table.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
