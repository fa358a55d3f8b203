"""When an intervention acts while a text is written, beside the tokens that it names."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors
from ..graph import Node
from ..kinds import Activation, Nothing, Prompts
from ..signature import Signature
from . import stacks
from .attributes import is_many
from .core import Elaborator

INSTEAD = ("response", "predicting")  # scopes that are tokens themselves
NAMED = ("place", "tokens", "at", "to")  # arguments that name tokens at which an intervention acts


def check_scope(
    el: Elaborator, signature: Signature, arguments: dict[str, Node], places: dict[str, Span | None]
) -> bool:
    """Report tokens beside a scope which stands for others, and a scope for which there is no vector; False then."""
    if signature.work != "intervention" or "during" not in arguments:
        return True
    span = places.get("during") or NOWHERE
    scopes = [str(n.param("value")) for n in stacks.leaves(arguments["during"]) if n.op == "const"]
    instead = next((scope for scope in scopes if scope in INSTEAD), None)
    name = next((n for n in NAMED if n in arguments), None)
    if instead is not None and name is not None:
        named = [leaf.input("tokens") if name == "place" else leaf for leaf in stacks.leaves(arguments[name])]
        if not all(is_whole(tokens) for tokens in named):
            el.report(errors.tokens_and_during(span, signature.name, instead))
            return False
    if set(scopes) - {"prompt"} and by_token(signature.name, arguments):
        el.report(errors.no_vector_for_response(span, signature.name))
        return False
    return True


def apart_in_time(one: Node, other: Node) -> bool:
    """Whether one of two interventions says that it acts in the prompt, and the other in the response."""
    given = [n.input("during") for n in (one, other)]
    return {n.param("value") for n in given if n is not None and n.op == "const"} == {"prompt", "response"}


def by_token(name: str, arguments: dict[str, Node]) -> bool:
    """Whether an intervention puts in a vector of its own at each token of a prompt."""
    many = "place" in arguments and any(is_many(leaf.input("tokens")) for leaf in stacks.leaves(arguments["place"]))
    if name == "ablate":
        methods = stacks.leaves(arguments["method"]) if "method" in arguments else []
        return many and any(n.op == "const" and n.param("value") == "resample" for n in methods)
    for source in stacks.leaves(arguments["from"]) if name == "patch" else ():
        if many if issubclass(source.kind, Prompts) or source.op == "run" else has_tokens(source):
            return True
    return False


def has_tokens(source: Node) -> bool:
    """Whether an activation is several vectors for each item, one for a token."""
    return issubclass(source.kind, Activation) and any(a.name == "token" and a.kind == "data" for a in source.axes)


def is_whole(tokens: Node | None) -> bool:
    """Whether tokens are all of a prompt: none are named, or `p.all` is."""
    return tokens is None or tokens.kind is Nothing or tokens.param("path") in (("all",), ("tokens",))
