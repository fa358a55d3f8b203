"""Sizes of a model, read from its config.json. Knows each family's key names and defaults; loads nothing."""

from dataclasses import dataclass

from ..compiler.shape import BYTES, ModelShape
from .errors import ProbeError

DEFAULTS = {
    "gemma": {"num_key_value_heads": 16, "head_dim": 256},
    "gemma2": {"num_key_value_heads": 4, "head_dim": 256, "final_logit_softcapping": 30.0},
    "gemma3_text": {"num_key_value_heads": 4, "head_dim": 256},
    "mistral": {"num_key_value_heads": 8},
    "qwen2": {"num_key_value_heads": 32},
    "qwen3": {"num_key_value_heads": 32, "head_dim": 128},
    "gpt_neox": {"use_parallel_residual": True},
}
NAMES = {
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
    "hidden_size": "n_embd",
    "intermediate_size": "n_inner",
    "max_position_embeddings": "n_positions",
}
UNGATED = ("gpt2", "gpt_neox", "apertus")  # their MLPs have two matrices
TIED = ("gpt2", "gemma", "gemma2", "gemma3_text")  # unless the config says otherwise


@dataclass(frozen=True)
class ModelFacts:
    """Hold what a model's config says about its shape; widths are in numbers, `max_tokens` and `windows` in tokens.

    `windows` has one entry per layer, None where attention reaches all tokens before; it is empty where none is told.
    """

    arch: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    vocab: int
    max_tokens: int | None = None
    parallel_residual: bool = False
    softcap: float | None = None
    windows: tuple[int | None, ...] = ()
    gated: bool = True
    tied: bool = False

    def shape(self, dtype: str = "float32", attention: str = "sdpa") -> ModelShape:
        """The sizes that decide what a run costs, with weights in `dtype`."""
        return ModelShape(
            self.n_layers, self.d_model, self.n_heads, self.n_kv_heads, self.d_head, self.d_mlp, self.vocab,
            gated=self.gated, tied=self.tied, scores=attention == "eager", itemsize=BYTES.get(dtype, 4),
        )  # fmt: skip


def model_facts(config: dict) -> ModelFacts:
    """Return the facts in a config.json, given as a dict; a config without the sizes is `bad-model-config`."""
    arch = config.get("model_type")
    if not arch:
        raise ProbeError(
            "bad-model-config",
            "config.json does not name its `model_type`",
            "the folder must be one that transformers can load",
        )
    values = DEFAULTS.get(arch, {}) | {key: value for key, value in config.items() if value is not None}
    # `null` switches the cap off, and must not fall back to the default
    softcap = config.get("final_logit_softcapping", values.get("final_logit_softcapping"))

    def size(name: str, default: int | None = None) -> int:
        value = values.get(name, values.get(NAMES.get(name, name), default))
        if not isinstance(value, int) or value <= 0:
            raise ProbeError("bad-model-config", f"config.json of this {arch} model has no usable `{name}`: {value!r}")
        return value

    heads, width = size("num_attention_heads"), size("hidden_size")
    return ModelFacts(
        arch=arch,
        n_layers=size("num_hidden_layers"),
        n_heads=heads,
        n_kv_heads=size("num_key_value_heads", heads),
        d_model=width,
        d_head=size("head_dim", width // heads),
        d_mlp=size("intermediate_size", 4 * width),
        vocab=size("vocab_size"),
        max_tokens=values.get("max_position_embeddings", values.get("n_positions")),
        parallel_residual=bool(values.get("use_parallel_residual", False)),
        softcap=softcap,
        windows=_windows(values),
        gated=arch not in UNGATED,
        tied=bool(values.get("tie_word_embeddings", arch in TIED)),
    )


def _windows(values: dict) -> tuple[int | None, ...]:
    kinds, window = values.get("layer_types"), values.get("sliding_window")
    if not isinstance(kinds, list) or not isinstance(window, int):
        return ()
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)
