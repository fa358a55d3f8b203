"""Calls: what each operation does with its arguments. Forms take expressions, all others take values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from probelang.compiler import ir
from probelang.runtime.data import split
from probelang.runtime.errors import ProbeError
from probelang.runtime.text.positions import All, Occurrences
from probelang.runtime.zoo import zoo_path

from . import declarations, scoring, statistics, writing
from .compare import Rough
from .interventions import KINDS, WITHOUT_PLACE
from .loops import size
from .measures import MEASURES
from .network import Network, load, numbers
from .reading import attempt, distribution, logits
from .relation import Missing, Relation, Row, joined, lift, one, pick, reduce, spread
from .texts import answer_ids_alone, mean_loss, read_file, read_rows
from .values import Distribution, Intervention, Listed, Site, Tokens, Vector, Weights, Written

if TYPE_CHECKING:
    from .environment import Env
    from .interpreter import Interpreter


def listed(values: Iterable) -> Listed:
    """Plain values as a list; each is its own label."""
    values = tuple(values)
    return Listed(tuple(one(v) for v in values), values)


def values_of(x: Relation | Listed) -> list:
    """The plain values of a list, or of a single value."""
    return [r.value for part in (x.items if isinstance(x, Listed) else (x,)) for r in part.rows]


def call(it: Interpreter, e: ir.CallOf, env: Env) -> Relation | Listed:
    """`operation(arguments)`."""
    name, written = e.operation, {a.name: a.value for a in e.arguments}
    if name in FORMS:
        return FORMS[name](it, written, env)
    if name in KINDS or name in WITHOUT_PLACE:
        return intervention(it, name, written, env)
    given = {k: v.name if isinstance(v, ir.AxisRef) else it.expr(v, env.with_(place=False)) for k, v in written.items()}
    if name in MEASURES:
        return measure(it, MEASURES[name], given, env)
    if name in scoring.OF_TEXTS:
        return scoring.score(name, {k: packed(v) for k, v in given.items()})
    if name in statistics.POINTWISE:
        return by_name(statistics.POINTWISE[name], given)
    if name == "if":
        whole = joined(*(given[k] for k in ("condition", "yes", "no")))
        return Relation(tuple(Row(r.at, statistics.chosen(*r.value)) for r in whole.rows), whole.data)
    if name in ("random_unit", "random_gaussian"):
        return statistics.noise(name, given["like"], given.get("seed", one(0)))
    if name == "z_score":
        return statistics.z_score(given.pop("x"), given.pop("null"), **plain(given))
    first = next(iter(written))
    if name in statistics.REDUCERS:
        over = given.get("over")
        return statistics.REDUCERS[name](given[first], *([over] if over is not None else []))
    if name in statistics.WHOLE:
        others = [given.pop(k) for k in ("b",) if k in given]
        return statistics.by_package(name, given.pop(first), *others, **plain(given))
    raise ProbeError("not-in-reference", f"the reference interpreter has no {name}")


def plain(given: dict) -> dict:
    """Options: one value each."""
    return {k: v if isinstance(v, str) else values_of(v)[0] for k, v in given.items()}


def by_name(function: Callable, given: dict[str, Relation]) -> Relation:
    """Apply a function of named values, cell by cell."""
    return lift(lambda *values: function(**dict(zip(given, values, strict=True))), *given.values())


def packed(x: Relation | Listed) -> Relation:
    """A list as one value, a tuple."""
    return lift(lambda *values: values, *x.items) if isinstance(x, Listed) else x


def measure(it: Interpreter, function: Callable, given: dict, env: Env) -> Relation:
    """Measures of distributions; prompts stand for that of their next token."""
    made = {k: distribution(v, env) if k in ("of", "other") else packed(v) for k, v in given.items()}
    return by_name(function, made)


def intervention(it: Interpreter, kind: str, written: dict[str, ir.Expr], env: Env) -> Relation:
    """An intervention for every cell of its arguments. One along no direction is none, whatever the other arguments.

    So `project_out(arm, alpha=alpha)` has no column `alpha` where the arm is none.
    """
    clean = env.clean()
    given = {k: packed(it.expr(v, clean.with_(place=k == "place"))) for k, v in written.items()}
    source = given.get("from")
    if isinstance(source, Relation) and "token" in source.axes() and "token" not in given["place"].axes():
        # an activation of several tokens is put in token by token
        given["from"] = reduce(source, ["token"], lambda rows: {r.at["token"]: r.value for r in rows})
    what = next((k for k in ("direction", "from") if k in given), None)
    made = lift(lambda *values: Intervention(kind, dict(zip(given, values, strict=True))), *given.values())
    if what is None or all(r.value is not None for r in given[what].rows):
        return made
    nothing = tuple(r for r in given[what].rows if r.value is None)
    some = tuple(r for r in made.rows if isinstance(r.value, Missing) or r.value.arguments[what] is not None)
    return Relation((*nothing, *some), made.data)


# **** forms ****


def shift(it: Interpreter, written: dict, env: Env) -> Relation:
    """`shift(f under i)` is `f under i - f`."""
    after, before = with_and_without(it, written["of"], env)
    return lift(lambda a, b: statistics.binary("-", a, b), after, before)


def recovery(it: Interpreter, written: dict, env: Env) -> Relation:
    """(f[negative] under i - f[negative]) / (f[positive] - f[negative])."""
    after, before = with_and_without(it, written["of"], env)
    patched, corrupt, clean = (
        pick(after, "side", "negative"),
        pick(before, "side", "negative"),
        pick(before, "side", "positive"),
    )

    def share(p: float, n: float, c: float) -> object:
        return Rough(p - n, c - n, max(abs(p), abs(n), abs(c))) if c != n else Missing("division by zero")

    return lift(share, patched, corrupt, clean)


def with_and_without(it: Interpreter, e: ir.Expr, env: Env) -> tuple[Relation, Relation]:
    bare = without(e)
    if bare is None:
        raise ProbeError("needs-under", "there is no intervention to leave out")
    return it.expr(e, env), it.expr(bare, env)


def without(e: ir.Expr) -> ir.Expr | None:
    """The expression without its outermost `under`."""
    if isinstance(e, ir.ApplyOf) and e.operator == "under":
        return e.left
    inner = {ir.ApplyOf: "left", ir.SelectOf: "base", ir.AttributeOf: "base"}.get(type(e))
    if inner is not None:
        bare = without(getattr(e, inner))
        return bare and changed(e, **{inner: bare})
    if isinstance(e, ir.CallOf) and e.arguments:
        first, *rest = e.arguments
        bare = without(first.value)
        return bare and changed(e, arguments=(changed(first, value=bare), *rest))
    return None


def changed(node, **fields):
    return type(node)(**{name: getattr(node, name) for name in node.__dataclass_fields__} | fields)


def choose(it: Interpreter, written: dict, env: Env) -> Listed:
    """All subsets of the items of the given sizes, smaller ones first."""
    items, sizes = values_of(it.expr(written["items"], env)), values_of(it.expr(written["sizes"], env))
    return listed(subset for size in sizes for subset in combinations(items, int(size)))


def layers(it: Interpreter, written: dict, env: Env) -> Listed:
    """Blocks at depths l / (L - 1): all between the ends of a range, else the nearest to each depth."""
    last, depth = size("layer", env) - 1, written["depth"]
    if isinstance(depth, ir.RangeOf):
        low, high = (values_of(it.expr(x, env))[0] for x in (depth.start, depth.stop))
        return listed(i for i in range(last + 1) if low - 1e-9 <= i / max(last, 1) <= high + 1e-9)
    return listed(dict.fromkeys(round(d * last) for d in values_of(it.expr(depth, env))))


def tokens(it: Interpreter, written: dict, env: Env) -> Relation:
    text = it.expr(written["text"], env)
    return lift(lambda p, t: Tokens(p, Occurrences(t)), it.expr(written["of"], env), text)


def lens(it: Interpreter, written: dict, env: Env) -> Relation:
    """What the model's head reads off a vector; words are tokenised behind the whole prompt that it was read in."""
    found = it.expr(written["activation"], env)
    return found.map(lambda v: Distribution(v.network.lens(v.array), v.network, v.rendered))


