"""Models from the hub, a directory or the zoo."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import Model, Text
from ...inference import dataset_if_split
from ...registry import operation

DTypes = Literal["float32", "bfloat16", "float16", "float64"]


@operation(work="model", axes="none", infer=dataset_if_split)
def hub(
    id: Text, *, revision: Text | None = None, dtype: DTypes | None = None, split: Text | None = None,
    head: Literal["reward"] | None = None,
) -> Model:  # fmt: skip
    """Model (or, with `split`, dataset) from the Hugging Face hub.

    A list of revisions is an axis `revision`. `dtype` defaults to what the command line says, float32 else. Weights are
    read from the local cache, else downloaded; code in a repository is not run unless the command line allows it.
    `head="reward"` is for models with a scalar head.
    """


@operation(work="model", axes="none")
def path(directory: Text, *, dtype: DTypes | None = None) -> Model:
    """Model from a directory in hub layout (`config.json`, safetensors, `tokenizer.json`), relative to the spec."""


@operation(work="model", axes="none")
def zoo(name: Text, *, revision: Text | None = None, dtype: DTypes | None = None) -> Model:
    """Small model that ships with the package: `base`, `sft`, `dpo`, `rl`, `facts` and others (`probe zoo` lists them).

    A list of revisions is an axis `revision`.
    """


@operation(work="model", axes="none")
def endpoint(alias: Text, *, recorded: Text | None = None) -> Model:
    """Model behind an OpenAI-compatible server, which can judge and nothing else: `judge(…) on grader`.

    What the alias means (address, model, key) stands in the user's configuration file and never in a spec; see
    [judges](language.md#judges). Replies are kept in the store, and `probe run --record FILE` writes those of a run to
    a file. `recorded` names such a file beside the spec: questions that it answers are not asked, so that a run is the
    same everywhere.
    """
