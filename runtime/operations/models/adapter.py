"""Models with an adapter."""

from __future__ import annotations

from ....compiler.kinds import Model, Text
from ...registry import operation


@operation(work="model", axes="none", source="Hu et al. 2021, arXiv:2106.09685")
def adapter(
    model: Model, directory: Text | None = None, *, hub: Text | None = None, revision: Text | None = None
) -> Model:
    """Model with a low-rank adapter merged into its weights.

    The adapter is one that PEFT saved (`adapter_config.json`, `adapter_model.safetensors`), in a directory relative to
    the spec, or on the hub: `adapter(base, "checkpoints/lora")`, `adapter(base, hub="name/of-it", revision="main")`. A
    list of directories or revisions is an axis. `gate` has it act at some tokens only. Needs the extra `adapters`.
    """
