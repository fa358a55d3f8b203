"""What each intervention does to one run: its arguments become edits of rows. Operands are read without edits."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from probelang.runtime.determinism import derive_seed
from probelang.runtime.errors import ProbeError
from probelang.runtime.text.positions import All
from probelang.runtime.text.rendered import Rendered

from .grafting import Swap
from .network import Cut, Edit, Network, numbers
from .texts import find, token_label, written
from .values import Intervention, Part, Place, Prompts, Site, Tokens, Vector, Written


@dataclass(frozen=True, eq=False)
class Item:
    """One run: a model on one item of some prompts."""

    network: Network
    prompts: Prompts
    key: Hashable

    @property
    def rendered(self) -> Rendered:
        return written(self.prompts, self.key, self.network)

    def clean(self, prompts: Prompts, key: Hashable, site: Site, layer: int | None, tokens: Tokens) -> np.ndarray:
        """Values [tokens, width] at some tokens of another item, or of other prompts, without interventions."""
        rendered = written(prompts, key, self.network)
        values = self.network.read(rendered.ids, (site.name, layer, site.head))
        return numbers(values[find(rendered, tokens.expression)])


def edits(interventions: list[Intervention | None], item: Item) -> tuple[Edit | Cut | Swap, ...]:
    """The edits of one run, in the order in which the interventions are listed."""
    found: list[Edit | Cut | Swap] = []
    writes: list[tuple[Intervention, tuple, tuple[int, ...]]] = []
    for intervention in interventions:
        if intervention is not None and intervention.kind in WITHOUT_PLACE:
            found += WITHOUT_PLACE[intervention.kind](intervention.arguments, item)
        elif intervention is not None:
            place, change = KINDS[intervention.kind](intervention.arguments, item)
            positions = acting(intervention.kind, intervention.arguments, place.tokens, item)
            for layer in place.site.layers:
                at = (place.site.name, layer, place.site.head)
                refuse_collision(intervention, at, positions, writes)
                writes.append((intervention, at, positions))
                function, key = change(layer, positions)
                found.append(Edit(place.site.name, layer, place.site.head, positions, function, key))
    return tuple(found)


def refuse_collision(edit: Intervention, site: tuple, positions: tuple[int, ...], before: list) -> None:
    """Rule 3: two that write the same place are an error, unless one says in which order, or both only add."""
    for other, at, tokens in before:
        said = edit.arguments.get("in_order") or other.arguments.get("in_order")
        if other is not edit and at == site and {*tokens} & {*positions} and not said:
            if not edit.kind == other.kind == "steer":
                raise ProbeError("edits-collide", "two interventions write one place")


SCOPES = {"steer": "predicting", "project_out": "all"}  # of those that name no tokens


def acting(kind: str, arguments: dict, tokens: Tokens, item: Item) -> tuple[int, ...]:
    """Where an intervention acts in a run; `during` is about texts that are written, and those that were."""
    rendered, text = item.rendered, item.prompts
    if not isinstance(text, Written):
        return tuple(find(rendered, tokens.expression))
    meant = rendered if isinstance(tokens.prompts, Written) else written(text.prompts, text.key, item.network)
    named = kind not in SCOPES or arguments.get("tokens") is not None
    during = arguments.get("during") or ("prompt" if named else SCOPES[kind])
    start, end = rendered.response_start, len(rendered.ids)
    if during == "predicting":
        return tuple(range(start - 1, end if text.unfinished else end - 1))
    if during == "response":
        return tuple(range(start, end))
    found = find(meant, tokens.expression)
    if named and "during" not in arguments and not text.unfinished:
        return tuple(found)
    return (*(p for p in found if p < start), *(range(start, end) if during == "all" else ()))


def named(tokens: Tokens, item: Item) -> tuple[int, ...]:
    """The positions of tokens of a run's prompt, whatever was written behind it."""
    text = item.prompts
    whole_text = not isinstance(text, Written) or isinstance(tokens.prompts, Written)
    return tuple(
        find(item.rendered if whole_text else written(text.prompts, text.key, item.network), tokens.expression)
    )


