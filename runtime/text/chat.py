"""Runs a model's chat template in a sandbox.

Knows Jinja and the helpers that templates on the hub expect. Does not know tokens or segments.
"""

import datetime
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..errors import ProbeError
from .tokenizer import Tokenizer

# Templates that print today's date get this one, or the same spec would give other tokens tomorrow.
# It is the day such templates fall back to when they have no clock.
TODAY = datetime.datetime(2024, 7, 26)


class _GenerationTag(jinja2.ext.Extension):
    """`{% generation %}` marks what a model wrote, for training; here it only has to be transparent."""

    tags = {"generation"}

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(line)


def _raise(message: str) -> None:
    raise jinja2.exceptions.TemplateError(message)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


@lru_cache(maxsize=64)
def _compiled(source: str) -> jinja2.Template:
    extensions = [_GenerationTag, jinja2.ext.loopcontrols]
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=extensions)
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = TODAY.strftime
    return environment.from_string(source)


def tells_date(template: str) -> bool:
    """Say whether a template prints the current date."""
    return "strftime_now" in template


def render_chat(tokenizer: Tokenizer, messages: Sequence[tuple[str, str]], *, generation_prompt: bool) -> str:
    """Render (role, content) messages to the text a model reads; raises ProbeError when the template refuses them."""
    if tokenizer.chat_template is None:
        raise ProbeError("no-chat-template", "This model has no chat template.")
    conversation = [{"role": role, "content": content} for role, content in messages]
    try:
        return _compiled(tokenizer.chat_template).render(
            messages=conversation,
            tools=None,
            documents=None,
            add_generation_prompt=generation_prompt,
            **tokenizer.named_tokens,
        )
    except (jinja2.TemplateError, TypeError, ValueError, OverflowError) as error:
        roles = ", ".join(role for role, _ in messages) or "none"
        raise ProbeError(
            "chat-template-error",
            f"The model's chat template refuses these messages ({roles}): {error}",
            "Use the roles that this model knows, or put the system text into the first user message.",
        ) from error
