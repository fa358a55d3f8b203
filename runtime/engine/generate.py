"""Write texts: prompts are read once, then each pass adds a token to every row that is not at its end.

Rows share a batch and nothing else: each has its own edits, its own random numbers and its own end. Knows no prompts
or specs, and no text but what `ended` makes of tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..sites import SiteRef
from .batch import Batch, Edit, Keep, Read, Start, take_rows
from .choose import Sampling, choose
from .forward import Engine
from .graft import donated_logits
from .growing import growing_cache
from .split import is_out_of_memory
from .steps import Steps, steps

LEAVE = 8  # rows at their end leave once they are one in this many: leaving copies what the others hold
END, STOP, LENGTH, CONTEXT = range(4)  # why a text ends: its model, a stop text, `max_tokens`, the model's context
LOGITS = SiteRef("logits")


@dataclass(frozen=True, eq=False)
class Texts:
    """Ask for n texts. Text i continues row `source[i]` of `prompts`, whose edits act on the prompt alone.

    `edits` act on every token that was written and is read again to write the next one; their rows are texts, their
    positions are 0, and knockouts hide tokens of the prompt. `most` [n] counts tokens; a text ends with a token of
    `ends`, or when `ended(i, ids)` says so.
    `uniform` [n, max(most)] are the random numbers; tokens from `vocabulary` on are never chosen.
    """

    prompts: Batch
    source: Tensor
    edits: tuple[Edit, ...]
    most: Tensor
    sampling: Sampling
    uniform: Tensor
    ends: frozenset[int]
    ended: Callable[[int, Sequence[int]], bool]
    vocabulary: int

    @property
    def count(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class Written:
    """The tokens of a text, why it ended, and how close its closest choice was (see `choose`)."""

    ids: tuple[int, ...]
    end: int
    close: float


def generate(engine: Engine, texts: Texts) -> list[Written]:
    """Write the texts; when memory runs out, one half and then the other."""
    try:
        with engine.model.lock, torch.no_grad():
            return Writing(engine, texts).run()
    except RuntimeError as error:
        if not is_out_of_memory(error) or texts.count == 1:
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    middle = texts.count // 2
    return generate(engine, part(texts, 0, middle)) + generate(engine, part(texts, middle, texts.count))


class Writing:
    """The texts while they are written. `rows` are the texts that the batch still holds, in the order of its rows."""

    def __init__(self, engine: Engine, texts: Texts) -> None:
        self.engine, self.texts = engine, texts
        self.rows = torch.arange(texts.count)
        self.ids: list[list[int]] = [[] for _ in range(texts.count)]
        self.close = [float("inf")] * texts.count
        self.ends: list[int | None] = [None] * texts.count
        self.lengths = texts.prompts.lengths[texts.source]
        self.edits = tuple(in_cache(edit, self.lengths, texts.prompts.shape[1]) for edit in texts.edits)
        self.most = texts.most.tolist()
        self.sampling, self.seen = texts.sampling, None
        self.cache = None

    def run(self) -> list[Written]:
        """Read the prompts and add tokens until every text is at its end."""
        logits, kept = self.read()
        self.seen = self.tokens_of_prompts() if self.sampling.penalises else None
        self.add(logits)
        more = max(self.most) - 1
        if self.going():
            model = self.engine.model
            self.cache = growing_cache(model.n_layers, kept, self.texts.source, self.lengths, more)
            del kept
            self.leave()
            plan = self.plan()
        while self.going():
            self.add(self.step(plan))
            if self.leave():
                plan = self.plan()
        return [Written(tuple(i), e, c) for i, e, c in zip(self.ids, self.ends, self.close, strict=True)]

    def read(self) -> tuple[Tensor, Callable[[int], Tensor]]:
        """Logits [n, vocabulary] behind the prompt of each text, and the prompts' keys and values."""
        prompts, layers = self.texts.prompts, self.engine.model.n_layers
        every = torch.arange(len(prompts.lengths))
        keeps = tuple(Keep(("keys", layer), layer, every) for layer in range(layers)) if max(self.most) > 1 else ()
        last = Read("last", LOGITS, every, prompts.lengths - 1)
        found = self.engine.run(replace(prompts, reads=(last,), keeps=keeps))
        self.engine.counts.unembeddings += len(every)
        return found["last"][self.texts.source], lambda layer: found["keys", layer]

    def tokens_of_prompts(self) -> Tensor:
        """Which tokens each text's prompt has [n, vocabulary]."""
        prompts = self.texts.prompts
        seen = torch.zeros(len(prompts.lengths), self.engine.model.vocab, dtype=torch.bool)
        return seen.scatter_(1, prompts.ids, True)[self.texts.source]  # the padding repeats a row's last token

    def add(self, logits: Tensor) -> None:
        """Choose the next token of every row that is not at its end."""
        logits = logits[:, : self.texts.vocabulary]
        rows = self.rows.tolist()
        written = torch.tensor([min(len(self.ids[row]), self.texts.uniform.shape[1] - 1) for row in rows])
        uniform = self.texts.uniform[self.rows, written].to(logits.device)
        seen = None if self.seen is None else self.seen[:, : self.texts.vocabulary].to(logits.device)
        sampling = Sampling(*(getattr(self.sampling, k).to(logits.device) for k in ("temperature", "top_p", "penalty")))
        found, close = choose(logits, sampling, uniform, seen)
        for place, (row, token, near) in enumerate(zip(rows, found.tolist(), close.tolist(), strict=True)):
            if self.ends[row] is not None:
                continue
            self.ids[row].append(token)
            self.close[row] = min(self.close[row], near)
            if self.seen is not None:
                self.seen[place, token] = True
            if token in self.texts.ends:
                self.ends[row] = END
            elif self.texts.ended(row, self.ids[row]):
                self.ends[row] = STOP
            elif len(self.ids[row]) == self.most[row]:
                self.ends[row] = LENGTH

    def going(self) -> bool:
        return any(end is None for end in self.ends)

    def leave(self) -> bool:
        """Let rows go that are at their end, when they are many enough; says whether any went."""
        going = torch.tensor([self.ends[row] is None for row in self.rows.tolist()])
        if int((~going).sum()) * LEAVE < len(going):
            return False
        stay = going.nonzero()[:, 0]
        if len(stay) == len(going) or not len(stay):
            return False
        self.rows, self.sampling = self.rows[stay], self.sampling.take(stay)
        self.seen = None if self.seen is None else self.seen[stay]
        for layer in self.cache.layers:
            layer.take(stay)
        return True

    def plan(self) -> Steps:
        """What is changed and read in a pass of one token over the rows that are left."""
        count, read = len(self.rows), self.texts.prompts.shape[1]
        place = torch.full((self.texts.count,), -1)
        place[self.rows] = torch.arange(count)
        edits = []
        for edit in self.edits:
            stays = place[edit.rows] >= 0
            if stays.any():
                own = {k: v[stays.to(v.device)] for k in ("values", "amount") if (v := getattr(edit, k)) is not None}
                edits.append(replace(edit, rows=place[edit.rows[stays]], positions=edit.positions[stays] + read, **own))
        ids = torch.zeros(count, read + 1, dtype=torch.long)
        self.last = Read("last", LOGITS, torch.arange(count), torch.full((count,), read))
        self.heads = [edit for edit in edits if edit.kind == "graft" and edit.site == LOGITS]
        lengths, start = torch.full((count,), read + 1), Start(position=read)
        return steps(Batch(ids, lengths, tuple(edits), (self.last,), start=start), self.engine.model.facts)

    def step(self, plan: Steps) -> Tensor:
        """Read the last token of every row; returns logits [rows, vocabulary]."""
        model, rows = self.engine.model, self.rows.tolist()
        length, lengths = self.cache.layers[0].length, self.lengths[self.rows]
        written = torch.tensor([len(self.ids[row]) for row in rows])
        inputs = dict(
            input_ids=torch.tensor([[self.ids[row][-1]] for row in rows], device=model.device),
            position_ids=(lengths + written - 1)[:, None].to(model.device),
            past_key_values=self.cache,
            use_cache=True,
        )
        begins = self.texts.prompts.shape[1] - lengths
        if begins.any():
            inputs["attention_mask"] = (torch.arange(length + 1)[None] >= begins[:, None]).long().to(model.device)
        hidden = self.engine.visit(plan, inputs)["last"]
        self.engine.counts.forwards += 1
        self.engine.counts.row_layer_tokens += len(rows) * model.n_layers
        self.engine.counts.unembeddings += len(rows)
        tokens = self.texts.prompts.shape[1] + 1
        return donated_logits(self.engine, hidden, self.last, self.heads, self.engine.unembed(hidden), tokens)


