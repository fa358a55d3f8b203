"""Names of sites and the order in which a forward pass reaches them. Knows nothing of any model."""

from dataclasses import dataclass
from typing import Literal

Axes = Literal["model", "layer", "head", "kv_head"]

# In the order of execution within a block; the second entry says what indexes the site.
SITES: dict[str, Axes] = {
    "embed": "model",
    "resid_pre": "layer",
    "q": "head",
    "k": "kv_head",
    "v": "kv_head",
    "pattern": "head",
    "head": "head",
    "attn_raw": "layer",
    "attn": "layer",
    "resid_mid": "layer",
    "neurons": "layer",
    "mlp_raw": "layer",
    "mlp": "layer",
    "resid_post": "layer",
    "final_norm": "model",
    "logits": "model",
}
RANKS = {name: rank for rank, name in enumerate(SITES)}
AFTER_ALL_LAYERS = 1 << 30


@dataclass(frozen=True)
class SiteRef:
    """Name one site: `SiteRef("resid_post", 3)`, `SiteRef("head", 3, 0)`, `SiteRef("final_norm")`.

    Layers are 0-based blocks. `head=None` at `head`, `q`, `k`, `v` means all heads side by side.
    """

    name: str
    layer: int | None = None
    head: int | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Return a key that sorts sites as a forward pass reaches them; heads of one site are equal."""
        rank = RANKS[self.name]
        if self.name == "embed":
            return (-1, rank)
        if self.name in ("final_norm", "logits"):
            return (AFTER_ALL_LAYERS, rank)
        return (self.layer, rank)

    def __str__(self) -> str:
        indices = ", ".join(str(i) for i in (self.layer, self.head) if i is not None)
        return f"{self.name}[{indices}]" if indices else self.name
