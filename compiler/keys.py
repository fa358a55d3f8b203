"""Two keys of a value: the recipe that makes it, and the bytes that it has.

A recipe key adds to a node's own key what changes numbers without changing the spec: the numerics class (dtype, device
kind, attention, library versions), the bytes of models, tokenizers and datasets, and the seed. A value key is a hash of
bytes, so that an edit which leaves a value unchanged is seen to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from .graph import Node, digest, plain, walk

NAMED = ("hub", "path", "zoo", "file", "rows", "vector")


def recipe_key(
    node: Node, numerics: Mapping[str, object], contents: Mapping[str, str], known: dict[str, str] | None = None
) -> str:
    """The recipe key of a value.

    `contents` gives, for the key of each model and dataset node below, a hash of its bytes. `known` is filled with what
    `nameless` finds, and may be given again.
    """
    known = nameless(node, {} if known is None else known)
    below = sorted((known[n.key], contents[n.key]) for n in walk(node) if n.key in contents)
    return digest([known[node.key], sorted((k, str(v)) for k, v in numerics.items()), [list(pair) for pair in below]])


def nameless(root: Node, known: dict[str, str]) -> dict[str, str]:
    """Per key of a node below, a key that is the same whatever the spec calls its prompts and statements."""
    for node in walk(root):
        if node.key not in known:
            params = [[k, plain(v)] for k, v in node.params if k != "name" or node.op not in ("prompts", "statement")]
            known[node.key] = digest([node.op, sorted([k, known[n.key]] for k, n in node.inputs), params])
    return known


def value_key(parts: Mapping[str, bytes]) -> str:
    """The value key of named byte strings (an array's shape, type and bytes, say)."""
    hasher = hashlib.blake2b(digest_size=16)
    for name in sorted(parts):
        hasher.update(f"{len(name)}:{name}:{len(parts[name])}:".encode())
        hasher.update(parts[name])
    return hasher.hexdigest()
