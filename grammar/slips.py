"""The slips that people make, each recognised and put into words. Knows nothing of how the parser works."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from .foreign import BEGINNINGS, SIGNS, WORDS
from .place import Place, Words
from .scan import PAIRS
from .tree import KEYWORDS, OPENERS

_CLAUSES = {"dataset": ("with",), "use": ("as",)}
_LINKS = ("at", "on", "under", "and", "or", "for", "where")
_DECLARED = re.compile(r"\s*(\([^()]*\)\s*)?=(?!=)")


def explain(place: Place) -> Words | None:
    """Name the slip, if it is a known one."""
    return next((words for rule in RULES if (words := rule(place))), None)


def _quotes(p: Place) -> Words | None:
    if p.ended or p.found[0] not in "\"'":
        return None
    whole = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'').match(p.piece, p.at)
    touching = p.bare[p.at - 1 : p.at]
    if touching == p.found[0] and p.before[-2:] == p.found[0] * 2:
        if p.found[0] == "'":
            return Words("`'''` does not open a text", "a text over several lines takes three double quotes, `\"\"\"`",
                         at=p.at - 2, length=3)  # fmt: skip
        return Words("this text is never closed", 'add `"""` where it ends', at=p.at - 2, length=3)
    if whole is None and touching.isalnum():
        return Words("this quotation mark has no partner", "a text stands between two of them")
    if whole is None:
        return Words("this text is never closed", f'add `{p.found[0]}`; a text over several lines takes `"""`')
    if touching.isalpha() and p.last in ("f", "r", "b", "rb", "fr", "u"):
        help_ = "in the text of a prompt, `{column}` is filled in as it is" if "f" in p.last else None
        return Words(f"a text takes no `{p.last}` before its quotes", help_, at=p.at - len(p.last), length=len(p.last),
                     replacement="")  # fmt: skip
    return None


def _inner_quotes(p: Place) -> Words | None:
    if not p.ended and p.at and p.bare[p.at - 1] in "\"'" and (p.is_word or p.found == "{"):
        help_ = "inside a text, use the other kind of quotes, or `\\` before them"
        return Words(f"the text ends before `{p.found}`", help_)
    return None


def _signs(p: Place) -> Words | None:
    """Signs of other languages, and of word processors."""
    if p.ended:
        return None
    for sign, message, help_, replacement in SIGNS:
        for start in range(p.at, max(p.at - len(sign), -1), -1):
            if len(sign) >= len(p.found) and p.bare.startswith(sign, start):
                return Words(message, help_, replacement, at=start, length=len(sign))
    if p.found[0].isalpha() and not p.found.isascii():
        return Words(f"`{p.found}` is not a name here", "a name holds only the letters a to z, digits and `_`")
    return None


def _brackets(p: Place) -> Words | None:
    if p.open is not None:
        close = PAIRS[p.bracket]
        if p.ended:
            return Words(f"`{p.bracket}` is never closed", f"add `{close}`", label="opened here", at=p.open, length=1)
        if p.found in PAIRS.values() and p.found != close and not p.value_due:
            return Words(f"`{p.bracket}` is not closed before `{p.found}`", f"add `{close}` before it", second=p.open)
        if (p.found in KEYWORDS or p.found == "=") and p.bracket != "{" and not p.value_due and not p.name_due:
            if close not in p.after:
                message = f"`{p.bracket}` is not closed before `{p.found}`"
                return Words(message, f"add `{close}` before it", second=p.open)
            if p.found == "for":
                return Words("no `for` stands inside brackets", "it comes at the end of a statement: `… for x in xs`")
    elif p.found in PAIRS.values() and not p.ended:
        return Words(f"`{p.found}` closes nothing", "remove it, or add its partner before")
    return None


def _end(p: Place) -> Words | None:
    if not p.ended:
        return None
    word = p.found
    if word == "probe":
        return Words("`probe` must be followed by the version of the language", "write `probe 1`")
    if word == "use":
        return Words("`use` must be followed by a file in quotes", 'write `use "contrasts/framing"`')
    if word in OPENERS or word in ("as", "for"):
        return Words(f"a name is missing after `{word}`")
    if p.value_due or p.allowed >= {"NAME", "STRING"}:
        return Words(f"a value is missing after `{word}`")
    if p.name_due or p.allowed == {"FIELD"}:
        return Words(f"a name is missing after `{word}`")
    if word == "with" or "KWARG" in p.allowed:
        return Words(f"a column is missing after `{word}`", "write `with name = value`")
    if "LBRACE" in p.allowed:
        return Words(f"`{p.opener} {word}` has no braces", f"write `{p.opener} {word} {{ … }}`")
    if "EQUAL" in p.allowed:
        return Words(f"`=` and a value are missing after `{word}`")
    return Words("the statement ends too early")


def _beginning(p: Place) -> Words | None:
    """What stands where a statement should start."""
    declares = p.is_word and _DECLARED.match(p.after) is not None
    if p.ended or "KIND" not in p.allowed or (p.found in KEYWORDS and p.before):
        return None
    near = _nearest(p.found, OPENERS) if p.is_word and p.found not in KEYWORDS else None
    if p.after_value and not declares and not p.new_line and not (near and re.match(r"\s+\w+\s*=", p.after)):
        return None
    if near or p.found in BEGINNINGS:
        help_ = BEGINNINGS.get(p.found) or f"did you mean `{near}`?"
        return Words(f"a statement cannot start with `{p.found}`", help_, None if p.found in BEGINNINGS else near)
    if declares and p.found not in KEYWORDS:
        return Words(f"the declaration of `{p.found}` needs a keyword", f"write `let {p.found} = …`", f"let {p.found}")
    if p.after_value:
        return None
    if p.found[0] in "\"'":
        return Words("a statement cannot start with a text", "a comment starts with `#`")
    return Words(f"a statement cannot start with `{p.found}`", "it starts with one of " + ", ".join(sorted(OPENERS)))


def _head(p: Place) -> Words | None:
    """Between a statement's keyword and its value."""
    if p.opener == "use" and p.allowed == {"STRING"}:
        return Words("the file to use stands in quotes", f'write `use "{p.found}"`' if p.is_word else None)
    if p.opener == "probe" and p.allowed == {"NUMBER"}:
        return Words("`probe` must be followed by the version of the language", "write `probe 1`")
    if p.name_due and p.last in (OPENERS | {"for", "as", ",", "("}):
        return _not_a_name(p)
    if p.opener in ("prompts", "contrast") and "LBRACE" in p.allowed and p.last != ":":
        if p.found == "=":
            return Words(f"`{p.opener}` takes braces, not `=`", f"write `{p.opener} {p.last} {{ … }}`")
        near = _nearest(p.found, ("from",))
        help_ = "did you mean `from`?" if near else f"write `{p.opener} name {{ … }}`"
        return Words(f"`{{` is missing before `{p.found}`", help_, near)
    if p.bracket == "(" and re.search(rf"\b({'|'.join(OPENERS)})\s+\w+\s*$", p.before[: p.open]):
        if p.found == "=":
            return Words("a parameter has no default value here", "give the value where it is used")
        return Words(f"`{p.found}` cannot stand between parameters", "they are names with commas between: `(a, b)`")
    if "KWARG" in p.allowed and p.is_word and p.opener == "dataset":
        return Words(f"`=` is missing after `{p.found}`", "write `with name = value`")
    if "EQUAL" not in p.allowed or p.operator_due:
        return None
    if p.is_word and p.found not in KEYWORDS and p.after.lstrip().startswith("="):
        if p.opener == "dataset":
            return Words(f"a comma is missing before `{p.found}`")
        return Words("a name is a single word", f"write `{p.last}_{p.found}`")
    if p.found in ("-", ".", "/"):
        return Words("a name holds only letters, digits and `_`", f"write `_` in place of `{p.found}`", "_")
    if p.found == ":":
        return Words("a declaration states no type", "remove it: the type follows from the value")
    if p.found == ",":
        return Words("only `dataset` declares several names at once", "declare one name per statement")
    if p.found == "[":
        return Words("a declared name takes no brackets", "its axes are given at the end: `… for layer`")
    return Words(f"`=` is missing before `{p.found}`")


