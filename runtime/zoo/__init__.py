"""Small models that were really trained, and models set by hand: where they lie on this machine.

Knows names and folders only, so that it imports in a blink; training, measuring and hand-set weights are beside it.
"""

import os
from difflib import get_close_matches
from pathlib import Path

from ..errors import ProbeError

_HERE = Path(__file__).parent
MODELS = _HERE / "models"
DATA = _HERE / "data"
# raised whenever the series is trained anew, so that no checkpoint of an older one is taken for one of this
SERIES = 1
BUILD = "python -m probelang.runtime.zoo.build"


def cache_dir() -> Path:
    """Return the folder for models that are built here: `$PROBELANG_ZOO`, else the user's cache."""
    if own := os.environ.get("PROBELANG_ZOO"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "probelang" / f"zoo-{SERIES}"


def zoo_names() -> list[str]:
    """List the models that can be had without training: shipped, built in the cache, or set by hand."""
    from .exact import EXACT

    return sorted({path.name for root in _roots() for path in _models(root)} | {f"exact/{name}" for name in EXACT})


def zoo_revisions(name: str) -> list[str]:
    """List a model's checkpoints on the way that are at hand, by step, then `main`; `ProbeError` for no such model."""
    zoo_path(name)
    found = {path.name for root in _roots() for path in _models(root / name / "revisions")}
    return [*sorted(found, key=lambda revision: int(revision.rpartition("-")[2])), "main"]


def zoo_path(name: str, revision: str | None = None) -> Path:
    """Return the directory, in hub layout, of a model; `ProbeError` if there is no such model or revision at hand."""
    if name.startswith("exact/"):
        return _exact(name, revision)
    plain = all(part and part.replace("-", "").isalnum() for part in (name, revision or "main"))
    for root in _roots() if plain else ():
        folder = root / name if revision in (None, "main") else root / name / "revisions" / revision
        if (folder / "config.json").is_file():
            return folder
    names = zoo_names()
    if name not in names:
        raise _unknown(name, names)
    raise ProbeError(
        "unknown-zoo-revision",
        f"revision {revision!r} of zoo model {name!r} is not at hand",
        f"At hand: {', '.join(zoo_revisions(name))}. Others are trained again by `{BUILD} --only {name}`.",
    )


def data_path(name: str) -> Path:
    """Return the path of a data file of the zoo's world, e.g. `adjectives.csv`; `ProbeError` if there is none."""
    path = DATA / name
    if path.parent != DATA or not path.is_file():
        files = ", ".join(sorted(file.name for file in DATA.iterdir()))
        raise ProbeError("unknown-zoo-data", f"the zoo has no data file {name!r}", f"There are: {files}.")
    return path


def _unknown(name: str, names: list[str]) -> ProbeError:
    near = get_close_matches(name, names, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return ProbeError("unknown-zoo-model", f"the zoo has no model {name!r}", f"{hint}There are: {', '.join(names)}.")


def _roots() -> tuple[Path, Path]:
    return MODELS, cache_dir()


def _models(root: Path) -> list[Path]:
    return [path.parent for path in root.glob("[!.]*/config.json")]


def _exact(name: str, revision: str | None) -> Path:
    from .exact import EXACT, write

    short = name.removeprefix("exact/")
    if short not in EXACT:
        raise _unknown(name, [f"exact/{known}" for known in EXACT])
    if revision not in (None, "main"):
        raise ProbeError("unknown-zoo-revision", f"{name!r} was set by hand and has no revisions")
    return write(short, cache_dir() / "exact")
