"""What a physical stage must be, checked after every pass: a pass that breaks a rule is caught at that pass."""

from __future__ import annotations

import numpy as np

from .physical import PhysicalStage, batch_numbers, block_of, depth_of_rows


class IllegalStage(AssertionError):
    """A pass made a stage that cannot be run as it is."""


def verify(stage: PhysicalStage) -> PhysicalStage:
    """Return the stage, or raise `IllegalStage` with the rule that it breaks."""
    n, lengths = len(stage.rows), stage.rows.lengths
    for part in (*stage.requests, *stage.edits):
        if not len(part.rows) == len(part.positions):
            raise IllegalStage("rows and positions of a part differ in number")
        if len(part.rows) and (part.rows.min() < 0 or part.rows.max() >= n):
            raise IllegalStage("a part names a row that does not exist")
        if len(part.rows) and ((part.positions < 0) | (part.positions >= lengths[part.rows])).any():
            raise IllegalStage("a part names a position outside its row")
        if part.site[1] is not None and not 0 <= part.site[1] < stage.layers:
            raise IllegalStage(f"a part names layer {part.site[1]} of {stage.layers}")
    if stage.batches:
        rows = np.concatenate(stage.batches)
        if len(rows) != n or (np.bincount(rows, minlength=n) != 1).any():
            raise IllegalStage("batches do not hold every row exactly once")
        verify_depths(stage)
    if stage.begins is not None:
        verify_starts(stage)
    return stage


def verify_depths(stage: PhysicalStage) -> None:
    """Raise `IllegalStage` where a row that is read before the first block shares a batch with one that goes on."""
    depth = depth_of_rows(stage)
    asked = np.zeros(len(stage.rows), dtype=bool)
    for request in stage.requests:
        asked[request.rows] = True
    for batch in stage.batches:
        if len(batch) > 1 and (asked[batch] & (depth[batch] == 0)).any() and depth[batch].any():
            raise IllegalStage("a batch has rows that end before the first block, and rows that go on")


def verify_starts(stage: PhysicalStage) -> None:
    """Raise `IllegalStage` where a row starts from what its source cannot give it, or misses what is asked of it."""
    starts, n = stage.starts, len(stage.rows)
    if any(len(part) != n for part in (starts.source, starts.layer, starts.position, starts.group)):
        raise IllegalStage("starts and rows differ in number")
    late = np.flatnonzero(starts.source >= 0)
    source = starts.source[late]
    rest = starts.source < 0
    if starts.layer[rest].any() or starts.position[rest].any():
        raise IllegalStage("a row without a source starts late")
    verify_prompts(stage, late, source)
    if (starts.layer[source] > starts.layer[late]).any() or (starts.position[source] > starts.position[late]).any():
        raise IllegalStage("a row starts before its source does")
    for request in stage.requests:
        if (block_of(request.site) < starts.layer[request.rows]).any():
            raise IllegalStage("a row is read before the block that it starts at")
        if (request.positions < starts.position[request.rows]).any():
            raise IllegalStage("a row is read before the token that it starts at")
    edited = np.zeros(n, dtype=bool)
    for group in stage.edits:
        edited[group.rows] = True
    for group in stage.edits:
        mine = (starts.source[group.rows] >= 0) & ~edited[np.maximum(starts.source[group.rows], 0)]
        early = (block_of(group.site) < starts.layer[group.rows]) | (group.positions < starts.position[group.rows])
        if (mine & early).any():
            raise IllegalStage("a row is edited before it parts from an unedited one")
    if stage.batches:
        verify_order(stage)


def verify_prompts(stage: PhysicalStage, late: np.ndarray, source: np.ndarray) -> None:
    """Raise `IllegalStage` where a row starts from one that has other tokens, before it or in the blocks left out."""
    prompt, starts, prompts = stage.rows.prompt, stage.starts, stage.rows.prompts
    other = prompt[late] != prompt[source]
    if starts.layer[late[other]].any():
        raise IllegalStage("a row starts at a later block from a row of another prompt")
    for own, of, at in {*zip(prompt[late[other]], prompt[source[other]], starts.position[late[other]], strict=True)}:
        if prompts[own][:at] != prompts[of][:at] or len(prompts[of]) < at:
            raise IllegalStage("a row starts from a row with other tokens")


def verify_order(stage: PhysicalStage) -> None:
    """Raise `IllegalStage` where a batch needs what neither it nor an earlier batch has computed by then."""
    starts, depth, batch_of = stage.starts, depth_of_rows(stage), batch_numbers(stage)
    inside, outside = starts.origins(batch_of)
    first = np.array([starts.first_token(batch) for batch in stage.batches])[batch_of]
    late = starts.source >= 0
    if (batch_of[starts.source[late]] > batch_of[late]).any():
        raise IllegalStage("a batch starts before one that it starts from")
    needs = np.flatnonzero(first > 0)
    if (outside[needs] < 0).any():
        raise IllegalStage("a row without a source is in a batch that starts late")
    if (depth[outside[needs]] < depth[needs]).any():
        raise IllegalStage("a source ends before the rows that need its keys")
    given = np.flatnonzero((starts.layer > 0) & (inside < 0))
    if (outside[given] < 0).any():
        raise IllegalStage("a row starts late, and nothing has run before it")
    if any((first[outside[rows]] > first[rows]).any() for rows in (needs, given)):
        raise IllegalStage("a batch starts before one that it starts from")
    if (depth[outside[given]] < starts.layer[given]).any() or (depth[inside] < starts.layer)[inside >= 0].any():
        raise IllegalStage("a source ends before the rows that start from it")
