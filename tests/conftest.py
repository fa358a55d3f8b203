"""What every test session has of its own, and the fixtures that several files share.

The store and calibrations are new in each session, so that no test finds what another run left.

Tests that call `probelang.run` compute everything anew unless they name a store: one that compares two ways to compute
would otherwise find the values of the first.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest

os.environ["PROBELANG_STORE"] = tempfile.mkdtemp(prefix="probelang-store-")
os.environ["PROBELANG_CALIBRATION"] = tempfile.mkdtemp(prefix="probelang-calibration-")

from probelang import api  # noqa: E402 - where the store is has to be known first

api.run.__kwdefaults__["store"] = None


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let torch compute with one thread in a module."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def deep(tmp_path: Path) -> Callable:
    """Check a text in a folder of its own, and give the findings of the second tier."""
    from tests.helpers_deep import findings

    return partial(findings, tmp_path)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random model of each architecture, under its name."""
    from tests.helpers_models import ARCHITECTURES, build

    root = tmp_path_factory.mktemp("models")
    for arch in ARCHITECTURES:
        build(arch, root / arch)
    return root


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Callable:
    """A function that loads the tiny random model of an architecture, each once."""
    from probelang.runtime.models import load
    from probelang.runtime.sources import ModelSource
    from tests.helpers_models import build

    @cache
    def get(arch: str):
        return load(ModelSource("path", str(build(arch, tmp_path_factory.mktemp(arch)))))

    return get