def cross_entropy(it: Interpreter, written: dict, env: Env) -> Relation:
    """Of prompts, or of some of their tokens: each given all that stands before it."""
    of = it.expr(written["of"], env)
    if not isinstance(of.rows[0].value, Tokens):
        return logits(of, env).map(lambda run: attempt(lambda: mean_loss(run[0], run[2], All())))
    runs = logits(of.map(lambda tokens: tokens.prompts), env)
    return lift(lambda run, t: attempt(lambda: mean_loss(run[0], run[2], t.expression)), runs, of)


def unembedding(it: Interpreter, written: dict, env: Env) -> Relation:
    """The unembedding row of a word, tokenised by itself."""

    def row(network: Network, word: str) -> Vector:
        return Vector(network.unembedding(answer_ids_alone(network, word)), Site("final_norm"), network)

    return lift(row, env.model, it.expr(written["word"], env))


def vector(it: Interpreter, written: dict, env: Env) -> Relation:
    """A tensor of a safetensors file beside the spec."""
    from safetensors.numpy import load_file

    given = {k: values_of(it.expr(v, env))[0] for k, v in written.items()}
    array = load_file(it.root / given["path"])[given["name"]].astype(np.float64)
    return one(Vector(array[given["index"]] if "index" in given else array, given["site"]))


def file(it: Interpreter, written: dict, env: Env) -> Relation:
    path, limit = (values_of(it.expr(written[k], env))[0] if k in written else None for k in ("path", "limit"))
    return one(read_file(path, it.root, limit, column_name(written.get("key"))))


def rows(it: Interpreter, written: dict, env: Env) -> Relation:
    return one(read_rows(values_of(it.expr(written["csv"], env))[0], column_name(written.get("key"))))


