"""Work nodes in words: what is read or measured, where, and under what. It lowers and counts nothing."""

from __future__ import annotations

from collections.abc import Sequence

from .graph import Node


def describe(node: Node, names: dict[str, str]) -> str:
    """One line for a work node: what is read or measured, where, and under what."""
    match node.op:
        case "read":
            return f"read {site(node.input('site'))} at {tokens(node.input('tokens'))}{run(node.input('run'), names)}"
        case "norm":
            return f"norm of {weights(node.input('x'), names)}"
        case "next-token" | "lens":
            return f"logits{source(node, names)}"
        case "finetune" | "chain" | "merge":
            return f"{node.op} {names.get(node.key, '')}".rstrip()
    return f"{node.op}{source(node, names)}"


def source(node: Node, names: dict[str, str]) -> str:
    for _, child in node.inputs:
        if child.op == "next-token":
            return f" of {prompts(child.input('run'), names)}{run(child.input('run'), names)}"
        if child.op == "lens":
            inner = child.input("activation")
            if inner.op == "read":
                place = f"{site(inner.input('site'))} at {tokens(inner.input('tokens'))}"
                return f" of lens({place}){run(inner.input('run'), names)}"
        if child.op == "run":
            return f" of {prompts(child, names)}{run(child, names)}"
    return ""


def prompts(node: Node, names: dict[str, str]) -> str:
    inner = node.input("prompts")
    if inner.op == "prompts":
        return str(inner.param("name"))
    below = inner.input("prompts") or inner.input("items")
    return (
        f"{inner.op}({prompts(below, names) if below is not None and below.op == 'run' else names.get(inner.key, '…')})"
    )


def run(node: Node, names: dict[str, str]) -> str:
    edits = [intervention(n) for k, n in node.inputs if k.startswith("i")]
    return f" under {', '.join(edits)}" if edits else ""


def intervention(node: Node) -> str:
    place = node.input("place")
    if place is not None:
        return f"{node.op}({site(place.input('site'))} at {tokens(place.input('tokens'))})"
    return f"{node.op}(…)"


def site(node: Node | None) -> str:
    if node is None:
        return "…"
    inner = [label(node.input(k)) for k in ("layer", "head") if node.input(k) is not None]
    return f"{node.param('name')}[{', '.join(inner)}]" if inner else str(node.param("name"))


def label(node: Node) -> str:
    if node.op == "label":
        return str(node.param("name"))
    if node.op == "const":
        return str(node.param("value"))
    return "…" if node.op not in ("all-layers", "all-heads") else node.op.replace("-", "_")


def tokens(node: Node) -> str:
    match node.op:
        case "tokens":
            return ".".join((owner(node), *node.param("path")))
        case "occurrences":
            return f"tokens({owner(node)}, {str(node.input('text').param('value'))!r})"
        case "token-at":
            return label(node.input("label"))
        case "pool":
            return f"{tokens(node.input('tokens'))}.{node.param('how')}"
        case "union":
            return f"{tokens(node.input('left'))} + {tokens(node.input('right'))}"
        case "complement":
            return f"not ({tokens(node.input('tokens'))})"
    return "…"


def owner(node: Node) -> str:
    prompts_ = node.input("prompts")
    return str(prompts_.param("name") or prompts_.op)


def weights(node: Node, names: dict[str, str]) -> str:
    if node.op == "binary":
        return f"{weights(node.input('left'), names)} {node.param('operator')} {weights(node.input('right'), names)}"
    part = node.input("part")
    if part is None:
        return node.op
    return f"weights[{part.param('name')}] on {names.get(node.input('model').key, '…')}"


def shape(node: Node) -> str:
    """The axes of a node, with their lengths where the text tells them."""
    parts = [f"{len(a.labels)} {a.name}" if a.labels is not None else a.name for a in node.axes]
    return " x ".join(parts) or "one cell"


def grouped(nodes: Sequence[Node], names: dict[str, str]) -> tuple[str, ...]:
    """Work lines, equal ones counted once."""
    counts: dict[str, list[Node]] = {}
    for node in nodes:
        counts.setdefault(describe(node, names), []).append(node)
    return tuple(
        f"{text}  -> {shape(found[0])}{f'  (x {len(found)})' if len(found) > 1 else ''}"
        for text, found in counts.items()
    )
