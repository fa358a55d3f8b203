"""From a model's name to a folder on this machine. Knows the hub, plain folders and the zoo; loads no weights."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import ProbeError
from .facts import ModelFacts, model_facts

# No pickles, and not the second copy of the weights that some repositories carry.
FILES = ["*.json", "model*.safetensors", "adapter_model.safetensors", "*.jinja", "*.txt", "tokenizer.model"]


@dataclass(frozen=True)
class ModelSource:
    """Name a model: `hub` id and revision, `path` of a folder, `zoo` name and revision, or the alias of an `endpoint`;
    `dtype` if the spec says. `adapters` are merged in, one after the other.
    """

    kind: Literal["hub", "path", "zoo", "endpoint"]
    name: str
    revision: str | None = None
    dtype: str | None = None
    adapters: tuple["ModelSource", ...] = ()

    def __str__(self) -> str:
        own = f"{self.kind}({self.name}{f'@{self.revision}' if self.revision else ''})"
        return " + ".join([own, *map(str, self.adapters)])


def resolve(source: ModelSource, *, download: bool = True) -> Path:
    """Return the folder that holds the model, downloading from the hub if allowed; else `model-not-found`."""
    match source.kind:
        case "path":
            return _folder(source)
        case "zoo":
            from .zoo import zoo_path

            return zoo_path(source.name, source.revision)
        case "hub":
            return _from_hub(source, None, download)
        case "endpoint":
            raise ProbeError(
                "endpoint-is-closed",
                f"{source} answers questions, and nothing inside it can be read",
                "use it for `judge(…) on …`",
            )


def read_config(source: ModelSource, *, download: bool = True) -> dict:
    """Return the model's config.json as a dict; from the hub only this one file is fetched."""
    path = (_from_hub(source, "config.json", download)) if source.kind == "hub" else resolve(source) / "config.json"
    if not path.is_file():
        help = "a model is a folder as `save_pretrained` writes it: config.json, tokenizer files and *.safetensors"
        raise ProbeError("bad-model-config", f"there is no config.json in {path.parent}", help)
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        help = "copy it again from where the model is, or save the model again with `save_pretrained`"
        raise ProbeError("bad-model-config", f"config.json of {source} is not JSON: {error}", help) from None


def source_facts(source: ModelSource, *, download: bool = True) -> ModelFacts:
    """Return the sizes of the model without loading it."""
    return model_facts(read_config(source, download=download))


def _folder(source: ModelSource) -> Path:
    path = Path(source.name).expanduser()
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise ProbeError("model-not-found", f"{source.name} {what}", "path(…) takes a folder with config.json in it")
    return path


@dataclass
class Silence:
    """Until when the hub is not asked again, by the clock that only goes forward: it did not answer."""

    until: float = 0.0


PATIENCE = 60.0  # seconds; asking a hub that cannot be reached takes about twenty, for each file of each model
_silent = Silence()


def _from_hub(source: ModelSource, file: str | None, download: bool) -> Path:
    import huggingface_hub as hub
    from huggingface_hub import errors

    download = download and time.monotonic() >= _silent.until
    where = dict(revision=source.revision, local_files_only=not download)
    named = f"{source.name}{f' at revision {source.revision}' if source.revision else ''}"
    try:
        if file:
            return Path(hub.hf_hub_download(source.name, file, **where))
        return Path(hub.snapshot_download(source.name, allow_patterns=FILES, **where))
    except errors.HFValidationError:
        raise ProbeError(
            "bad-model-name", f"{source.name!r} is not a hub id", 'ids look like "allenai/OLMo-2-0425-1B"'
        ) from None
    except errors.GatedRepoError:
        raise ProbeError(
            "model-not-allowed",
            f"{named} asks for an agreement that your account has not given",
            f"accept it at https://huggingface.co/{source.name} and run `hf auth login`",
        ) from None
    except errors.RevisionNotFoundError:
        raise ProbeError("model-not-found", f"the hub has {source.name}, but not revision {source.revision}") from None
    except errors.RepositoryNotFoundError:
        raise ProbeError(
            "model-not-found", f"the hub has no model {source.name}, or it is private", "check the id; `hf auth login`"
        ) from None
    except errors.LocalEntryNotFoundError:
        if download:
            _silent.until = time.monotonic() + PATIENCE
        raise ProbeError(
            "model-not-found",
            f"{named} is not in the local cache, and the hub is offline or cannot be reached",
            f"on a machine with a network: hf download {source.name}"
            + (f" --revision {source.revision}" if source.revision else "")
            + "; or use path(…) or zoo(…)",
        ) from None
    except errors.EntryNotFoundError:
        raise ProbeError("model-not-found", f"the hub's {named} has no {file}") from None
