"""Print the JSON Schema of the IR, for programs that write or read specs.

probe schema > probe-ir.schema.json
"""

from __future__ import annotations

import argparse
import json

from ..console import Console


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no arguments: there is one schema."""


def main(options: argparse.Namespace, console: Console) -> int:
    """Print the schema to standard output."""
    from ...compiler.ir import schema

    console.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
    return 0
