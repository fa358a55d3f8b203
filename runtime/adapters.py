"""Low-rank adapters as PEFT saves them: what they change, their fingerprint, and weights with one merged in.

Only safetensors are read: other formats can run code. Knows nothing of specs or of runs.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .errors import ProbeError
from .weight_parts import PREFIX

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
WRAPPED = "base_model.model."  # what PEFT puts before the names of the model that it wraps


class StoredTensors(Protocol):
    """Where weights are, by names without the prefix of the bare model."""

    def tensor(self, name: str) -> Tensor:
        """Return the weight `name`."""


def check_adapter(folder: Path) -> None:
    """Raise `adapter-not-found` or `adapter-not-supported` for a folder that holds no LoRA adapter in safetensors."""
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            help_ = "an adapter is a folder as PEFT's `save_pretrained` writes it; pickled weights are not read"
            raise ProbeError("adapter-not-found", f"there is no {name} in {folder}", help_)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProbeError("adapter-not-supported", f"{CONFIG} in {folder} is not JSON: {error}") from None
    kind = config.get("peft_type")
    if kind != "LORA" or config.get("megatron_config"):
        what = kind if kind != "LORA" else "one for Megatron"
        raise ProbeError("adapter-not-supported", f"the adapter in {folder} is {what}, and not a plain LORA")


def adapter_keys(folder: Path) -> tuple[str, ...]:
    """Return the names of an adapter's tensors, without what PEFT and the bare model put before them."""
    from safetensors import safe_open

    with safe_open(folder / WEIGHTS, framework="np") as file:
        return tuple(plain(key) for key in file.keys())


def plain(key: str) -> str:
    """Return a name without what PEFT and the bare model put before it."""
    return PREFIX.sub("", key.removeprefix(WRAPPED))


def adapted_modules(folder: Path) -> frozenset[str]:
    """Return the modules to which an adapter adds something: `layers.0.self_attn.q_proj`."""
    return frozenset(key.partition(".lora_")[0] for key in adapter_keys(folder) if ".lora_" in key)


def adapter_fingerprint(folder: Path) -> str:
    """Return 32 hex digits over the bytes of an adapter."""
    digest = hashlib.blake2b(digest_size=16)
    for name in (CONFIG, WEIGHTS):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def merge_adapter(hf, folder: Path):
    """Return a loaded model with an adapter merged into its weights.

    Raises `adapter-needs-peft`, and `adapter-does-not-fit` where its tensors do not belong to this model.
    """
    wrapped = _wrapped(hf, folder)
    return wrapped.merge_and_unload(safe_merge=True)


def _wrapped(hf, folder: Path, **options):
    try:
        from peft import PeftModel
        from peft.utils import get_peft_model_state_dict
    except ImportError as error:
        message, help_ = "adapters are loaded by peft, which is not installed", "pip install 'probelang[adapters]'"
        raise ProbeError("adapter-needs-peft", message, help_) from error
    check_adapter(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what it warns of is an error below
            wrapped = PeftModel.from_pretrained(hf, str(folder), **options)
    except (ValueError, RuntimeError, KeyError) as error:
        message = f"the adapter in {folder} does not fit the model: {str(error).strip().splitlines()[0]}"
        raise ProbeError("adapter-does-not-fit", message) from error
    held = set(map(plain, get_peft_model_state_dict(wrapped)))
    wrong = sorted(held.symmetric_difference(adapter_keys(folder)))
    if wrong:
        # What PEFT did not find would add nothing.
        message = f"the adapter in {folder} does not fit the model: {wrong[0]} is in only one of them"
        raise ProbeError("adapter-does-not-fit", message)
    return wrapped


@dataclass(frozen=True, eq=False)
class AdaptedTensors:
    """The weights of `base`, a model in `directory`, with the adapter of `folder` merged in; the merging is PEFT's.

    Only weights that are asked for are read; the model itself is never built but in name.
    """

    base: StoredTensors
    directory: Path
    folder: Path
    dtype: str

    def tensor(self, name: str) -> Tensor:
        """Return the weight `name`, without the prefix of the bare model, merged where the adapter changes it."""
        import torch

        module, _, parameter = name.rpartition(".")
        if name in self._names and ".lora_" not in name:
            return self._read(name)  # the adapter holds it whole
        if parameter != "weight" or module not in self._layers:
            return self.base.tensor(name)
        layer, weight = self._layers[module], self.base.tensor(name).to(getattr(torch, self.dtype))
        own = (n for n, _ in layer.named_parameters() if "lora_" in n)
        # PEFT, too, computes what half precision holds in single.
        held = {n: self._read(f"{module}.{n.replace('.default', '')}").float() for n in own}
        layer.load_state_dict({"base_layer.weight": weight, **held}, strict=False, assign=True)
        layer.merge(safe_merge=True)
        made = layer.get_base_layer().weight.detach().clone()
        layer.unmerge()
        return made

    @cached_property
    def _names(self) -> dict[str, str]:
        """Names of the adapter's tensors in its file."""
        from safetensors import safe_open

        with safe_open(self.folder / WEIGHTS, framework="pt") as file:
            return {plain(key): key for key in file.keys()}

    def _read(self, name: str) -> Tensor:
        from safetensors import safe_open

        with safe_open(self.folder / WEIGHTS, framework="pt") as file:
            return file.get_tensor(self._names[name])

    @cached_property
    def _layers(self) -> dict[str, object]:
        import torch
        import transformers

        config = transformers.AutoConfig.from_pretrained(self.directory, local_files_only=True)
        with torch.device("meta"):
            hf = transformers.AutoModelForCausalLM.from_config(config, dtype=getattr(torch, self.dtype))
        wrapped = _wrapped(hf, self.folder, low_cpu_mem_usage=True)
        from peft.tuners.lora import LoraLayer

        named = wrapped.get_base_model().named_modules()
        return {PREFIX.sub("", path): layer for path, layer in named if isinstance(layer, LoraLayer)}
