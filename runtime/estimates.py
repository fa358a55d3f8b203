"""Seconds for what a prepared spec will do, from what was measured on this machine; None where nothing was."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..compiler.cost import CostModel
from ..compiler.estimate import Speed
from ..compiler.graph import Node
from ..compiler.physical import PhysicalStage
from ..compiler.shape import ModelShape
from ..compiler.sizes import Shape, batch_shapes
from .errors import ProbeError
from .lowering.lower import models_of
from .schedule import dtype_of, shape_of

if TYPE_CHECKING:
    from .generation.lower import Writing
    from .prepared import Prepared

CHECKED_ROWS = 8  # of a model's self-check


def speed_of(prepared: Prepared, model: Node) -> Speed | None:
    """What was measured on this machine for models of this shape."""
    from .calibration import known

    options = prepared.options
    if options.calibration is None:
        return None
    return known(options.calibration, shape_of(prepared, model), options.device, dtype_of(prepared, model))


def prices_of(prepared: Prepared, model: Node) -> CostModel:
    """What plans are weighed with: what an option says, else what was measured if that is wanted, else the defaults."""
    if prepared.options.prices is not None:
        return prepared.options.prices
    speed = speed_of(prepared, model) if prepared.options.calibrated else None
    return CostModel() if speed is None else speed.prices()


def turn_seconds(prepared: Prepared, stage: PhysicalStage, loads: bool, checks: bool) -> float | None:
    """How long a stage of a model is estimated to take, with its load and its check; None if not measured."""
    speed = speed_of(prepared, stage.model)
    if speed is None:
        return None
    found = speed.seconds(batch_shapes(stage)) + (speed.load if loads else 0.0)
    if checks and stage.rows.prompts:
        rows = min(CHECKED_ROWS, len(stage.rows.prompts))
        longest = max(map(len, stage.rows.prompts))
        together, alone = (Shape.even(n, longest, stage.layers, 1, n) for n in (rows, 1))
        found += speed.seconds([together] * 2 + [alone] * rows)
    return found


def writing_seconds(prepared: Prepared, writing: Writing, loads: bool = False) -> float | None:
    """How long texts take a model that are all as long as they may be, with its load; None if it was not measured."""
    speed = speed_of(prepared, writing.model)
    return None if speed is None else speed.seconds(writing.passes()) + (speed.load if loads else 0.0)


def calibrate_missing(prepared: Prepared, again: bool = False, tell: Callable[[str], None] = lambda text: None) -> None:
    """Measure the models of a spec that were not measured on this machine, or all of them `again`."""
    from .calibration import calibrate

    options = prepared.options
    models = {m.key: m for s in prepared.stages for n in s.nodes for m in models_of(n)}
    done: set[ModelShape] = set()
    for model in models.values():
        try:
            shape, source = shape_of(prepared, model), prepared.bindings.source(model)
        except ProbeError:
            continue  # the plan says what is wrong with it
        if shape in done or not again and speed_of(prepared, model) is not None:
            continue
        done.add(shape)
        tell(f"measuring {source} on this machine")
        calibrate(options.calibration, source, shape, options.device, dtype_of(prepared, model), options.attention)