def own_prompts(item: Item) -> Prompts:
    """The prompts of a run without what was written behind them."""
    return item.prompts.prompts if isinstance(item.prompts, Written) else item.prompts


def setting(values: np.ndarray, count: int):
    """Write rows [1 or count, width]."""
    if len(values) not in (1, count):
        raise ProbeError("lengths-differ", f"{len(values)} tokens cannot be patched into {count}")
    tensor = torch.tensor(values)
    return lambda h: tensor.to(h.dtype).expand_as(h), ("set", values.tobytes())


def patch(arguments: dict, item: Item):
    """Replace rows: by one vector, by a vector for each token, or by what stands at the same place of other prompts.

    Several tokens are matched by their coordinates, the segment and the index in it. From prompts, the item of the same
    key is read.
    """
    place, source = arguments["place"], arguments["from"]

    def change(layer, positions):
        if isinstance(source, Prompts):
            other = Item(item.network, source, item.key if source.table is not None else None)
            found = find(other.rendered, place.tokens.expression)
            values = item.clean(source, other.key, place.site, layer, place.tokens)
            if len(positions) > 1:
                named = {token_label(other.rendered, p): v for p, v in zip(found, values, strict=True)}
                values = by_token(named, positions, item)
            return setting(values, len(positions))
        if isinstance(source, dict):
            return setting(by_token({k: v.array for k, v in source.items()}, positions, item), len(positions))
        array = source.array
        if array.ndim == 2:
            if len(array) != len(place.site.layers):
                raise ProbeError("layers-differ", "as many layers are patched as are read")
            array = array[place.site.layers.index(layer)]
        return setting(array[None], len(positions))

    return place, change


def by_token(values: dict[Hashable, np.ndarray], positions: tuple[int, ...], item: Item) -> np.ndarray:
    """The vectors that have the coordinates of the tokens at some positions."""
    labels = [token_label(item.rendered, p) for p in positions]
    if lacking := [x for x in labels if x not in values]:
        raise ProbeError("tokens-differ", f"a patch has a token {lacking[0]} that its source does not have")
    return np.array([values[x] for x in labels])


def ablate(arguments: dict, item: Item):
    """Replace rows by zero, by the mean over items, or by those of another item.

    Decided here: the mean is over the tokens of each item first, then over items. The other item is number
    `derive_seed("resample", seed, key) mod (n - 1)` of the items in their order without the own one; its tokens are
    taken in order, and have to be as many.
    """
    place, method = arguments["place"], arguments.get("method", "zero")
    prompts = arguments.get("over") or own_prompts(item)
    own = item.prompts.key if isinstance(item.prompts, Written) else item.key

    def change(layer, positions):
        if method == "zero":
            return (lambda h: torch.zeros_like(h)), ("zero",)
        if method == "mean":
            each = [item.clean(prompts, key, place.site, layer, place.tokens).mean(0) for key in prompts.keys]
            return setting(np.mean(each, axis=0)[None], len(positions))
        others = [key for key in prompts.keys if key != own]
        if not others:
            raise ProbeError("no-other-item", "there is no other item to resample from")
        donor = others[derive_seed("resample", int(arguments.get("seed", 0)), str(own)) % len(others)]
        return setting(item.clean(prompts, donor, place.site, layer, place.tokens), len(positions))

    return place, change


def scale(arguments: dict, item: Item):
    factor = float(arguments["factor"])
    return arguments["place"], lambda layer, positions: ((lambda h: h * factor), ("scale", factor))


def clamp(arguments: dict, item: Item):
    value, component = float(arguments["value"]), arguments.get("component")

    def change(layer, positions):
        def hold(h: torch.Tensor) -> torch.Tensor:
            h = h.clone()
            h[:, slice(None) if component is None else component] = value
            return h

        return hold, ("clamp", value, component)

    return arguments["place"], change


