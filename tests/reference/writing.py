"""Texts that models write: one row at a time, the whole row read anew for every token, under its own interventions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from probelang.compiler import ir
from probelang.runtime.determinism import derive_seed
from probelang.runtime.errors import ProbeError

from .interventions import Item, edits
from .network import Network, numbers
from .reading import attempt, items, runs
from .relation import Missing, Relation, Row, lift
from .texts import written
from .values import Prompts, Written

if TYPE_CHECKING:
    from .environment import Env
    from .interpreter import Interpreter


def generate(it: Interpreter, arguments: dict[str, ir.Expr], env: Env) -> Relation:
    """A text for every run of the prompts and every sample."""
    source = it.expr(arguments["prompts"], env)
    given = {}
    for name in ("samples", "max_tokens", "temperature", "top_p", "repetition_penalty", "seed"):
        if name in arguments:
            given[name] = it.expr(arguments[name], env.clean())
    stop = arguments.get("stop")
    stops = tuple(r.value for i in it.expr(stop, env.clean()).items for r in i.rows) if stop is not None else ()
    options = lift(lambda *v: dict(zip(given, v, strict=True)), *given.values()) if given else Relation((Row({}, {}),))
    whole = runs(items(source), env, options)
    rows = []
    for r in whole.rows:
        network, (prompts, key), how, *interventions = r.value
        missing = next((v for v in (network, how, *interventions) if isinstance(v, Missing)), None)
        count = 1 if missing is not None else how.get("samples", 1)
        for sample in range(count):
            at = {**r.at, "sample": sample} if count > 1 else r.at
            rows.append(
                Row(at, missing or attempt(lambda at=at: text(network, prompts, key, at, how, stops, interventions)))
            )
    return Relation(tuple(rows), whole.data | {"sample"})


def text(network: Network, prompts: Prompts, key, at: dict, how: dict, stops: tuple, interventions: list) -> Written:
    """Read the row, choose a token, put it behind the row, until the text is at its end."""
    base = written(prompts, key, network).ids
    before = getattr(prompts, "writers", 0)
    seed = derive_seed("generate", 0, how.get("seed", 0), str(at.get("item", "")), at.get("sample", 0), before)
    uniforms = np.random.Philox(key=seed)
    ids: tuple[int, ...] = ()
    room = network.config.max_position_embeddings if hasattr(network.config, "max_position_embeddings") else 10**9
    most = min(how.get("max_tokens", 256), room - len(base))
    if most < 1:
        return Missing("the prompt leaves no room for a text in the model's context")
    while len(ids) < most:
        so_far = Written(prompts, key, network, ids, before + 1, unfinished=True)
        changes = edits(interventions, Item(network, so_far, None))
        logits = numbers(network.read((*base, *ids), ("logits", None, None), changes)[-1])
        u = (int(uniforms.random_raw()) >> 11) / 2**53
        ids = (*ids, chosen(logits[: network.tokenizer.vocab_size], how, u, (*base, *ids)))
        made = Written(prompts, key, network, ids, before + 1)
        if ids[-1] in ends(network) or any(s in made.text for s in stops):
            break
    return Written(prompts, key, network, ids, before + 1)


def chosen(logits: np.ndarray, how: dict, u: float, row: tuple[int, ...]) -> int:
    """The likeliest token, or one drawn; a penalty makes tokens of the row less likely."""
    x = logits.copy()
    for token in set(row):
        penalty = how.get("repetition_penalty", 1.0)
        x[token] = x[token] / penalty if x[token] > 0 else x[token] * penalty
    temperature, top_p = how.get("temperature", 0.0), how.get("top_p", 1.0)
    if temperature == 0:
        return int(x.argmax())
    p = np.exp((x - x.max()) / temperature)
    p /= p.sum()
    mass, nucleus = 0.0, np.zeros(len(p), dtype=bool)
    for token in np.argsort(-p, kind="stable"):
        if mass >= top_p:
            break
        nucleus[token] = True
        mass += p[token]
    p = np.where(nucleus, p, 0.0)
    return int(np.searchsorted(np.cumsum(p), u * p.sum(), side="right"))


def ends(network: Network) -> set[int]:
    """The tokens that end a text."""
    found = {network.tokenizer.eos_id}
    for name in ("config.json", "generation_config.json"):
        if (network.folder / name).is_file():
            given = json.loads((network.folder / name).read_text()).get("eos_token_id")
            found |= set(given) if isinstance(given, list) else {given}
    return found - {None}


def kept(texts: Relation, holds: Relation, at_most: int | None) -> Relation:
    """The texts for which a condition holds, as items of their own, item by item; the other coordinates stay."""
    rest = [n for n in texts.axes() if n not in ("item", "sample")]
    if rest:
        raise ProbeError("not-in-reference", "texts of a sweep are kept one by one")
    names = [n for n in ("item", "sample") if n in texts.axes()]
    rows = []
    for item in texts.labels("item") if "item" in names else [None]:
        for r in texts.rows:
            if r.at.get("item") != item or isinstance(r.value, Missing):
                continue
            flag = next(h.value for h in holds.rows if all(h.at[n] == r.at[n] for n in h.at))
            if flag is True:
                rows.append(Row({"item": "/".join(str(r.at[n]) for n in names)}, r.value))
    return Relation(tuple(rows if at_most is None else rows[:at_most]), frozenset({"item"}))
