"""What a run costs, counted and predicted by the same rule. Imports no torch: the planner predicts with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from .sites import SiteRef


@dataclass
class Counts:
    """Add up forwards, layers run times rows times padded tokens, model loads, and places at which a measure took the
    logits of the whole vocabulary."""

    forwards: int = 0
    row_layer_tokens: int = 0
    loads: int = 0
    unembeddings: int = 0


def layers_run(site: SiteRef, n_layers: int) -> int:
    """Return how many blocks a forward enters that stops once `site` is known; the last may be cut short."""
    if site.name == "embed":
        return 0
    if site.name in ("final_norm", "logits"):
        return n_layers
    return site.layer if site.name == "resid_pre" else site.layer + 1


def predicted(
    batch_shape: tuple[int, int],
    last_site: SiteRef | None,
    n_layers: int,
    position: int = 0,
    layers: Sequence[tuple[int, int]] | None = None,
    tail: int | None = None,
) -> int:
    """Return the row-layer-tokens of one batch `[rows, padded tokens]` that ends at `last_site`.

    `position` is the token that it begins with, `layers` for each row its first block and the one behind its last
    (None: all blocks). `tail` is how many tokens of each row the last block runs (None: all).
    """
    rows, tokens = batch_shape
    if last_site is None:
        return 0
    end = layers_run(last_site, n_layers)
    passes = [(0, end)] * rows if layers is None else [(first, min(stop, end)) for first, stop in layers]
    blocks = sum(max(stop - first, 0) for first, stop in passes)
    short = 0 if tail is None else sum(first < stop == end for first, stop in passes) * (tokens - position - tail)
    return (tokens - position) * blocks - short
