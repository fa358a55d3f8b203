"""A plain transformers model, run on one row of tokens with plain forward hooks. Knows sites; nothing of the language.

Its table of modules is its own, so that a slip in the package's table shows up as a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from probelang.runtime.errors import ProbeError
from probelang.runtime.text.tokenizer import Tokenizer

from .grafting import Swap

# Sites in the order in which a block computes them; edits act in this order.
ORDER = ("embed", "resid_pre", "q", "k", "v", "pattern", "head", "attn_raw", "attn", "resid_mid", "neurons", "mlp_raw",
         "mlp", "resid_post", "final_norm", "logits")  # fmt: skip
LLAMA = {"blocks": "model.layers", "norm": "model.norm", "attention": "self_attn", "q": "self_attn.q_proj",
         "k": "self_attn.k_proj", "v": "self_attn.v_proj", "out": "self_attn.o_proj", "down": "mlp.down_proj",
         "attn": "self_attn.o_proj", "mlp": "mlp"}  # fmt: skip
NORMED = {"attn": "post_attention_layernorm", "mlp": "post_feedforward_layernorm"}  # what is added comes out of a norm
QK_NORM = {"q": "self_attn.q_norm", "k": "self_attn.k_norm"}
PATHS = {
    "llama": LLAMA, "qwen2": LLAMA, "mistral": LLAMA, "gemma2": LLAMA | NORMED, "qwen3": LLAMA | QK_NORM,
    "olmo2": LLAMA | QK_NORM | NORMED, "olmo3": LLAMA | QK_NORM | NORMED,
    "gpt2": {"blocks": "transformer.h", "norm": "transformer.ln_f", "attention": "attn", "q": "attn.c_attn",
             "k": "attn.c_attn", "v": "attn.c_attn", "out": "attn.c_proj", "down": "mlp.c_proj", "attn": "attn.c_proj",
             "mlp": "mlp"},
    "gpt_neox": {"blocks": "gpt_neox.layers", "norm": "gpt_neox.final_layer_norm", "attention": "attention",
                 "q": "attention.query_key_value", "k": "attention.query_key_value", "v": "attention.query_key_value",
                 "out": "attention.dense", "down": "mlp.dense_4h_to_h", "attn": "attention.dense", "mlp": "mlp"},
}  # fmt: skip
Where = tuple[str, int | None, int | None]  # site, layer, head


@dataclass(frozen=True)
class Edit:
    """Replace a site's rows [n, width] at some positions by `change` of them; `key` identifies the change."""

    site: str
    layer: int | None
    head: int | None
    positions: tuple[int, ...]
    change: Callable[[torch.Tensor], torch.Tensor]
    key: Hashable

    @property
    def identity(self) -> Hashable:
        return self.site, self.layer, self.head, self.positions, self.key


@dataclass(frozen=True)
class Cut:
    """Hide keys from queries in a layer, in one head or (None) in all: pairs (query, key) of positions."""

    layer: int
    head: int | None
    pairs: tuple[tuple[int, int], ...]

    @property
    def identity(self) -> Hashable:
        return "cut", self.layer, self.head, self.pairs

    def hide(self, mask: torch.Tensor, heads: int, first: int) -> torch.Tensor:
        """Add minus infinity to a mask [1, 1 or heads, tokens, keys] of what each query sees, from token `first` on.

        A cache may have let go of the keys before a window.
        """
        mask = mask.expand(-1, heads, -1, -1).clone()
        gone = first + mask.shape[2] - mask.shape[3]
        here = [(query - first, key - gone) for query, key in self.pairs if first <= query < first + mask.shape[2]]
        for query, key in here:
            if key >= 0:
                mask[0, slice(None) if self.head is None else self.head, query, key] = -torch.inf
        seen = mask[0, :, [query for query, _ in here]].amax(-1)
        if bool((seen < torch.finfo(mask.dtype).min / 2).any()):
            raise ProbeError("no-edge-left", "a token sees nothing")
        return mask


