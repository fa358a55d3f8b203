"""Cubes of texts: reading them as such, and functions of one text applied cell by cell."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np

from .cells import as_cube
from .cube import Cube, align, merge_missing
from .errors import ProbeError
from .text.template import as_text


def texts(value: object, what: str) -> Cube:
    """Values as texts, in Unicode's composed form (NFC), so that equal letters are equal; `not-texts` for vectors.

    Numbers and truth values of a column are spelled as prompts spell them. Missing cells are empty texts.
    """
    cube = as_cube(value)
    if cube.feature:
        raise ProbeError("not-texts", f"{what} works on texts, and these are vectors")
    made = np.empty(cube.shape, dtype=object)
    for cell, there in np.ndenumerate(cube.present()):
        found = cube.values[cell]
        plain = found.item() if isinstance(found, np.generic) else found
        made[cell] = unicodedata.normalize("NFC", as_text(what, plain)) if there else ""
    return Cube(cube.axes, made, cube.missing)


def each(function: Callable, dtype: type, *cubes: Cube) -> Cube:
    """Apply a function to the cells of aligned cubes, where all are there; other cells are missing as before."""
    aligned = align(*cubes)
    missing = merge_missing(aligned)
    values = np.zeros(aligned[0].shape, dtype=dtype)
    for cell in np.ndindex(values.shape):
        if missing is None or missing[cell] is None:
            values[cell] = function(*(c.values[cell] for c in aligned))
        elif dtype is float:
            values[cell] = np.nan
    return Cube(aligned[0].axes, values, missing)