def in_cache(edit: Edit, lengths: Tensor, tokens: int) -> Edit:
    """A knockout with its keys where the cache has them: prompts of `lengths` end at its token `tokens`."""
    if edit.kind != "knockout":
        return edit
    keys = torch.zeros(len(edit.rows), tokens)
    row, key = edit.values.nonzero(as_tuple=True)
    keys[row, key + (tokens - lengths[edit.rows])[row]] = 1.0
    return replace(edit, values=keys)


def part(texts: Texts, start: int, stop: int) -> Texts:
    """Texts `start` to `stop`, with the prompts that they need."""
    used, source = texts.source[start:stop].unique(return_inverse=True)
    first, last = int(used.min()), int(used.max()) + 1
    prompts, _ = take_rows(texts.prompts, first, last)
    edits = []
    for edit in texts.edits:
        mine = (edit.rows >= start) & (edit.rows < stop)
        own = {k: v[mine.to(v.device)] for k in ("values", "amount") if (v := getattr(edit, k)) is not None}
        edits.append(replace(edit, rows=edit.rows[mine] - start, positions=edit.positions[mine], **own))
    rows = torch.arange(start, stop)
    return replace(
        texts,
        prompts=prompts,
        source=used[source] - first,
        edits=tuple(edits),
        most=texts.most[rows],
        sampling=texts.sampling.take(rows),
        uniform=texts.uniform[rows],
        ended=lambda row, ids: texts.ended(row + start, ids),
    )
