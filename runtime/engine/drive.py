"""The only file that touches nnsight: wrap a model, and run a plain function inside one literal trace.

nnsight reads the source of the `with` block below, so it is written out here and never generated, and stays two lines
long. What it does is data, in the function that it calls.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

# Mounting puts `.save` on every object of the process, which turns a required field of that name into an optional one.
NO_MOUNT = str(Path(__file__).with_name("nnsight.json"))


def wrap(module):
    """Return an nnsight wrapper of `module`; it instruments every submodule, for as long as the module lives."""
    return _nnsight().NNsight(module)


def run_traced(wrapper, body: Callable, forward: Callable) -> None:
    """Call `forward()` with `body(tracer)` beside it, which must visit modules in the order of execution.

    Inputs stay inside `forward`: nnsight would move them to where the first weight is, `meta` if that is offloaded.
    """
    ended: list[BaseException] = []

    def watched(tracer) -> None:
        try:
            body(tracer)
        except BaseException as error:
            ended.append(error)
            raise

    with wrapper.trace(forward, fn=_call) as tracer:
        watched(tracer)
    for stop in ended:
        # It holds the frames that it went through, one of which holds it: their tensors would wait for the collector.
        stop.__traceback__ = stop.__context__ = stop.__intervention_tb__ = None


def execution_order(module) -> dict[tuple[str, str], int]:
    """Number the (path, "input") and (path, "output") of a language model's modules in the order of a pass."""
    import torch

    order: dict[tuple[str, str], int] = {}

    def note(path: str, side: str):
        def hook(*_) -> None:
            order.setdefault((path, side), len(order))

        return hook

    handles = []
    for path, inner in module.named_modules():
        handles.append(inner.register_forward_pre_hook(note(path, "input")))
        handles.append(inner.register_forward_hook(note(path, "output")))
    try:
        with torch.no_grad():
            module(input_ids=torch.zeros((1, 1), dtype=torch.long, device=module.device), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return order


def _call(forward: Callable):
    return forward()


def _nnsight():
    if "nnsight" in sys.modules:
        return sys.modules["nnsight"]
    before = os.environ.get("NNSIGHT_CONFIG")
    if before is None:
        os.environ["NNSIGHT_CONFIG"] = NO_MOUNT
    try:
        import nnsight
    finally:
        if before is None:
            del os.environ["NNSIGHT_CONFIG"]
    return nnsight
