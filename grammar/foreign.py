"""What people bring from other languages, and what to write here instead."""

# The sign, what is said, what to do, and the text that would stand in its place, if there is one. Longer signs first.
SIGNS: tuple[tuple[str, str, str | None, str | None], ...] = (
    ("&&", "`&&` is not an operator here", "write `and`", "and"),
    ("||", "`||` is not an operator here", "write `or`", "or"),
    ("===", "`===` does not exist here", "write `==`", "=="),
    (":=", "`:=` does not exist here", "a declaration takes a single `=`", "="),
    ("=>", "`=>` does not exist here", "write `>=` to compare; a declaration takes `=`", None),
    ("=<", "`=<` does not exist here", "write `<=`", "<="),
    ("<>", "`<>` does not exist here", "write `!=`", "!="),
    ("->", "`->` does not exist here", "a declaration states no type: remove it", None),
    ("...", "a range takes two dots", "write `..`", ".."),
    ("+=", "`+=` does not exist here", "declare a new name for the new value", None),
    ("-=", "`-=` does not exist here", "declare a new name for the new value", None),
    ("*=", "`*=` does not exist here", "declare a new name for the new value", None),
    ("/=", "`/=` does not exist here", "write `!=` to compare", None),
    ("//", "`//` does not exist here", "a comment starts with `#`; a division takes one `/`", None),
    ("/*", "`/*` does not start a comment", "a comment starts with `#`", None),
    ("&", "`&` is not an operator here", "write `and`", "and"),
    ("|", "`|` is not an operator here", "write `or`", "or"),
    ("!", "`!` is not an operator here", "write `not`", "not "),
    ("~", "`~` is not an operator here", "write `not`", "not "),
    ("^", "`^` is not an operator here", "a power takes `**`", "**"),
    (";", "statements need no `;`", "remove it: each statement starts with its keyword", ""),
    ("@", "there are no decorators here", "`at` says where a site is read: `resid_post[3] at ask.last`", None),
    ("\\", "a statement needs no `\\` to go on", "remove it: line breaks never matter", ""),
    ("`", "a text does not stand in backticks", 'write `"…"`', '"'),
    ("$", "`$` does not exist here", "a column is filled into a text as `{column}`", None),
    ("?", "`?` does not exist here", None, None),
    ("“", "`“` is not a quotation mark here", 'use the straight `"`', '"'),
    ("”", "`”` is not a quotation mark here", 'use the straight `"`', '"'),
    ("„", "`„` is not a quotation mark here", 'use the straight `"`', '"'),
    ("‘", "`‘` is not a quotation mark here", "use the straight `'`", "'"),
    ("’", "`’` is not a quotation mark here", "use the straight `'`", "'"),
    ("–", "`–` is a dash, not a minus sign", "write `-`", "-"),
    ("—", "`—` is a dash, not a minus sign", "write `-`", "-"),
    ("−", "`−` is not the minus sign of a keyboard", "write `-`", "-"),
    ("×", "`×` is not an operator here", "write `*`", "*"),
    ("÷", "`÷` is not an operator here", "write `/`", "/"),
    ("≤", "`≤` is not an operator here", "write `<=`", "<="),
    ("≥", "`≥` is not an operator here", "write `>=`", ">="),
    ("≠", "`≠` is not an operator here", "write `!=`", "!="),
    ("…", "`…` is not a range", "write `..`", ".."),
    ("\ufeff", "the file starts with an invisible byte-order mark", "save it as plain UTF-8", ""),
)

_FUNCTION = "a function is declared as `let f(x) = …`"
_LOOP = "a loop stands at the end of a statement: `… for x in xs`"
_USE = 'another file is used with `use "contrasts/framing" as framing`'

# Words that start a statement elsewhere.
BEGINNINGS: dict[str, str] = {
    "def": _FUNCTION, "function": _FUNCTION, "fn": _FUNCTION, "lambda": _FUNCTION, "return": _FUNCTION,
    "import": _USE, "from": _USE, "include": _USE, "require": _USE, "load": _USE,
    "if": "a value is chosen with `if(condition, a, b)`", "else": "a value is chosen with `if(condition, a, b)`",
    "elif": "a value is chosen with `if(condition, a, b)`",
    "for": _LOOP, "while": _LOOP, "repeat": _LOOP,
    "class": "there are no classes", "with": "`with` follows the value of a `dataset`",
    "where": "`where` follows the `for` of a statement",
    "const": "a value is named with `let`", "var": "a value is named with `let`", "set": "a value is named with `let`",
    "print": "every `statistic`, `claim` and `plot` is shown in the report",
    "assert": "what should hold is a `claim`", "try": "there are no exceptions",
}  # fmt: skip

# Words that stand between values elsewhere.
WORDS: dict[str, str] = {
    "is": "to compare, write `==`",
    "if": "a value is chosen with `if(condition, a, b)`",
    "else": "a value is chosen with `if(condition, a, b)`",
    "then": "a value is chosen with `if(condition, a, b)`",
    "lambda": _FUNCTION,
    "xor": "write `!=`",
    "equals": "to compare, write `==`",
    "mod": "write `%`",
    "to": "a range is written `1..5`",
    "through": "a range is written `1..5`",
    "using": "what is used stands in the call, as an argument",
    "of": "a field follows a dot: `story.response`",
}