def split_(it: Interpreter, written: dict, env: Env) -> Relation:
    fraction, seed = (values_of(it.expr(written[k], env))[0] if k in written else 0 for k in ("fraction", "seed"))
    stratify = column_name(written.get("stratify"))
    return it.expr(written["items"], env).map(lambda table: split.split(table, fraction, int(seed), stratify))


def keep(it: Interpreter, written: dict, env: Env) -> Relation:
    tables = it.expr(written["items"], env)
    written_texts = isinstance(tables.rows[0].value, Written)
    at_most = values_of(it.expr(written["at_most"], env))[0] if "at_most" in written else None
    holds = it.expr(written["where"], env.with_(columns_of=tables))
    return writing.kept(tables, holds, at_most) if written_texts else declarations.kept(tables, holds, at_most)


def column_name(e: ir.Expr | None) -> str | None:
    return None if e is None else e.value if isinstance(e, ir.Literal_) else e.name


def model(it: Interpreter, written: dict, env: Env, folder: Callable) -> Relation:
    """A model for each of its revisions; a list of them is an axis `revision`."""
    given = {k: it.expr(v, env) for k, v in written.items()}
    given = {k: spread(k, zip(v.shown, v.items, strict=True)) if isinstance(v, Listed) else v for k, v in given.items()}
    dtype = given.pop("dtype", one("float32"))
    names = list(given)
    return lift(
        lambda d, *v: load(str(folder(**dict(zip(names, v, strict=True)))), d or "float32"), dtype, *given.values()
    )


def path(it: Interpreter, written: dict, env: Env) -> Relation:
    return model(it, written, env, lambda directory: it.root / Path(directory).expanduser())


def adapter(it: Interpreter, written: dict, env: Env) -> Relation:
    """A model with an adapter merged into it."""
    folders = it.expr(written["directory"], env)
    folders = (
        spread("directory", zip(folders.shown, folders.items, strict=True)) if isinstance(folders, Listed) else folders
    )
    return lift(
        lambda network, folder: load(str(network.folder), network.dtype, (*network.adapters, str(it.root / folder))),
        it.expr(written["model"], env), folders,
    )  # fmt: skip


def zoo(it: Interpreter, written: dict, env: Env) -> Relation:
    return model(it, written, env, lambda name, revision=None: zoo_path(name, revision))


FORMS: dict[str, Callable] = {
    "shift": shift, "recovery": recovery, "choose": choose, "layers": layers, "tokens": tokens, "lens": lens,
    "cross_entropy": cross_entropy, "unembedding": unembedding, "vector": vector, "file": file, "rows": rows,
    "split": split_, "keep": keep, "path": path, "zoo": zoo, "adapter": adapter, "generate": writing.generate,
}  # fmt: skip


# **** weights ****

# Parts by the ends of parameter names: the family with separate projections, then GPT-2, then GPT-NeoX.
NAMES = {
    "attn.q": ("q_proj.weight",), "attn.k": ("k_proj.weight",), "attn.v": ("v_proj.weight",),
    "attn.o": ("o_proj.weight", "attn.c_proj.weight", "attention.dense.weight"), "mlp.gate": ("gate_proj.weight",),
    "mlp.up": ("up_proj.weight", "c_fc.weight", "dense_h_to_4h.weight"),
    "mlp.down": ("down_proj.weight", "mlp.c_proj.weight", "dense_4h_to_h.weight"),
    "norms": ("norm.weight", "norm.bias", "ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias", "ln_f.weight",
              "ln_f.bias"),
    "embed": ("embed_tokens.weight", "wte.weight", "embed_in.weight"),
    "unembed": ("lm_head.weight", "embed_out.weight"),
}  # fmt: skip


def weights(network: Network, part: object, layer: int | None = None) -> Weights:
    """The matrices of a part of the weights, of one layer or of the whole model; biases of projections are no part."""
    found: dict[str, np.ndarray] = {}
    for wanted in (p for p in NAMES if p == part.name or p.startswith(f"{part.name}.")):
        for name, tensor in network.hf.named_parameters(remove_duplicate=False):  # tied ones have two
            if layer is not None and f"{network.paths['blocks']}.{layer}." not in name:
                continue
            if name.endswith(NAMES[wanted]):
                found[name] = numbers(tensor)
            elif wanted in ("attn.q", "attn.k", "attn.v") and name.endswith(
                ("c_attn.weight", "query_key_value.weight")
            ):
                found[f"{name}:{wanted}"] = fused(network, numbers(tensor), "qkv".index(wanted[-1]))
    return Weights(found)


def fused(network: Network, tensor: np.ndarray, third: int) -> np.ndarray:
    """q, k or v of a fused projection: columns one after the other, or head by head in rows."""
    if network.arch == "gpt2":
        return np.split(tensor, 3, axis=1)[third]
    return tensor.reshape(network.heads, 3, network.width, -1)[:, third]
