"""The slips that people make, each recognised and put into words. Knows nothing of how the parser works."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from .foreign import BEGINNINGS, SIGNS, WORDS
from .scan import PAIRS
from .tree import KEYWORDS, OPENERS

VALUES = frozenset({"NAME", "NUMBER", "STRING", "LPAR", "LSQB"})
_LINKS = frozenset({"at", "on", "under", "and", "or", "not", "in", "by", "from", "where"})
_CLAUSES = ("for", "where", "with", "from", "at", "on", "under", "and", "or")


@dataclass(frozen=True, slots=True)
class Place:
    """Where parsing stopped. Offsets are those of `piece`; `bare` is `piece` with texts and comments blanked."""

    piece: str
    bare: str
    at: int
    found: str  # the word or sign there, or the last one if the piece is at its end
    before: str  # of `bare`, without the spaces before `at`
    after: str
    allowed: frozenset[str]  # the terminals that could stand here
    opener: str  # the keyword of the statement, "" before the first
    open: int | None  # offset of the innermost open bracket
    ended: bool

    @property
    def bracket(self) -> str:
        return "" if self.open is None else self.bare[self.open]

    @property
    def value_due(self) -> bool:
        return VALUES <= self.allowed

    @property
    def operator_due(self) -> bool:
        return bool(self.allowed & {"PLUS_MINUS", "COMPARE", "OR", "AND"}) and "NAME" not in self.allowed

    @property
    def name_due(self) -> bool:
        return "NAME" in self.allowed and "STRING" not in self.allowed

    @property
    def last(self) -> str:
        """The word or sign before."""
        found = re.search(r"\w+$|\S$", self.before)
        return found.group() if found else ""

    @property
    def is_word(self) -> bool:
        return self.found[:1].isalpha() or self.found[:1] == "_"


@dataclass(frozen=True, slots=True)
class Words:
    """What is said: `at`, `length` move the underlined place, `second` is the offset of a bracket it is about."""

    message: str
    help: str | None = None
    replacement: str | None = None
    label: str = ""
    at: int | None = None
    length: int | None = None
    second: int | None = None


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
    if whole is None:
        return Words("this text is never closed", f"add `{p.found[0]}` where it ends, or use `\"\"\"` around a text over "
                     "several lines", length=1)  # fmt: skip
    if touching.isalpha() and p.last in ("f", "r", "b", "rb", "fr", "u"):
        help_ = "in the text of a prompt, `{column}` is filled in as it is" if "f" in p.last else None
        return Words(f"a text takes no `{p.last}` before its quotes", help_, at=p.at - len(p.last), length=len(p.last),
                     replacement="")  # fmt: skip
    return None


def _signs(p: Place) -> Words | None:
    """Signs of other languages, and of word processors."""
    if p.ended:
        return None
    for sign, message, help_, replacement in SIGNS:
        for start in range(p.at, p.at - len(sign), -1):
            if start >= 0 and p.bare.startswith(sign, start) and not (sign.startswith("//") and p.before == "" and start < p.at):
                return Words(message, help_, replacement, at=start, length=len(sign))
    return None


def _brackets(p: Place) -> Words | None:
    if p.open is not None:
        close = PAIRS[p.bracket]
        if p.ended:
            return Words(f"`{p.bracket}` is never closed", f"add `{close}`", label="opened here", at=p.open, length=1)
        if p.found in PAIRS.values() and p.found != close and not p.value_due:
            return Words(f"`{p.bracket}` is not closed before `{p.found}`", f"add `{close}` before it", second=p.open)
        if p.found in KEYWORDS and p.operator_due and p.bracket != "{":
            if close in p.after and p.found == "for":
                return Words("there is no `for` inside brackets", "it stands at the end of the statement: `… for x in xs`")
            if close not in p.after:
                return Words(f"`{p.bracket}` is not closed before `{p.found}`", f"add `{close}` before it", second=p.open)
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
        return Words(f"`{p.opener} {word}` has no braces", f'write `{p.opener} {word} {{ … }}`')
    if "EQUAL" in p.allowed:
        return Words(f"`=` and a value are missing after `{word}`")
    return Words("the statement ends too early")


def _beginning(p: Place) -> Words | None:
    """What stands where a statement should start."""
    if "KIND" not in p.allowed or (p.operator_due and "\n" not in p.bare[len(p.before) : p.at]) or p.found in KEYWORDS:
        if p.before or p.found not in KEYWORDS:
            return None
    if p.before == "" and p.found in KEYWORDS - OPENERS or p.found in BEGINNINGS:
        return Words(f"a statement cannot start with `{p.found}`", BEGINNINGS.get(p.found, _keywords()))
    near = _nearest(p.found, OPENERS) if p.is_word else None
    if near:
        return Words(f"a statement cannot start with `{p.found}`", f"did you mean `{near}`?", near)
    if p.operator_due or p.before and not p.is_word:
        return None
    if p.is_word and re.match(r"\s*(\([^()]*\)\s*)?=(?!=)", p.after):
        return Words(f"the declaration of `{p.found}` needs a keyword", f"write `let {p.found} = …`", f"let {p.found}")
    return Words(f"a statement cannot start with `{p.found}`", _keywords())


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
            return Words(f"`{p.opener}` takes braces, not `=`", f'write `{p.opener} {p.last} {{ … }}`')
        return Words(f"`{{` is missing before `{p.found}`", f"write `{p.opener} name {{ … }}`")
    if p.bracket == "(" and p.allowed == {"COMMA", "RPAR"}:
        if p.found == "=":
            return Words("a parameter has no default value here", "give the value where it is used")
        return Words(f"`{p.found}` cannot stand between parameters", "they are names with commas between: `(a, b)`")
    if "EQUAL" not in p.allowed or p.operator_due:
        return None
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
        return Words("a name cannot start with a digit", f"write `_{p.found}`, or a word")
    if p.found[0] in "\"'":
        return Words("a name stands without quotes")
    return Words(f"a name is missing before `{p.found}`")


def _equals(p: Place) -> Words | None:
    if p.ended or p.found not in ("=", "=="):
        return None
    if p.found == "==" and "EQUAL" in p.allowed or p.value_due and p.last == "=":
        start = p.bare.rindex("=", 0, p.at) if p.found == "=" else p.at
        return Words("`==` compares; a declaration takes a single `=`", "write `=`", "=", at=start, length=2)
    if "_IN" in p.allowed:
        return Words("the values of a name follow `in`, not `=`", "write `in`", "in")
    if p.value_due and re.search(r"[-+*/%]$", p.before):
        return Words(f"`{p.last}=` does not exist here", "declare a new name for the new value")
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
    if p.found == "{" and (p.value_due or p.operator_due):
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
    if p.bracket == "[":
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


def _values(p: Place) -> Words | None:
    """A value that is missing, or one too many."""
    if p.ended:
        return None
    if p.allowed == {"FIELD"}:
        return Words(f"a {'digit or a ' if re.search(r'[0-9][.]$', p.before) else ''}name is missing after `.`")
    if p.value_due:
        if p.found == "." and p.after[:1].isdigit() and p.bare[p.at + 1].isdigit():
            return Words("a number starts with a digit", "write `0` before the `.`", "0.")
        if p.found in ("*", "**") and p.bracket == "(" and p.last in ("(", ","):
            return Words(f"arguments cannot be unpacked with `{p.found}`", "write each one out: `f(name=value)`")
        if p.last == "[" and p.found == "]":
            return Words("nothing stands in the brackets", "write what is selected: `x[layer=3]`")
        return Words(f"a value is missing before `{p.found}`")
    if p.last in ("at", "on", "under", "from") and p.found in ("-", "+", "not"):
        return Words(f"after `{p.last}` stands a name, a call or something in parentheses", f"write `{p.last} ({p.found}…)`")
    if not p.operator_due or not (p.is_word or p.found[0].isdigit() or p.found[0] in "\"'"):
        return None
    if p.bare[p.at - 1].isdigit() and p.is_word:
        number = re.search(r"[\w.]+$", p.before).group()
        return Words(f"`{number}{p.found}` is neither a number nor a name", at=p.at - len(number),
                     length=len(number) + len(p.found))  # fmt: skip
    word = p.found if p.found in WORDS else p.last if p.last == "lambda" else ""
    if word:
        return Words(f"there is no `{word}` here", WORDS[word], at=None if word == p.found else p.at - len(word) - 1,
                     length=len(word))  # fmt: skip
    near = _nearest(p.found, _CLAUSES) if p.is_word else None
    if near:
        return Words(f"`{p.found}` cannot stand here", f"did you mean `{near}`?", near)
    if p.bracket in ("(", "["):
        return Words(f"a comma is missing before `{_shown(p)}`", "put a comma or an operator between the two values")
    if p.bracket == "{" and p.is_word:
        return Words(f"two values stand side by side, the second is `{p.found}`", 'a text stands in quotes: `user: "…"`')
    return Words(f"two values stand side by side, the second is `{_shown(p)}`", "put an operator between them, or remove one")


def _shown(p: Place) -> str:
    return p.found if p.found[0] not in "\"'" else p.found[0] + "…" + p.found[0]


def _nearest(word: str, words) -> str | None:
    near = get_close_matches(word, sorted(words), 1, 0.65)
    return near[0] if near else None


def _keywords() -> str:
    return "it starts with one of " + ", ".join(sorted(OPENERS))


RULES = (_quotes, _signs, _brackets, _end, _beginning, _head, _equals, _clauses, _blocks, _colon, _comparisons, _values)
