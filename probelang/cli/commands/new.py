"""Write a small spec that runs on a model that ships, as something to change.

probe new hello && probe run hello.probe
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ...runtime.errors import ProbeError
from ..console import Console

TEMPLATE = """probe 1
# Where in a small model does the number of a noun decide the verb?

model base = zoo("base")
dataset items = file("zoo/agreement.jsonl", limit=40)

contrast noun from items {
  positive: { body: "{singular}" answer: "{is}" wrong: "{are}" }
  negative: { body: "{plural}"   answer: "{is}" wrong: "{are}" }
}
intervention singular(layer) = patch(resid_post[layer] at noun.last, from=noun.positive)

statistic says_is  = mean(logit_diff(noun.positive) > 0)
statistic says_are = mean(logit_diff(noun.negative) < 0)
statistic restored = recovery(logit_diff(noun) under singular(layer)) for layer

claim knows_number = says_is > 0.9 and says_are > 0.9

plot depth = line(restored, x=layer)
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe new`."""
    parser.add_argument("name", metavar="NAME", help="of the spec; .probe is added")


def main(options: argparse.Namespace, console: Console) -> int:
    """Write the file unless it is there already."""
    path = Path(options.name if options.name.endswith(".probe") else f"{options.name}.probe")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise ProbeError("file-exists", f"{path} is there already", "choose another name") from None
    console.tell(f"wrote {path}; next: probe check {path}, probe tokens {path}, probe run {path}")
    return 0
