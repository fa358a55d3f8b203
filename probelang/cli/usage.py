"""Help texts: the overview of all commands, and a parser whose help shows the examples of a command."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

HEAD = """probelang: a small declarative language for experiments on language models

usage: probe COMMAND [options]
"""
LEAST_DRAWS = 40
TAIL = """
`probe COMMAND --help` tells more. A first look:

  probe new hello && probe run hello.probe
"""


def overview(commands: Mapping[str, str]) -> str:
    """List the commands with a line for each."""
    width = max(map(len, commands))
    return "\n".join([HEAD, *(f"  {name:<{width}}   {line}" for name, line in commands.items()), TAIL])


class Parser(argparse.ArgumentParser):
    """An argument parser that keeps the lines of a command's description."""

    def __init__(self, **kwargs) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **kwargs)


def add_spec(parser: argparse.ArgumentParser) -> None:
    """Add the spec, its params and the leave to read outside its folder."""
    parser.add_argument("spec", metavar="SPEC", help="a .probe file, or - for standard input")
    parser.add_argument(
        "-p", "--param", dest="params", metavar="NAME=VALUE", type=name_and_value, action="append", default=[],
        help="set a param of the spec; may be given several times",
    )  # fmt: skip
    parser.add_argument("--allow-outside", action="store_true", help="let the spec read files outside its folder")


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add what a run needs to know of the machine; none of it changes what a spec means."""
    group = parser.add_argument_group("machine")
    group.add_argument("--device", type=device, default="cpu", metavar="NAME", help="cpu (default), cuda, cuda:1, mps")
    group.add_argument("--device-map", metavar="MAP", help="spread a model over devices, e.g. auto")
    group.add_argument(
        "--dtype", choices=("float32", "bfloat16", "float16", "float64"),
        help="of models whose declaration names none (default: float32)",
    )  # fmt: skip
    group.add_argument("--attention", default="sdpa", choices=("sdpa", "eager"), help="kernel of attention")
    group.add_argument("--batch-tokens", type=positive, metavar="N", help="most tokens in a batch (default: by memory)")
    group.add_argument(
        "--memory", type=size, metavar="SIZE", help="memory to plan with, e.g. 8GB (default: what is free)"
    )
    group.add_argument("--tf32", action="store_true", help="let a GPU round products of float32 to 10 bits")
    group.add_argument(
        "--no-deterministic", action="store_true", help="let a GPU use faster kernels that vary from run to run"
    )
    group.add_argument(
        "--calibrated", action="store_true", help="weigh plans with prices measured here (see `probe plan --cost`)"
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="root of every seed (default: 0)")
    group.add_argument("--replicates", type=draws, default=1000, metavar="N", help="bootstrap draws (default: 1000)")
    group.add_argument("--offline", action="store_true", help="never download; use what is cached")
    group.add_argument("--trust-remote-code", action="store_true", help="let a model run code of its own repository")
    group.add_argument("--no-pass", metavar="PASS", action="append", default=[], help="leave out a pass of the planner")


def device(text: str) -> str:
    """Read the name of a device; whether this machine has it is for the run to say."""
    import re

    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"`{text}` is no device: cpu, cuda, cuda:1 or mps")
    return text


def name_and_value(text: str) -> tuple[str, str]:
    """Split `name=value`; anything else is wrong usage."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"`{text}` is not NAME=VALUE")
    return name.strip(), value.strip()


def positive(text: str) -> int:
    """Read a whole number above zero."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number above zero")
    return int(text)


def draws(text: str) -> int:
    """Read a number of bootstrap draws: of fewer than 40 none lies beyond either end of a 95 % interval."""
    if positive(text) < LEAST_DRAWS:
        raise argparse.ArgumentTypeError(f"an interval of 95 % takes at least {LEAST_DRAWS} draws, and not {text}")
    return int(text)


def size(text: str) -> int:
    """Read a number of bytes: 8GB, 500 MB, 12GiB. A number alone is refused: whether of bytes or gigabytes is open."""
    import re

    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)(B?)\s*", text)
    if not found or not float(found[1]) or not (found[2] or found[4]):
        raise argparse.ArgumentTypeError(f"`{text}` is not a size such as 8GB or 500MB")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** " KMGT".index(found[2].upper() or " "))
