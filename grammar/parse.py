"""Text to tree. A file with syntax errors still gives the statements that are whole, and one error per broken one."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from . import tree as t
from .diagnostics import Diagnostic
from .scan import COMMENT_OR_STRING, blank_out
from .syntax import syntax_error, too_deep

_OPENER = re.compile(rf"^(?:{'|'.join(sorted(t.OPENERS))})\b", re.MULTILINE)
_WORD = re.compile(r"^[A-Za-z_@]", re.MULTILINE)
DEEPEST = 150  # nesting of one statement, counted in the parser's tree: later passes walk the tree by recursion
OPTIONS = {"parser": "lalr", "propagate_positions": True, "maybe_placeholders": True}


def build_parser() -> Lark:
    """Build the parser from the grammar (slow; the shipped table is made from it)."""
    return Lark(files(__package__).joinpath("probe.lark").read_text("utf-8"), **OPTIONS)


@cache
def parser() -> Lark:
    """Load the parser from its shipped table (`table.json`), which a test holds equal to the grammar."""
    from .table import load

    return load(json.loads(files(__package__).joinpath("table.json").read_text("utf-8")))


def parse(text: str) -> tuple[t.Spec, list[Diagnostic]]:
    """Parse a spec.

    Returns the tree of every whole statement, and a diagnostic for each broken one.
    """
    comments = tuple(_comments(text))
    try:
        statements, problems = _parse_piece(text, 0, 1), []
    except (UnexpectedInput, _TooDeep):
        statements, problems = _recover(text)
    return t.Spec(statements=statements, comments=comments, span=t.Span(0, len(text), 1, 1)), problems


class _TooDeep(Exception):
    """A statement is nested deeper than `DEEPEST`; `at` is its offset."""

    def __init__(self, at: int) -> None:
        self.at = at


def _parse_piece(piece: str, start: int, line: int) -> tuple[t.Statement, ...]:
    """Parse a piece of a file that begins at offset `start`, at the first column of `line`."""
    root = parser().parse(piece)
    level, depth = root.children, 0
    while level:
        if depth > DEEPEST:
            raise _TooDeep(level[0].meta.start_pos)
        level = [child for node in level for child in node.children if isinstance(child, Tree) and child.children]
        depth += 1
    return _Builder(start, line).statements(root)


def declared_names(text: str) -> set[str]:
    """Names that broken statements seem to declare, so that their uses are not reported as unknown too."""
    found = re.findall(rf"^(?:{'|'.join(sorted(t.OPENERS))})\s+([A-Za-z_][\w\s,]*)", text, re.MULTILINE)
    used = re.findall(r"^use\s+[\"']([^\"'\n]*)[\"'](?:\s+as\s+(\w+))?", text, re.MULTILINE)
    aliases = {alias or path.rsplit("/", 1)[-1].removesuffix(".probe") for path, alias in used}
    return aliases | {name.strip() for group in found for name in re.split(r"[,\s]+", group) if name.strip()}


def _recover(text: str) -> tuple[tuple[t.Statement, ...], list[Diagnostic]]:
    """Parse piece by piece: a piece starts where a line starts with a statement's keyword."""
    bare = blank_out(text)
    starts = [m.start() for m in _OPENER.finditer(bare)]
    if not starts or bare[: starts[0]].strip():
        starts = [0, *starts]
    statements: list[t.Statement] = []
    problems: list[Diagnostic] = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        for begin, stop in _subpieces(text, bare, start, end):
            line = text.count("\n", 0, begin) + 1
            try:
                statements += _parse_piece(text[begin:stop], begin, line)
            except UnexpectedInput as error:
                problems.append(syntax_error(error, text, begin, stop))
            except _TooDeep as error:
                problems.append(too_deep(text, begin + error.at, DEEPEST))
    return tuple(statements), problems


def _subpieces(text: str, bare: str, start: int, end: int) -> list[tuple[int, int]]:
    """Split off what follows a whole statement, where a later line starts with a word that is no keyword."""
    cuts = [m.start() for m in _WORD.finditer(bare, start + 1, end) if bare[m.start() - 1] == "\n"]
    for cut in [end, *reversed(cuts[:20])]:
        try:
            parser().parse(text[start:cut])
        except UnexpectedInput:
            continue
        return [(start, cut)] if cut == end else [(start, cut), *_subpieces(text, bare, cut, end)]
    return [(start, end)]


def _comments(text: str) -> list[t.Comment]:
    found = []
    for match in COMMENT_OR_STRING.finditer(text):
        if not match.group().startswith("#"):
            continue
        start = match.start()
        line_start = text.rfind("\n", 0, start) + 1
        span = t.Span(start, match.end(), text.count("\n", 0, start) + 1, start - line_start + 1)
        found.append(t.Comment(text=match.group().rstrip(), own_line=not text[line_start:start].strip(), span=span))
    return found


