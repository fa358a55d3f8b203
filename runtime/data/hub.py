"""Datasets from the hub, through the optional package `datasets`.

Knows one call of that package. Does not run a data set's own code.
"""

import importlib

from ..errors import ProbeError
from .files import from_frame
from .table import Table


def from_hub(
    name: str, split: str, revision: str | None = None, *, limit: int | None = None, key: str | None = None
) -> Table:
    """Load a split of a data set on the hub; raises ProbeError without the extra or without the data set."""
    try:
        datasets = importlib.import_module("datasets")
    except ModuleNotFoundError as error:
        message = f"Reading {name!r} from the hub takes the package `datasets`."
        raise ProbeError("missing-extra", message, "pip install 'probelang[hub]'") from error
    try:
        loaded = datasets.load_dataset(name, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError) as error:
        raise ProbeError(
            "dataset-not-loaded",
            f"The split {split!r} of {name!r} cannot be loaded: {error}",
            "Check the name, the split and the revision, and that this machine can reach the hub or has it cached.",
        ) from error
    if limit is not None:
        loaded = loaded.select(range(min(limit, len(loaded))))
    return from_frame(loaded.to_polars(), key=key)
