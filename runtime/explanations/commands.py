"""What the codes of commands mean: specs, folders, stores, and what was asked of the command line."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "cannot-write": ("results cannot be written to a folder", "`--out` names another; `--no-out` writes none."),
    "file-error": (
        "the system refused to read or write a file",
        "The message is the system's own, with the file's name.",
    ),
    "file-exists": ("a file is there already, and would be overwritten", "Choose another name."),
    "no-such-item": ("prompts have no item of this number", "Items count from 1."),
    "no-such-stage": ("a plan has no stage of this number", "Stages count from 0."),
    "not-a-directory": ("results go into a folder, and this is a file", "Name another: `--out`."),
    "not-a-store": ("a store is a folder, and this is a file", "Name another: `--store`."),
    "nothing-to-show": (
        "a spec runs no prompts on a model, or not these on this one",
        "`probe tokens` shows prompts as models see them, so both are needed.",
    ),
    "spec-has-errors": (
        "a spec cannot run because it has errors",
        "`probe check` shows each at its place.",
    ),
    "spec-not-found": ("there is no spec of this name", "A spec is a file that ends in .probe."),
    "spec-not-text": ("a spec is no text in UTF-8", "The message names the first byte that is none."),
    "store-not-written": (
        "values were computed, and could not be kept in the store",
        "The disk may be full, or the folder read-only. The results are whole; the next run computes them again.",
    ),
    "store-not-usable": (
        "the store cannot be read, or not be changed",
        "The system says why: a full disk, a folder of another user, a damaged file. `--store` names another.",
    ),
    "unknown-code": ("there is no code of this name", "`probe explain` lists them."),
    "unknown-pass": ("the planner has no pass of this name", "The message lists those that it has."),
    "unknown-statement": ("a spec has no statement of this name", "The message lists those that it has."),
}