def string_value(raw: str) -> str:
    """The text that a string literal stands for (escapes as in Python; a backslash before any other letter is kept)."""
    quote = 3 if raw.startswith('"""') else 1
    body = raw[quote:-quote]
    if "\\" not in body:
        return body
    return re.sub(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[nrt0\\'\"]|.)", _escape, body, flags=re.DOTALL)


def _escape(match: re.Match[str]) -> str:
    text = match.group()
    simple = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", "'": "'", '"': '"'}
    if text[1] in simple:
        return simple[text[1]]
    return chr(int(text[2:], 16)) if text[1] in "xu" and len(text) > 2 else text


class _Builder:
    """Turns Lark's tree into nodes; `offset` and `line` place a piece within its file."""

    def __init__(self, offset: int, line: int) -> None:
        self.offset, self.line = offset, line

    def statements(self, root: Tree) -> tuple[t.Statement, ...]:
        return tuple(self.build(child) for child in root.children)

    def build(self, node: Tree | Token):
        return getattr(self, "on_" + node.data)(self.span(node), *node.children)

    def span(self, node: Tree | Token) -> t.Span:
        at = node if isinstance(node, Token) else node.meta
        start, end = (at.start_pos, at.end_pos) if getattr(at, "end_pos", None) is not None else (0, 0)
        line = getattr(at, "line", 1)
        return t.Span(start + self.offset, end + self.offset, line + self.line - 1, getattr(at, "column", 1))

    def ident(self, token: Token) -> t.Ident:
        return t.Ident(text=str(token), span=self.span(token))

    # **** statements ****

    def on_version(self, span, number):
        return t.Version(number=self.number(number), span=span)

    def on_use(self, span, path, alias, columns):
        made = tuple(self.build(c) for c in columns.children) if columns else ()
        return t.Use(path=self.string(path), alias=alias and self.ident(alias), overrides=made, span=span)

    def on_define(self, span, keyword, name, params, value, loop):
        return t.Define(keyword=str(keyword), name=self.ident(name), params=self.params(params),
                        value=self.build(value), loop=loop and self.build(loop), span=span)  # fmt: skip

    def on_dataset(self, span, names, value, columns):
        names = tuple(self.ident(n) for n in names.children)
        made = tuple(self.build(c) for c in columns.children) if columns else ()
        return t.Dataset(names=names, value=self.build(value), columns=made, span=span)

    def on_column(self, span, name, value):
        return t.Column(name=self.ident(name), value=self.build(value), span=span)

    def on_prompts(self, span, name, params, source, *segments):
        return t.Prompts(name=self.ident(name), params=self.params(params), source=source and self.build(source),
                         segments=tuple(self.build(s) for s in segments), span=span)  # fmt: skip

    def on_contrast(self, span, name, params, source, *sides):
        return t.Contrast(name=self.ident(name), params=self.params(params), source=source and self.build(source),
                          sides=tuple(self.build(s) for s in sides), span=span)  # fmt: skip

    def on_side(self, span, label, *segments):
        return t.Side(label=self.ident(label), segments=tuple(self.build(s) for s in segments), span=span)

    def on_segment(self, span, label, value):
        return t.Segment(label=self.ident(label), value=self.build(value), span=span)

    def on_loop(self, span, *parts):
        *binders, where = parts
        return t.Loop(binders=tuple(self.build(b) for b in binders), where=where and self.build(where), span=span)

    def on_binder(self, span, name, values):
        return t.Binder(name=self.ident(name), values=values and self.build(values), span=span)

    def params(self, node: Tree | None) -> tuple[t.Ident, ...] | None:
        return None if node is None else tuple(self.ident(c) for c in node.children if c is not None)

    # **** expressions ****

    def on_name(self, span, token):
        return t.Name(text=str(token), span=span)

    def on_number(self, span, token):
        return self.number(token)

    def on_string(self, span, token):
        return self.string(token)

    def on_true(self, span):
        return t.Bool(value=True, span=span)

    def on_false(self, span):
        return t.Bool(value=False, span=span)

    def on_list(self, span, items):
        made = tuple(self.build(i) for i in items.children if i is not None) if items else ()
        return t.List(items=made, span=span)

    def on_paren(self, span, inner):
        return t.Paren(inner=self.build(inner), span=span)

    def on_call(self, span, function, arguments):
        return t.Call(function=self.build(function), arguments=self.arguments(arguments), span=span)

    def on_select(self, span, base, arguments):
        return t.Select(base=self.build(base), arguments=self.arguments(arguments), span=span)

    def on_attribute(self, span, base, name):
        return t.Attribute(base=self.build(base), name=self.ident(name), span=span)

    def on_apply(self, span, left, operator, right):
        return t.Apply(operator=str(operator), left=self.build(left), right=self.build(right), span=span)

    def on_binary(self, span, left, operator, right):
        return t.Binary(operator=str(operator), left=self.build(left), right=self.build(right), span=span)

    def on_unary(self, span, operator, operand):
        return t.Unary(operator=str(operator), operand=self.build(operand), span=span)

    def on_range(self, span, start, stop, step):
        return t.Range(start=self.build(start), stop=self.build(stop), step=step and self.build(step), span=span)

    def on_keyword(self, span, name, value):
        return t.Argument(name=str(name), value=self.build(value), span=span)

    def on_positional(self, span, value):
        return t.Argument(name=None, value=self.build(value), span=span)

    def arguments(self, node: Tree | None) -> tuple[t.Argument, ...]:
        return () if node is None else tuple(self.build(a) for a in node.children if a is not None)

    def number(self, token: Token) -> t.Number:
        plain = str(token).replace("_", "")
        value = int(plain) if plain.isdigit() and len(plain) < 400 else float(plain)
        return t.Number(value=value, raw=str(token), span=self.span(token))

    def string(self, token: Token) -> t.String:
        return t.String(value=string_value(str(token)), raw=str(token), span=self.span(token))
