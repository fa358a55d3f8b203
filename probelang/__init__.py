"""probelang: a small declarative language for experiments on language models.

`probelang.run("spec.probe")` and its siblings take a path, or the text of a spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import check, compile, format, plan, run
    from .runtime.errors import ProbeError
    from .runtime.options import RunOptions

__version__ = "0.1.0"
__all__ = ["ProbeError", "RunOptions", "__version__", "check", "compile", "format", "plan", "run"]

_HOMES = {"ProbeError": "runtime.errors", "RunOptions": "runtime.options"}


def __getattr__(name: str) -> object:
    # importing the package stays instant: each name is looked up when it is first used
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOMES.get(name, 'api')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
