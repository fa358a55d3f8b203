"""Another model's modules, to compute some tokens of a recipient with. Loads only what is asked for. Knows no edits.

A donor's module is the recipient's own with other weights, so whatever else it holds (an epsilon, a scale) is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor, nn

from ..adapters import StoredTensors
from ..models import LoadedModel
from ..sites import SiteRef, architecture, place
from ..sites.architectures import Layout
from ..weight_parts import PREFIX, weight_part

INSTANCE_ONLY = ("forward", "__nnsight__", "_hf_hook", "_old_forward")  # what tracing and offloading put on a module
POSITIONS = "positions"
SITES = {
    "attn.q": "q", "attn.k": "k", "attn.v": "v", "attn.o": "attn_raw", "mlp.gate": "attn", "mlp.up": "attn",
    "mlp.down": "mlp_raw", "norms": "q",
}  # fmt: skip


@dataclass(frozen=True)
class Grafted:
    """A module that a part has in a layer, and which columns of its output are the part's (None: all).

    `shared`: it runs once for all rows, as what embeds positions does.
    """

    path: str
    layout: Layout
    columns: tuple[int, ...] | None
    shared: bool = False


@dataclass(eq=False)
class Donor:
    """Modules of a recipient with the weights of another model, made when they are first asked for."""

    recipient: LoadedModel
    weights: StoredTensors
    _made: dict[str, nn.Module] = field(default_factory=dict)

    def grafted(self, part: str, layer: int | None) -> tuple[Grafted, ...]:
        """Return the modules of an elementary part (`attn.q`, `mlp.up`, `norms`, `embed`, `unembed`) in a layer."""
        found = []
        for path, (name, at) in self._parts.items():
            if at == layer and (name == part or part == "embed" and name == POSITIONS):
                found.append(Grafted(path, self._layout(path), None, name == POSITIONS))
            elif at == layer and name == "attn.qkv" and part in ("attn.q", "attn.k", "attn.v"):
                here = place(SiteRef(part[-1], layer), self.recipient.facts)
                found.append(Grafted(path, "flat", here.columns))
        return tuple(found)

    def module(self, path: str) -> nn.Module:
        """Return the recipient's module at `path` with the donor's weights."""
        if path not in self._made:
            self._made[path] = self._module(path)
        return self._made[path]

    def _module(self, path: str) -> nn.Module:
        own = self.recipient.hf.get_submodule(path)
        made = object.__new__(type(own))
        made.__dict__.update({k: v for k, v in own.__dict__.items() if k not in INSTANCE_ONLY})
        for name, value in own.__dict__.items():
            if "_hooks" in name:
                made.__dict__[name] = type(value)()
        made.__dict__["_parameters"] = {
            name: None if old is None else nn.Parameter(self._like(old, f"{path}.{name}"), requires_grad=False)
            for name, old in own._parameters.items()
        }
        return made

    def _like(self, old: Tensor, name: str) -> Tensor:
        # Offloaded weights are on `meta` between calls.
        device = self.recipient.device if old.is_meta else old.device
        return self.weights.tensor(PREFIX.sub("", name)).to(device, old.dtype)

    @cached_property
    def _parts(self) -> dict[str, tuple[str, int | None]]:
        """Part and layer of every module that has weights; biases go with the weights beside them."""
        found = {}
        for path, module in self.recipient.hf.named_modules():
            for name, _ in module.named_parameters(recurse=False):
                made = weight_part(PREFIX.sub("", f"{path}.{name}"), self.recipient.arch)
                if made is not None and (path not in found or found[path][0] == "biases"):
                    # a learned activation has no weights but what counts among the biases: it acts on what `up` makes
                    part = "mlp.up" if "act_fn" in path else made.part
                    found[path] = (part, made.layer)
        return found

    def _layout(self, path: str) -> Layout:
        sites = architecture(self.recipient.arch)
        return sites.qk_layout if path.endswith(("q_norm", "k_norm")) and path.endswith((sites.q, sites.k)) else "flat"


def part_site(part: str, layer: int | None) -> SiteRef:
    """Return the site from which on a graft of `part` may be seen; it sorts grafts among edits and reads."""
    if layer is None:
        return SiteRef({"norms": "final_norm", "unembed": "logits"}.get(part, part))
    return SiteRef(SITES[part], layer)
