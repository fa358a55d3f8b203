"""From a site and a model's facts to the module, side and columns that hold it. Knows shapes; touches no tensor."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from ..errors import ProbeError
from ..facts import ModelFacts
from .architectures import Layout, architecture
from .refs import SITES, SiteRef


@dataclass(frozen=True)
class Place:
    """Say where a site is: a module's input or output (or its attention probabilities), and which columns of it."""

    path: str
    side: Literal["input", "output", "pattern"]
    width: int
    columns: tuple[int, ...] | None = None
    layout: Layout = "flat"


@dataclass(frozen=True)
class SiteInfo:
    """Describe one kind of site of a model: its axes and the numbers it has per token (`None`: as many as tokens)."""

    name: str
    layers: int | None
    heads: int | None
    width: int | None
    place: str


def place(site: SiteRef, facts: ModelFacts) -> Place:
    """Return where `site` is in a model with these facts.

    Raises `unknown-site`, `site-not-in-model`, `site-needs-layer`, `layer-out-of-range`, `site-needs-head`,
    `head-out-of-range`, `unknown-architecture`.
    """
    arch = architecture(facts.arch)
    _check(site, facts)
    if site.name in ("embed", "final_norm"):
        return Place(getattr(arch, site.name), "output", facts.d_model)
    if site.name == "logits":
        return Place(arch.unembed, "output", facts.vocab)
    block = f"{arch.blocks}.{site.layer}"
    match site.name:
        case "resid_pre":
            return Place(block, "input", facts.d_model)
        case "resid_post":
            return Place(block, "output", facts.d_model)
        case "resid_mid":
            return Place(f"{block}.{arch.resid_mid}", "input", facts.d_model)
        case "neurons":
            return Place(f"{block}.{arch.neurons}", "input", facts.d_mlp)
        case "pattern":
            return Place(f"{block}.{arch.attn_raw}", "pattern", 0, (site.head,))
        case "head":
            columns = _columns(site, facts, "flat", facts.n_heads)
            return Place(f"{block}.{arch.attn_raw}", "input", len(columns), columns)
        case "q" | "k" | "v":
            layout = arch.v_layout if site.name == "v" else arch.qk_layout
            columns = _columns(site, facts, layout, _heads(site.name, facts))
            return Place(f"{block}.{getattr(arch, site.name)}", "output", len(columns), columns, layout)
        case _:
            return Place(f"{block}.{getattr(arch, site.name)}", "output", facts.d_model)


def site_infos(facts: ModelFacts) -> tuple[SiteInfo, ...]:
    """List the sites that a model has, in the order of execution."""
    found = []
    for name, axes in SITES.items():
        if name == "resid_mid" and facts.parallel_residual:
            continue
        site = SiteRef(name, None if axes == "model" else 0, 0 if "head" in axes else None)
        here = place(site, facts)
        path = here.path.replace(".0", ".{layer}", 1) if axes != "model" else here.path
        found.append(
            SiteInfo(
                name=name,
                layers=None if axes == "model" else facts.n_layers,
                heads=_heads(name, facts) if "head" in axes else None,
                width=here.width or None,
                place=f"{path} ({here.side})",
            )
        )
    return tuple(found)


def _heads(name: str, facts: ModelFacts) -> int:
    return facts.n_kv_heads if SITES[name] == "kv_head" else facts.n_heads


def _columns(site: SiteRef, facts: ModelFacts, layout: Layout, heads: int) -> tuple[int, ...]:
    wanted = range(heads) if site.head is None else (site.head,)
    d, third = facts.d_head, "qkv".find(site.name)
    starts = {
        "qkv": lambda h: (third * heads + h) * d,
        "per_head_qkv": lambda h: (3 * h + third) * d,
    }.get(layout, lambda h: h * d)
    return tuple(starts(h) + i for h in wanted for i in range(d))


def _check(site: SiteRef, facts: ModelFacts) -> None:
    if site.name not in SITES:
        near = get_close_matches(site.name, SITES, 1)
        raise ProbeError(
            "unknown-site",
            f"there is no site {site.name!r}",
            f"did you mean `{near[0]}`?" if near else f"sites are {', '.join(SITES)}",
        )
    axes = SITES[site.name]
    if site.name == "resid_mid" and facts.parallel_residual:
        raise ProbeError(
            "site-not-in-model",
            f"a {facts.arch} model with parallel residual has no `resid_mid`: attention and MLP read the same input",
            "use resid_pre, resid_post, attn or mlp",
        )
    if axes == "model":
        if site.layer is not None or site.head is not None:
            raise ProbeError("site-takes-no-index", f"`{site.name}` has no layers or heads, but {site} was asked for")
        return
    if site.layer is None:
        raise ProbeError("site-needs-layer", f"`{site.name}` needs a layer", f"write {site.name}[0]")
    if not 0 <= site.layer < facts.n_layers:
        raise ProbeError(
            "layer-out-of-range",
            f"{site} does not exist: the model has layers 0..{facts.n_layers - 1}",
            "layers are 0-based blocks; a negative layer does not count from the end",
        )
    if "head" not in axes:
        if site.head is not None:
            raise ProbeError("site-takes-no-index", f"`{site.name}` has no heads, but {site} was asked for")
        return
    heads = _heads(site.name, facts)
    if site.head is None:
        if site.name == "pattern":
            raise ProbeError("site-needs-head", "`pattern` needs a head", f"write pattern[{site.layer}, 0]")
    elif not 0 <= site.head < heads:
        kind = "key-value heads" if axes == "kv_head" else "heads"
        raise ProbeError("head-out-of-range", f"{site} does not exist: the model has {kind} 0..{heads - 1}")