def _not_a_name(p: Place) -> Words:
    if p.found in KEYWORDS:
        return Words(f"`{p.found}` is a keyword and cannot be a name", "choose another name")
    if p.found[0].isdigit():
        return Words("a name cannot start with a digit", "let it start with a letter")
    if p.found[0] in "\"'":
        return Words("a name stands without quotes")
    if p.found == "(" and p.last == "for":
        return Words("the names after `for` stand without parentheses", "write `for a, b in …`")
    return Words(f"a name is missing before `{p.found}`")


def _equals(p: Place) -> Words | None:
    if p.ended or p.found not in ("=", "=="):
        return None
    if p.found == "==" and "EQUAL" in p.allowed or p.value_due and p.last == "=":
        start = p.bare.rindex("=", 0, p.at) if p.found == "=" else p.at
        return Words("`==` compares; a declaration takes a single `=`", "write `=`", "=", at=start, length=2)
    if "_IN" in p.allowed:
        return Words("the values of a name follow `in`, not `=`", "write `in`", "in")
    if "LABEL" in p.allowed:
        return None
    if p.bracket in ("(", "[") and re.search(r"[(,\[]\s*[\w.\"']+$", p.before):
        return Words("the name of an argument is a single word", "to compare, write `==`")
    if p.operator_due or "KIND" in p.allowed:
        return Words("`=` does not compare, and a statement has only one", "to compare, write `==`", "==")
    return None