class Network:
    """A loaded model with its tokenizer. Runs are remembered by their exact arguments."""

    def __init__(self, folder: Path, dtype: str, adapters: tuple[str, ...] = ()) -> None:
        import transformers

        self.folder, self.dtype, self.adapters = Path(folder), dtype, adapters
        self.hf = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype), attn_implementation="eager", local_files_only=True
        )
        for adapter in adapters:
            from peft import PeftModel

            self.hf = PeftModel.from_pretrained(self.hf, adapter).merge_and_unload()
        self.hf.eval()
        self.config = self.hf.config
        self.arch = self.config.model_type
        self.paths = PATHS[self.arch]
        self.tokenizer = Tokenizer.load(folder)
        self.layers: int = self.config.num_hidden_layers
        self.heads: int = self.config.num_attention_heads
        self.kv_heads: int = getattr(self.config, "num_key_value_heads", None) or self.heads
        self.width: int = getattr(self.config, "head_dim", None) or self.config.hidden_size // self.heads
        self.parallel = self.arch == "gpt_neox" and self.config.use_parallel_residual
        self.runs: dict[tuple, dict[Where, torch.Tensor]] = {}

    def read(self, ids: tuple[int, ...], where: Where, edits: tuple[Edit | Cut | Swap, ...] = ()) -> torch.Tensor:
        """Values [tokens, width] of a site in a run of `ids` under `edits`."""
        self.check(where)
        known = self.runs.setdefault((ids, tuple(e.identity for e in edits)), {})
        if where not in known:
            wanted = {where} if edits else self.every() | {where}
            known.update(self.forward(ids, wanted, edits))
        return known[where]

    def every(self) -> set[Where]:
        """Every site of the model but attention patterns and logits of no use."""
        heads = {"q": self.heads, "k": self.kv_heads, "v": self.kv_heads, "head": self.heads}
        found: set[Where] = {("embed", None, None), ("final_norm", None, None), ("logits", None, None)}
        for layer in range(self.layers):
            for site in ORDER[1:-2]:
                if site != "pattern" and not (site == "resid_mid" and self.parallel):
                    found |= {(site, layer, h) for h in (range(heads[site]) if site in heads else (None,))}
        return found

    def check(self, where: Where) -> None:
        """Raise ProbeError for a site that the model does not have."""
        site, layer, head = where
        if site == "resid_mid" and self.parallel:
            raise ProbeError("site-not-in-model", "a model with parallel residual has no resid_mid")
        if layer is not None and not 0 <= layer < self.layers:
            raise ProbeError("layer-out-of-range", f"there is no layer {layer}")
        if head is not None and not 0 <= head < (self.kv_heads if site in "kv" else self.heads):
            raise ProbeError("head-out-of-range", f"there is no head {head}")

    def spot(self, site: str) -> tuple[str, str]:
        """Which module inside a block holds a site, and on which side of it."""
        p = self.paths
        return {
            "resid_pre": ("", "in"), "q": (p["q"], "out"), "k": (p["k"], "out"), "v": (p["v"], "out"),
            "head": (p["out"], "in"), "attn_raw": (p["out"], "out"), "attn": (p["attn"], "out"),
            "resid_mid": (p["attn"], "out"), "neurons": (p["down"], "in"), "mlp_raw": ("mlp", "out"),
            "mlp": (p["mlp"], "out"), "resid_post": ("", "out"), "pattern": (p["attention"], "pattern"),
        }[site]  # fmt: skip

    def columns(self, site: str, head: int | None) -> slice:
        """Which columns of the module's rows are a head's."""
        if head is None:
            return slice(None)
        start, third = head * self.width, "qkv".find(site)
        if third >= 0 and self.arch == "gpt2":
            start += third * self.heads * self.width
        if third >= 0 and self.arch == "gpt_neox":
            start = (3 * head + third) * self.width
        return slice(start, start + self.width)

    def forward(
        self, ids: tuple[int, ...], wanted: set[Where], edits: tuple[Edit | Cut | Swap, ...]
    ) -> dict[Where, torch.Tensor]:
        """One pass over one row, or one for each token where weights are exchanged between tokens."""
        swaps, rest = [e for e in edits if isinstance(e, Swap)], tuple(e for e in edits if not isinstance(e, Swap))
        if not swaps:
            return self.run(ids, wanted, rest)
        from transformers import DynamicCache

        cache, parts = DynamicCache(config=self.config), []
        for position, token in enumerate(ids):
            with ExitStack() as stack:
                for swap in swaps:
                    stack.enter_context(swap.at(self, position))
                parts.append(self.run((token,), wanted, rest, position, cache))
        return {where: joined([part[where] for part in parts]) for where in wanted}

    def run(
        self, ids: tuple[int, ...], wanted: set[Where], edits: tuple[Edit | Cut, ...], first: int = 0, cache=None
    ) -> dict[Where, torch.Tensor]:
        """Run tokens from position `first` on: edit and record at each place, in the order of the sites."""
        found: dict[Where, torch.Tensor] = {}
        entering: dict[int, torch.Tensor] = {}
        cuts, edits = [e for e in edits if isinstance(e, Cut)], [e for e in edits if isinstance(e, Edit)]
        for edit in edits:
            self.check((edit.site, edit.layer, edit.head))
            if edit.site in ("pattern", "logits"):
                raise ProbeError("not-in-reference", f"{edit.site} is not edited here")

        def visit(sites: list[str], layer: int | None, value: torch.Tensor) -> torch.Tensor:
            rows = value[0].reshape(value.shape[1], -1).clone()
            for site in sites:
                # The stream between attention and MLP is in no module: it is what enters the block and what attention
                # adds. Writing the difference to what attention adds writes the stream.
                base = entering[layer] if site == "resid_mid" else torch.zeros(())
                whole = rows + base
                for edit in (e for e in edits if (e.site, e.layer) == (site, layer)):
                    here = [i for i, p in enumerate(edit.positions) if 0 <= p - first < len(whole)]
                    at, columns = [edit.positions[i] - first for i in here], self.columns(site, edit.head)
                    changed = whole[at]
                    every = torch.ones(len(edit.positions), *changed[:, columns].shape[1:], dtype=whole.dtype)
                    every[here] = changed[:, columns]
                    changed[:, columns] = edit.change(every)[here]
                    whole[at] = changed
                    rows[at] = changed - base[at] if site == "resid_mid" else changed
                for where in (w for w in wanted if w[:2] == (site, layer)):
                    found[where] = whole[:, self.columns(site, where[2])].clone()
            return rows.reshape(value.shape)

        handles = []
        blocks = self.hf.get_submodule(self.paths["blocks"])
        for layer, block in enumerate(blocks):
            places: dict[tuple[str, str], list[str]] = {}
            for site in ORDER[1:-2]:
                if not (site == "resid_mid" and self.parallel):
                    places.setdefault(self.spot(site), []).append(site)
            for (path, side), sites in places.items():
                module = block.get_submodule(path) if path else block
                sites = ["embed", *sites] if layer == 0 and (path, side) == ("", "in") else sites
                handles.append(hook(module, side, layer, sites, visit, entering, found, wanted, first))
        for cut in cuts:
            self.check(("pattern", cut.layer, cut.head))
            attention = blocks[cut.layer].get_submodule(self.paths["attention"])
            handles.append(attention.register_forward_pre_hook(hiding(cut, self.heads, first), with_kwargs=True))
        norm = self.hf.get_submodule(self.paths["norm"])
        handles.append(norm.register_forward_hook(lambda m, a, out: visit(["final_norm"], None, out)))
        try:
            with torch.no_grad():
                out = self.hf(input_ids=torch.tensor([ids]), use_cache=cache is not None, past_key_values=cache)
        finally:
            for handle in handles:
                handle.remove()
        found["logits", None, None] = out.logits[0]
        return {where: found[where] for where in wanted}

    def lens(self, vector: np.ndarray) -> np.ndarray:
        """Logits of the model's head, behind the final norm, for a vector of the residual stream."""
        with torch.no_grad():
            norm = self.hf.get_submodule(self.paths["norm"])
            logits = self.hf.lm_head(norm(torch.tensor(vector, dtype=self.hf.dtype)[None, None]))
            cap = getattr(self.config, "final_logit_softcapping", None)
            return numbers((torch.tanh(logits / cap) * cap if cap else logits)[0, 0])

    def unembedding(self, index: int) -> np.ndarray:
        """The row of the unembedding matrix for a token."""
        return numbers(self.hf.lm_head.weight[index])


