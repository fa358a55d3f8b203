"""Grafts as they are defined: before a token is run, the weights that it is to be run with are put into the model.

Nothing is selected inside a pass. Parts are told by the names of parameters, with a table of their own.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .network import Network

PIECES = {
    "attn.q": r"q_proj", "attn.k": r"k_proj", "attn.v": r"v_proj", "attn.o": r"o_proj|attn\.c_proj|attention\.dense",
    "mlp.gate": r"gate_proj", "mlp.up": r"up_proj|c_fc|dense_h_to_4h|act_fn",
    "mlp.down": r"down_proj|mlp\.c_proj|dense_4h_to_h", "norms": r"norm|ln_1|ln_2|ln_f",
    "embed": r"embed_tokens|embed_in|wte|wpe", "head": r"lm_head|embed_out",
}  # fmt: skip
WHOLE = {"attn": ("attn.q", "attn.k", "attn.v", "attn.o"), "mlp": ("mlp.gate", "mlp.up", "mlp.down")}
FUSED = r"c_attn|query_key_value"


@dataclass(frozen=True, eq=False)
class Swap:
    """Exchange parts of a donor in some layers (None: all) while some positions run; `head` says when its own too."""

    donor: Network
    parts: tuple[str, ...]
    layers: tuple[int, ...] | None
    positions: tuple[int, ...]
    head: str
    last: int  # the last token of the prompt

    @property
    def identity(self) -> Hashable:
        return (
            "swap",
            str(self.donor.folder),
            self.donor.adapters,
            self.parts,
            self.layers,
            self.positions,
            self.head,
            self.last,
        )

    def pieces(self, position: int) -> tuple[str, ...]:
        """What comes from the donor while a position runs."""
        mine = [p for part in self.parts for p in WHOLE.get(part, (part,))] if position in self.positions else []
        head = self.head == "always" or (self.head == "last_token" and position == self.last)
        return (*mine, *(("head",) if head else ()))

    @contextmanager
    def at(self, network: Network, position: int) -> Iterator[None]:
        """Hold the donor's weights in the network while a position runs."""
        head = network.hf.get_output_embeddings()
        if head.weight is network.hf.get_input_embeddings().weight:
            head.weight = torch.nn.Parameter(head.weight.detach().clone())  # tied: to embed is not to unembed
        own = dict(network.hf.named_parameters(remove_duplicate=False))
        kept = {}
        with torch.no_grad():
            for name, theirs in self.donor.hf.named_parameters(remove_duplicate=False):
                new = self.exchanged(network, name, own[name], theirs, self.pieces(position))
                if new is not None:
                    kept[name] = own[name].clone()
                    own[name].copy_(new)
            yield
            for name, old in kept.items():
                own[name].copy_(old)

    def exchanged(self, network: Network, name: str, mine, theirs, pieces: tuple[str, ...]):
        layer = re.search(r"\.(?:layers|h)\.(\d+)\.", name)
        if layer is None and self.layers is not None and not re.search(f"{PIECES['embed']}|{PIECES['head']}", name):
            return None  # the final norm belongs to no layer
        if layer is not None and self.layers is not None and int(layer[1]) not in self.layers:
            return None
        if re.search(FUSED, name):
            thirds = [i for i, letter in enumerate("qkv") if f"attn.{letter}" in pieces]
            return mixed(network, mine, theirs, thirds) if thirds else None
        return theirs if any(re.search(PIECES[piece], name) for piece in pieces) else None


def mixed(network: Network, mine: torch.Tensor, theirs: torch.Tensor, thirds: list[int]) -> torch.Tensor:
    """A fused projection of which some of q, k and v are the donor's; outputs are columns in GPT-2, rows in NeoX."""
    new = mine.clone()
    for third in thirds:
        if network.arch == "gpt2":
            width = mine.shape[-1] // 3
            new[..., third * width : (third + 1) * width] = theirs[..., third * width : (third + 1) * width]
        else:
            view = (network.heads, 3, network.width, *mine.shape[1:])
            new.view(view)[:, third] = theirs.view(view)[:, third]
    return new