def _clauses(p: Place) -> Words | None:
    """Keywords where they cannot stand."""
    if p.ended or p.found not in KEYWORDS:
        return None
    statement = p.before[p.before.rfind(p.opener) :] if p.opener else p.before
    if p.value_due:
        if p.found in OPENERS and "\n" not in p.bare[len(p.before) : p.at]:
            return Words(f"`{p.found}` is a keyword and cannot stand for a value", "choose another name")
        return Words(f"a value is missing before `{p.found}`")
    has_for, has_where = (re.search(rf"\b{word}\b", statement) for word in ("for", "where"))
    if p.found == "where" and has_where:
        return Words("a statement has one `where`", "join the conditions with `and`", "and")
    if p.found == "where" and not has_for:
        return Words("`where` stands after `for`", "write `… for name in values where condition`")
    if p.found == "for" and has_where:
        return Words("`for` stands before `where`", "write `… for name in values where condition`")
    if p.found == "for" and has_for:
        return Words("a statement has one `for`", "put more names after it, with commas: `for a in …, b in …`")
    if p.found == "for":
        return Words(f"`{p.opener}` takes no `for`" if p.opener else "`for` stands at the end of a statement")
    if p.found == "in":
        return Words("`in` stands only after `for name`", "to compare with several values, join `==` with `or`")
    if p.found == "not":
        return Words("`not` stands before a value, not after one", "write `not (…)`, or `!=`")
    if p.found == "with":
        return Words("`with` adds columns to a `dataset`, and stands nowhere else")
    if p.found == "from":
        return Words("`from` stands only in `prompts` and `contrast`, before the braces")
    if p.found == "by":
        return Words("`by` follows a range", "write `0..10 by 2`")
    if p.found == "as":
        return Words("`as` stands only in `use`", 'write `use "contrasts/framing" as framing`')
    return None


def _blocks(p: Place) -> Words | None:
    """Inside braces, and braces where none can stand."""
    if p.ended:
        return None
    if p.opener == "contrast" and p.allowed == {"LBRACE"}:
        return Words("a side of a contrast holds its segments in braces", 'write `positive: { user: "…" }`')
    if p.found == "{" and p.value_due and p.bracket == "{":
        return Words("braces inside braces stand only in a `contrast`", "a segment is a name and a value: `user: …`")
    if p.found == "{" and p.last == "from":
        return Words("a value is missing before `{`", "write what the prompts are made from, or remove `from`")
    if p.found == "{" and (p.value_due or p.operator_due or p.after_value):
        return Words("`{` cannot stand here", "named values go in a call, `f(name=value)`; lists take `[` and `]`")
    if "LABEL" not in p.allowed:
        return None
    if p.found == ",":
        return Words("segments are not separated by commas", "remove it", "")
    if p.found == "}":
        return Words("a contrast has at least one side", 'write `positive: { user: "…" }`')
    if p.is_word and not p.operator_due:
        if p.after.lstrip().startswith("="):
            return Words("a segment takes `:`, not `=`", f"write `{p.found}: …`")
        return Words(f"`:` is missing after `{p.found}`", f'write `{p.found}: "…"`')
    if p.found[0] in "\"'" and not p.operator_due:
        return Words("a segment starts with its name", 'write `user: "…"`, or another name before the `:`')
    return None


