"""Random programs for hypothesis: texts with every node, odd spacing, and comments sprinkled in."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from probelang.grammar.parse import parser
from probelang.grammar.tree import KEYWORDS

NAMES = "a b x y base layer story resid_post names_of_all_the_things forest order lettuce".split()
WORDS = [*NAMES, *sorted(KEYWORDS)]
NUMBERS = ["0", "1", "15", "1_000", "0.5", "5e-3", "2.50", "1E4", "007"]
STRINGS = [
    '""', '"plain"', "'single'", "'it says \"so\"'", '"it\'s"', "'it\\'s \"so\"'", '"tab\\t and \\"quote\\""',
    '"# none"', '"""over\nseveral "lines"\n"""', '"{column} \\d [0-9]{1,3}"', "'é 漢 🙂'",
    '"a text that is long enough to force the brackets around it to be laid out over several lines"',
]  # fmt: skip
BINARY = "or and == != <= < >= > + - * / % ** at on under ..".split()
KINDS = "param let axis model direction intervention statistic claim plot".split()
BREAKS = ["\n", "\n", "\n\n", "\n\n\n\n", "\n# above\n", "  # trailing\n", "\n\n# a\n\n# b\n", " "]


@dataclass
class Writer:
    """Writes texts that parse; an operand of an operator is put in parentheses unless it is a word."""

    random: Random

    def some(self, write, least: int, most: int) -> list[str]:
        return [write() for _ in range(self.random.randint(least, most))]

    def name(self) -> str:
        return self.random.choice(NAMES)

    def word(self) -> str:
        return self.random.choice(WORDS)

    def expression(self, depth: int = 3) -> str:
        kind = self.random.randint(0, 12) if depth else self.random.randint(0, 3)
        if kind <= 1:
            return self.name()
        if kind == 2:
            return self.random.choice(NUMBERS)
        if kind == 3:
            return self.random.choice([*STRINGS, "true", "false", "[]", "f()"])
        inner = self.expression(depth - 1)
        if kind == 4:
            return f"({inner})"
        if kind == 5:
            return f"[{self.comma([inner, *self.some(lambda: self.expression(depth - 1), 0, 4)])}]"
        if kind in (6, 7):
            return f"{self.operand(depth)}({self.arguments(depth)})"
        if kind == 8:
            return f"{self.operand(depth)}[{self.arguments(depth)}]"
        if kind == 9:
            return f"{self.operand(depth)}.{self.word()}"
        if kind == 10:
            return self.random.choice(["not ", "-", "+", "- -"]) + self.operand(depth)
        if kind == 11:
            step = f" by {self.operand(depth)}" if self.random.random() < 0.3 else ""
            return f"{self.operand(depth)}..{self.operand(depth)}{step}"
        operator = self.random.choice(BINARY)
        right = "" if operator in ("..", "==", "!=", "<=", "<", ">=", ">") else f" {operator} {self.operand(depth)}"
        return f"{self.operand(depth)} {operator} {self.operand(depth)}{right}"

    def operand(self, depth: int) -> str:
        text = self.expression(depth - 1)
        return text if text.replace("_", "a").isalnum() and not text.startswith("not") else f"({text})"

    def arguments(self, depth: int) -> str:
        return self.comma(self.some(lambda: self.argument(depth), 1, 4))

    def argument(self, depth: int) -> str:
        name = self.word() + self.random.choice(["=", " = "]) if self.random.random() < 0.5 else ""
        return name + self.expression(depth - 1)

    def comma(self, items: list[str]) -> str:
        return self.random.choice([", ", ",", " ,\n"]).join(items) + self.random.choice(["", "", ","])

    def loop(self) -> str:
        if self.random.random() < 0.5:
            return ""
        where = f" where {self.expression()}" if self.random.random() < 0.3 else ""
        return f" for {', '.join(self.some(self.binder, 1, 4))}{where}"

    def binder(self) -> str:
        return self.name() + (f" in {self.expression()}" if self.random.random() < 0.7 else "")

    def segments(self) -> str:
        return "{ " + " ".join(self.some(self.segment, 0, 3)) + " }"

    def segment(self) -> str:
        field = f".{self.word()}" if self.random.random() < 0.2 else ""
        return f"{self.word()}{field}: {self.expression(2)}"

    def header(self) -> str:
        params = self.random.choice(["", "", "()", "(t)", "(text, rank)"])
        source = self.random.choice(["", "from data", "from keep(data, lang == l)", "from data.rows[0]"])
        return f"{self.name()}{params} {source}"

    def statement(self) -> str:
        kind = self.random.randint(0, 9)
        if kind == 0:
            given = f" with {self.comma([f'{self.name()} = {self.expression()}' for _ in range(2)])}".rstrip(" ,\n")
            uses = ['use "contrasts/framing"', "use 'contrasts/framing' as framing"]
            return self.random.choice(["probe 1", *uses, uses[0] + given, uses[1] + given])
        if kind == 1:
            columns = ", ".join(self.some(lambda: f"{self.word()} = {self.expression()}", 0, 3))
            with_ = f" with {columns}" if columns else ""
            return f"dataset {', '.join(self.some(self.name, 1, 3))} = {self.expression()}{with_}"
        if kind == 2:
            return f"prompts {self.header()} {self.segments()}"
        if kind == 3:
            sides = " ".join(self.some(lambda: f"{self.name()}: {self.segments()}", 1, 3))
            return f"contrast {self.header()} {{ {sides} }}"
        params = self.random.choice(["", "", "()", "(t)", "(text, rank)"])
        return f"{self.random.choice(KINDS)} {self.name()}{params} = {self.expression()}{self.loop()}"

    def program(self) -> str:
        parts = [self.random.choice(["", "# first\n", "\n\n"])]
        for statement in self.some(self.statement, 0, 6):
            parts += [statement, self.random.choice(BREAKS)]
        return "".join(parts)

    def with_comments(self, text: str) -> str:
        """Put comments after some tokens."""
        ends = [token.end_pos for token in parser().parse_interactive(text).exhaust_lexer()]
        for number, end in enumerate(sorted(self.random.sample(ends, min(len(ends), 5)), reverse=True)):
            comment = self.random.choice([" # c{}\n", "\n# c{}\n", "\n\n  # c{}\n\n"]).format(number)
            text = text[:end] + comment + text[end:]
        return text


WRITERS = st.integers(0, 2**32).map(lambda seed: Writer(Random(seed)))
PROGRAMS = WRITERS.map(Writer.program)
PROGRAMS_WITH_COMMENTS = WRITERS.map(lambda writer: writer.with_comments(writer.program()))
