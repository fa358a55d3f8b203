"""Load a model for reading: evaluation mode, no gradients, from safetensors only. Knows nothing of sites or prompts."""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from .adapters import adapter_fingerprint, merge_adapter
from .counts import Counts
from .errors import ProbeError
from .facts import ModelFacts, model_facts
from .sites import Architecture, architecture
from .sources import ModelSource, read_config, resolve
from .weight_files import fingerprint, weight_files

DTYPES = ("float32", "float16", "bfloat16", "float64")
DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")

__all__ = ["DTYPES", "LoadedModel", "ModelSource", "load", "read_config", "resolve"]


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """Hold a loaded model with what is known of it; `lock` serialises its runs, `fingerprint` names its weights."""

    source: ModelSource
    directory: Path
    hf: object
    facts: ModelFacts
    sites: Architecture
    device: str
    dtype: str
    attention: str
    fingerprint: str
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @cached_property
    def traced(self):
        """Return the nnsight wrapper around the model, made once: it stays on the modules for good."""
        from .engine.drive import wrap

        return wrap(self.hf)

    @cached_property
    def execution_order(self) -> dict[tuple[str, str], int]:
        """Return when each module's input and output are reached, found by one pass over one token."""
        from .engine.drive import execution_order

        return execution_order(self.hf)

    @property
    def arch(self) -> str:
        return self.facts.arch

    @property
    def n_layers(self) -> int:
        return self.facts.n_layers

    @property
    def n_heads(self) -> int:
        return self.facts.n_heads

    @property
    def n_kv_heads(self) -> int:
        return self.facts.n_kv_heads

    @property
    def d_model(self) -> int:
        return self.facts.d_model

    @property
    def d_head(self) -> int:
        return self.facts.d_head

    @property
    def d_mlp(self) -> int:
        return self.facts.d_mlp

    @property
    def vocab(self) -> int:
        return self.facts.vocab


def load(
    source: ModelSource,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    device_map: object = None,
    attention: str = "sdpa",
    trust_remote_code: bool = False,
    counts: Counts | None = None,
) -> LoadedModel:
    """Load `source` onto `device`, or over several by `device_map`; `source.dtype` wins over `dtype`.

    Raises `model-not-found`, `unknown-architecture`, `unknown-dtype`, `unknown-device-map`, `device-not-available`,
    `weights-not-found`, `model-not-loadable`, `device-map-needs-accelerate`, and `weights-incomplete`, as a tensor that
    the files lack would be drawn at random.
    """
    import torch
    import transformers
    from safetensors import SafetensorError

    transformers.utils.logging.disable_progress_bar()  # progress is the command line's business
    directory = resolve(source)
    facts = model_facts(read_config(ModelSource("path", str(directory))))
    sites = architecture(facts.arch)
    dtype = source.dtype or dtype
    if dtype not in DTYPES:
        raise ProbeError("unknown-dtype", f"{dtype!r} is not a dtype", f"one of {', '.join(DTYPES)}")
    if isinstance(device_map, str) and device_map not in DEVICE_MAPS:
        message = f"{device_map!r} is not a way to spread a model over devices"
        raise ProbeError(
            "unknown-device-map", message, f"one of {', '.join(DEVICE_MAPS)}; for one device, --device NAME"
        )
    if device_map is not None and find_spec("accelerate") is None:
        message = "--device-map is done by accelerate, which is not installed"
        raise ProbeError("device-map-needs-accelerate", message, "pip install 'probelang[device-map]'")
    weight_files(directory)
    attention = sites.attention or attention
    bars = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        hf, info = transformers.AutoModelForCausalLM.from_pretrained(
            directory,
            dtype=getattr(torch, dtype),
            device_map=device_map,
            attn_implementation=attention,
            trust_remote_code=trust_remote_code,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        message = f"{source} cannot be loaded: {str(error).strip().splitlines()[0]}"
        help = f"see whether the files in {directory} are whole, and of the architecture that config.json names"
        raise ProbeError("model-not-loadable", message, help) from error
    finally:
        if bars:
            transformers.utils.logging.enable_progress_bar()
    lacking = sorted(info["missing_keys"])
    if lacking or info["mismatched_keys"]:
        raise ProbeError(
            "weights-incomplete",
            f"the files of {source} do not hold what its config promises: "
            + (f"no {lacking[0]}" if lacking else f"{sorted(map(str, info['mismatched_keys']))[0]} has another shape")
            + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""),
        )
    adapters = [resolve(own) for own in source.adapters]
    for folder in adapters:
        hf = merge_adapter(hf, folder)
    if device_map is None:
        _move(hf, device)
    hf.eval().requires_grad_(False)
    if counts is not None:
        counts.loads += 1
    return LoadedModel(
        source=source,
        directory=directory,
        hf=hf,
        facts=facts,
        sites=sites,
        device=_device(hf),
        dtype=dtype,
        attention=attention,
        fingerprint=fingerprint(directory) + "".join(map(adapter_fingerprint, adapters)),
    )


def import_code(source: ModelSource, trust_remote_code: bool = False) -> None:
    """Import the code of a model's architecture; what is wrong with the model is left to its load."""
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(
            resolve(source), trust_remote_code=trust_remote_code, local_files_only=True
        )
        transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    except (OSError, ValueError, KeyError, ProbeError):
        return


def _device(hf) -> str:
    first = next(hf.parameters()).device
    # Offloaded weights are on `meta` between calls; accelerate moves inputs by itself.
    return "cpu" if first.type == "meta" else str(first)


def _move(hf, device: str) -> None:
    """Put a model on a device; one that this machine does not have is said, with those it has."""
    import torch

    try:
        if torch.device(device).type == "meta":  # a device of shapes alone
            raise RuntimeError("no values are on `meta`")
        hf.to(device)
    except (RuntimeError, AssertionError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise no_device(device) from error


def no_device(device: str) -> ProbeError:
    """The error for a device that this machine does not have, with those that it has."""
    import torch

    have = ["cpu"]
    have += [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    have += ["mps"] if torch.backends.mps.is_available() else []
    message = f"there is no device {device!r} on this machine"
    return ProbeError("device-not-available", message, f"it has {', '.join(have)}")