def _colon(p: Place) -> Words | None:
    if p.ended or p.found != ":":
        return None
    if p.bracket == "[" or p.last[-1:].isdigit() and p.after[:1].isdigit():
        return Words("a range takes two dots, not `:`", "write `first..last`, with both ends included", "..")
    if p.bracket == "(":
        return Words("an argument takes `=`, not `:`", "write `name=value`", "=")
    return Words("no `:` stands here", "remove it", "")


def _comparisons(p: Place) -> Words | None:
    if p.ended or p.value_due:
        return None
    if p.found in ("==", "!=", "<", "<=", ">", ">="):
        return Words("comparisons cannot be chained", "join two with `and`: `0 < x and x < 1`")
    if p.found == "..":
        return Words("a range has two ends", "its step follows `by`: `0..10 by 2`")
    return None


def _missing(p: Place) -> Words | None:
    """A value or a name that is missing."""
    if p.ended:
        return None
    if p.allowed == {"FIELD"}:
        return Words(f"a {'digit or a ' if re.search(r'[0-9][.]$', p.before) else ''}name is missing after `.`")
    if p.last in ("at", "on", "under", "from") and p.found in ("-", "+", "not"):
        help_ = f"put what starts with `{p.found}` in parentheses"
        return Words(f"`{p.last}` is followed by a name, a call or parentheses", help_)
    if not p.value_due:
        return None
    if p.found == "." and p.after[:1].isdigit():
        return Words("a number starts with a digit", "write `0` before the `.`", "0.")
    if p.found in ("*", "**") and p.bracket == "(" and p.last in ("(", ","):
        return Words(f"arguments cannot be unpacked with `{p.found}`", "write each one out: `f(name=value)`")
    if p.last == "[" and p.found == "]":
        return Words("nothing stands in the brackets", "write what is selected: `x[layer=3]`")
    return Words(f"a value is missing before `{p.found}`")


def _too_many(p: Place) -> Words | None:
    """Two values where one can stand."""
    if p.ended or not p.after_value:
        return None
    if p.found == ",":
        return Words("`,` cannot stand here", "a list takes brackets: `[a, b]`")
    if not (p.is_word or p.found[0].isdigit() or p.found[0] in "\"'"):
        return None
    if p.bare[p.at - 1].isdigit() and p.is_word:
        number = re.search(r"[\w.]+$", p.before).group()
        return Words(f"`{number}{p.found}` is neither a number nor a name", at=p.at - len(number),
                     length=len(number) + len(p.found))  # fmt: skip
    if p.last in ("lambda", "if"):
        start = p.before.rindex(p.last)
        return Words(f"there is no `{p.last}` here", WORDS[p.last], at=start, length=len(p.last))
    if p.found in WORDS:
        loop = p.found == "if" and re.search(r"\bfor\b", p.before)
        return Words(f"there is no `{p.found}` here", "a condition follows `where`" if loop else WORDS[p.found])
    near = _nearest(p.found, (*_LINKS, *_CLAUSES.get(p.opener, ()))) if p.is_word else None
    if near:
        return Words(f"`{p.found}` cannot stand here", f"did you mean `{near}`?", near)
    shown = p.found if p.found[0] not in "\"'" else p.found[0] + "…" + p.found[0]
    if p.bracket in ("(", "["):
        return Words(f"a comma is missing before `{shown}`", "put a comma or an operator between the two values")
    if p.bracket == "{" and p.is_word:
        return Words(f"`{shown}` follows a value", 'a text stands in quotes: `user: "…"`')
    return Words(f"`{shown}` follows a value", "put an operator between the two, or remove one")


def _nearest(word: str, words: Iterable[str]) -> str | None:
    near = get_close_matches(word, sorted(words), 1, 0.65) if len(word) > 2 else ()
    return near[0] if near else None


RULES = (
    _quotes, _inner_quotes, _signs, _brackets, _end, _beginning, _head, _equals, _clauses, _blocks, _colon,
    _comparisons, _missing, _too_many,
)  # fmt: skip