def knockout(arguments: dict, item: Item) -> list[Cut]:
    """Hide the tokens `from` from the tokens `to`, in the layers that are named, or in all."""
    seen, sees = named(arguments["from"], item), acting("knockout", arguments, arguments["to"], item)
    pairs = tuple((query, key) for query in sees for key in seen if key <= query)
    layers = whole(arguments.get("layer"), range(item.network.layers))
    return [Cut(layer, arguments.get("head"), pairs) for layer in layers if pairs]


def graft(arguments: dict, item: Item) -> list[Swap]:
    """Exchange weights while some tokens run."""
    parts, layers = tuple(part.name for part in arguments["parts"]), arguments.get("layers")
    positions = acting("graft", arguments, arguments["at"], item)
    layers = None if layers is None else whole(layers, ())
    last = (item.rendered.response_start or len(item.rendered.ids)) - 1
    return [Swap(arguments["donor"], parts, layers, positions, arguments.get("head", "never"), last)]


def gate(arguments: dict, item: Item) -> list[Swap]:
    """Exchange weights with those of the same model with an adapter, while some tokens run."""
    parts = arguments.get("parts")
    given = {"parts": [Part("attn"), Part("mlp"), Part("embed")] if parts is None else parts}
    return graft({**arguments, **given, "donor": arguments["student"]}, item)


def whole(index: object, every: Iterable[int]) -> tuple[int, ...]:
    """The numbers that an index means: one, several, or all when there is none."""
    return tuple(every) if index is None else tuple(int(i) for i in (index if isinstance(index, tuple) else (index,)))


def own_place(arguments: dict, direction: Vector, item: Item) -> Place:
    """A direction acts at its own site and all tokens that were written, unless `site` and `tokens` say otherwise."""
    site = arguments.get("site") or direction.site
    if site is None:
        raise ProbeError("direction-without-site", "the direction does not know its site")
    return Place(site, arguments.get("tokens") or Tokens(item.prompts, All()))


def project_out(arguments: dict, item: Item):
    """h - alpha (h·d̂) d̂."""
    direction, alpha = arguments["direction"], float(arguments.get("alpha", 1.0))
    unit = torch.tensor(direction.array / np.linalg.norm(direction.array))

    def change(layer, positions):
        d = unit.to(item.network.hf.dtype)
        return (lambda h: h - alpha * (h @ d)[:, None] * d), ("project", alpha, direction.array.tobytes())

    return own_place(arguments, direction, item), change


def steer(arguments: dict, item: Item):
    """h + scale · d, with d in its own length, of norm one, or of the mean norm of the activations it is added to.

    Decided here: that mean is over the tokens, then over the items of the run's prompts, without interventions.
    """
    direction, amount = arguments["direction"], float(arguments.get("scale", 1.0))
    unit, place = arguments.get("unit", "raw"), own_place(arguments, direction, item)
    array = direction.array if unit == "raw" else direction.array / np.linalg.norm(direction.array)

    def change(layer, positions):
        size = 1.0
        if unit == "residual_norm":
            prompts, tokens = own_prompts(item), Tokens(own_prompts(item), place.tokens.expression)
            each = [item.clean(prompts, key, place.site, layer, tokens) for key in prompts.keys]
            size = np.mean([np.linalg.norm(rows, axis=-1).mean() for rows in each])
        vector = torch.tensor(amount * size * array)
        return (lambda h: h + vector.to(h.dtype)), ("steer", vector.numpy().tobytes())

    return place, change


KINDS = {"patch": patch, "ablate": ablate, "scale": scale, "project_out": project_out, "steer": steer, "clamp": clamp}
WITHOUT_PLACE = {"knockout": knockout, "graft": graft, "gate": gate}