def joined(parts: list[torch.Tensor]) -> torch.Tensor:
    """Rows of single tokens [1, width] one below the other; attention rows count keys up to their own token."""
    width = max(part.shape[-1] for part in parts)
    return torch.cat([torch.nn.functional.pad(part, (0, width - part.shape[-1])) for part in parts])


def hiding(cut: Cut, heads: int, first: int):
    """A hook before an attention module that changes its mask."""

    def hook(_, args, kwargs):
        return args, {**kwargs, "attention_mask": cut.hide(kwargs["attention_mask"], heads, first)}

    return hook


def hook(module, side, layer, sites, visit, entering, found, wanted, first):
    """Register a plain hook that edits and records sites at one side of a module."""

    def before(_, args, kwargs):
        named = not args
        value = kwargs["hidden_states"] if named else args[0]
        first = [s for s in sites if s == "embed"]
        if first:
            value = visit(first, None, value)
        value = visit([s for s in sites if s != "embed"], layer, value)
        if "resid_pre" in sites:
            entering[layer] = value[0]
        return (args, {**kwargs, "hidden_states": value}) if named else ((value, *args[1:]), kwargs)

    def after(_, __, out):
        value = out[0] if isinstance(out, tuple) else out
        value = visit(sites, layer, value)
        return (value, *out[1:]) if isinstance(out, tuple) else value

    def look(_, __, out):
        for where in (w for w in wanted if w[:2] == ("pattern", layer)):
            rows = out[1][0, where[2]]
            # one token with a cache: keys before a window are gone from it
            gone = first + len(rows) - rows.shape[-1]
            found[where] = torch.nn.functional.pad(rows, (gone, 0)).clone()

    if side == "in":
        return module.register_forward_pre_hook(before, with_kwargs=True)
    return module.register_forward_hook(look if side == "pattern" else after)


def numbers(tensor: torch.Tensor) -> np.ndarray:
    """A tensor as float64."""
    return tensor.detach().to(torch.float64).numpy()


@lru_cache(maxsize=64)
def load(folder: str, dtype: str, adapters: tuple[str, ...] = ()) -> Network:
    """Load a model once."""
    torch.set_num_threads(1)
    return Network(Path(folder), dtype, adapters)
