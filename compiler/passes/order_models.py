"""The order in which models run: one that is loaded does all that is ready before another takes its place.

It knows stages, which model each of their nodes runs, and how much memory models take; it loads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..graph import Node, walk
from ..stages import Stage

Models = Callable[[Node], Sequence[Node]]
AHEAD = 16  # turns that are weighed against each other before a load


@dataclass(frozen=True)
class Turn:
    """What one model does for one stage; `model` is its key, None for work without a model.

    `needs` are the places of other turns whose results this one takes.
    """

    stage: Stage
    model: str | None
    needs: frozenset[int]


def turns_of(stages: Sequence[Stage], models: Models) -> list[Turn]:
    """Cut every stage by model, in the order in which the models are first named."""
    parts: list[tuple[Stage, str | None]] = []
    for stage in stages:
        by_model: dict[str | None, list[Node]] = {}
        for node in stage.nodes:
            found = models(node)
            by_model.setdefault(found[0].key if found else None, []).append(node)
        parts += [(replace(stage, nodes=tuple(nodes)), model) for model, nodes in by_model.items()]
    where = {node.key: place for place, (stage, _) in enumerate(parts) for node in stage.nodes}
    turns = []
    for place, (stage, model) in enumerate(parts):
        below = {where[n.key] for n in walk(*stage.nodes) if n.key in where}
        turns.append(Turn(stage, model, frozenset(b for b in below if parts[b][0].index < stage.index or b < place)))
    return turns


def order_models(turns: Sequence[Turn], sizes: Mapping[str, int], room: int) -> list[int]:
    """The places of turns in an order that takes few loads within `room` bytes, each after what it needs.

    A turn whose model is held goes first; else the earliest that is ready is loaded. The order as it stands is kept
    where this one is no better.
    """
    left, done, held, order = list(range(len(turns))), set(), {}, []
    of_model: dict[str | None, set[int]] = {}
    for place, turn in enumerate(turns):
        of_model.setdefault(turn.model, set()).add(place)

    def worth(place: int) -> int:
        """How many turns of this model need nothing that is still to come but each other."""
        mine = of_model[turns[place].model] - done
        return sum(turns[p].needs <= done | mine for p in mine)

    while left:
        ready = [p for p in left if turns[p].needs <= done]
        place = next((p for p in ready if turns[p].model is None or turns[p].model in held), None)
        if place is None:
            place = max(ready[:AHEAD], key=lambda p: (worth(p), -p))
        model = turns[place].model
        left.remove(place)
        done.add(place)
        order.append(place)
        if model is not None and model not in held:
            for gone in victims(held, model, [turns[p].model for p in left], sizes, room):
                del held[gone]
            held[model] = None
    plain = list(range(len(turns)))
    better = len(loaded(turns, order, sizes, room)) < len(loaded(turns, plain, sizes, room))
    return order if better else plain


def victims(
    held: Mapping[str, object], model: str, upcoming: Sequence[str | None], sizes: Mapping[str, int], room: int
) -> list[str]:
    """The models to let go before `model` is loaded: those whose next turn is farthest, until it fits.

    A model that does not fit at all has the memory for itself.
    """
    kept, gone = list(held), []
    total = sum(sizes[name] for name in kept) + sizes[model]
    while kept and total > room:
        # Of models that are not needed again the first loaded goes first.
        far = max(kept, key=lambda name: upcoming.index(name) if name in upcoming else len(upcoming))
        kept.remove(far)
        gone.append(far)
        total -= sizes[far]
    return gone


def loaded(turns: Sequence[Turn], order: Sequence[int], sizes: Mapping[str, int], room: int) -> list[str]:
    """The models that an order loads, one after the other, by the rule by which models are let go."""
    held: dict[str, None] = {}
    found = []
    for number, place in enumerate(order):
        model = turns[place].model
        if model is None or model in held:
            continue
        for gone in victims(held, model, [turns[p].model for p in order[number + 1 :]], sizes, room):
            del held[gone]
        held[model] = None
        found.append(model)
    return found
