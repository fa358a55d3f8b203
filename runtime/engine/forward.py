"""One forward pass per batch, from its start to the last site that is read. Knows no prompts, plans or chunks."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from contextlib import ExitStack

import torch
from torch import Tensor
from torch.nn import Module

from ..counts import Counts, predicted
from ..models import LoadedModel
from ..sites import SiteInfo, site_infos
from .batch import Batch
from .drive import run_traced
from .graft import donated_logits
from .late import bare, narrowed
from .patterns import visible_attention
from .prefix import prefix_cache
from .schedule import change_rows, first_hidden
from .split import halves, is_out_of_memory
from .steps import Steps, steps
from .visit import Visitor

log = logging.getLogger(__name__)


class Engine:
    """Run batches on one loaded model; `counts` adds up what was done."""

    def __init__(self, model: LoadedModel, counts: Counts | None = None) -> None:
        self.model = model
        self.counts = Counts() if counts is None else counts
        self._twins: dict[str, Module] = {}

    def run(self, batch: Batch) -> dict[Hashable, Tensor]:
        """Return the values of each read and keep, where they were computed; out of memory is raised as it is."""
        plan = steps(batch, self.model.facts)
        if plan.last is None:
            return {}
        with self.model.lock, torch.no_grad():
            found = self._forward(batch, plan)
            heads = [edit for edit in batch.edits if edit.kind == "graft" and edit.site.name == "logits"]
            for read in batch.reads:
                if read.site.name == "logits":
                    hidden = found[read.key]
                    found[read.key] = donated_logits(self, hidden, read, heads, self.unembed(hidden), batch.shape[1])
        self.counts.forwards += 1
        blocks = list(zip(plan.schedule.first.tolist(), plan.schedule.depth.tolist(), strict=True))
        self.counts.row_layer_tokens += predicted(
            batch.shape, plan.last, self.model.n_layers, batch.start.position, blocks,
            None if batch.late is None else batch.late.shape[1],
        )  # fmt: skip
        return {part.key: found[part.key] for part in (*batch.reads, *batch.keeps)}

    def run_split(self, batch: Batch) -> dict[Hashable, Tensor]:
        """Do what `run` does; when memory runs out, run halves of the rows and put the results together in order."""
        try:
            return self.run(batch)
        except RuntimeError as error:
            if not is_out_of_memory(error) or batch.shape[0] == 1:
                raise
        # Only here is the failed pass, with its tensors, no longer held by the exception.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        log.warning("out of memory with %d rows; running them as two batches", batch.shape[0])
        return halves(batch, self.run_split)

    def unembed(self, hidden: Tensor, head: Module | None = None) -> Tensor:
        """Return logits [n, vocab] of final-norm outputs [n, d_model]: the unembedding and the model's cap, no norm.

        `head` is another unembedding, a donor's.
        """
        head = self._module(self.model.sites.unembed) if head is None else head
        with self.model.lock, torch.no_grad():
            return self._capped(head(_onto(hidden, head)))

    def unembed_at(self, hidden: Tensor, ids: Tensor, head: Module | None = None) -> Tensor:
        """Return the logits [n, m] of the tokens `ids` [n, m] alone, of final-norm outputs [n, d_model]."""
        head = self._module(self.model.sites.unembed) if head is None else head
        if head.weight.is_meta:  # accelerate brings the weights in when the module is called
            return self.unembed(hidden).gather(-1, ids.to(self.model.device))
        with torch.no_grad():
            rows = ids.to(head.weight.device)
            logits = (head.weight[rows] * _onto(hidden, head)[:, None]).sum(-1)
            if getattr(head, "bias", None) is not None:
                logits = logits + head.bias[rows]
            return self._capped(logits)

    def normed(self, resid: Tensor) -> Tensor:
        """Return residuals [n, d_model] behind the final norm."""
        norm = self._module(self.model.sites.final_norm)
        with self.model.lock, torch.no_grad():
            return norm(_onto(resid, norm))

    def lens(self, resid: Tensor) -> Tensor:
        """Return logits [n, vocab] of residuals [n, d_model]: the final norm, once, then `unembed`."""
        return self.unembed(self.normed(resid))

    def sites(self) -> tuple[SiteInfo, ...]:
        """List the model's sites with their axes and widths."""
        return site_infos(self.model.facts)

    def _capped(self, logits: Tensor) -> Tensor:
        cap = self.model.facts.softcap
        return logits if cap is None else torch.tanh(logits / cap) * cap

    def twin(self, path: str) -> Module:
        """Return a module that can be called beside a trace, with the same weights."""
        if path not in self._twins:
            self._twins[path] = bare(self._module(path))
        return self._twins[path]

    def _module(self, path: str):
        return self.model.hf.get_submodule(path)

    def _forward(self, batch: Batch, plan: Steps) -> dict[Hashable, Tensor]:
        cache = prefix_cache(batch, plan.schedule, self.model.n_layers)
        position = batch.start.position
        inputs = dict(input_ids=batch.ids[:, position:].to(self.model.device), use_cache=cache is not None)
        if cache is not None:
            inputs["past_key_values"] = cache
            inputs["position_ids"] = torch.arange(position, batch.shape[1], device=self.model.device)[None]
        found = self.visit(plan, inputs)
        return found | {keep.key: cache.layers[keep.layer].kept for keep in batch.keeps}

    def visit(self, plan: Steps, inputs: dict) -> dict[Hashable, Tensor]:
        """Call the model once with `inputs` and do what `plan` says on the way; counts nothing."""
        visitor, wrapper, schedule = Visitor(), self.model.traced, plan.schedule
        blocks = self.model.sites.blocks
        skipped = [wrapper.get(f"{blocks}.{number}") for number in range(schedule.begin)]
        last = None if schedule.late is None else f"{blocks}.{schedule.end - 1}"

        def body(tracer) -> None:
            before = first_hidden(schedule) if skipped else None
            for block in skipped:
                block.skip(before)
            for step in plan.visits:
                module = wrapper.get(step.path)
                if step.side == "input":
                    value = module.input
                    new = visitor.at_module(value, step.actions)
                    if new is not value:
                        module.input = new
                    if step.path == last:
                        at = schedule.late[schedule.rows(schedule.end - 1)] - schedule.start.position
                        module.inputs = narrowed(self._module(last), self.twin(last), *module.inputs, at)
                else:
                    value = module.output
                    new = visitor.at_module(value, step.actions)
                    if new is not value:
                        module.output = new
            tracer.stop()

        def see(layer: int, value: Tensor, what: str) -> Tensor:
            act = visitor.at_scores if what == "scores" else visitor.at_pattern
            return act(value, plan.patterns.get(layer, ()))

        with ExitStack() as stack:
            stack.enter_context(visible_attention(self.model.hf, self.model.attention, see if plan.patterns else None))
            for number in schedule.changes:
                path = f"{blocks}.{number}" if number < self.model.n_layers else self.model.sites.final_norm
                hook = self._module(path).register_forward_pre_hook(change_rows(schedule, number), with_kwargs=True)
                stack.callback(hook.remove)
            run_traced(wrapper, body, lambda: self.model.hf(**inputs))
        found = visitor.found
        for key, pieces in plan.pieces.items():
            found[key] = joined([(found.pop(piece), mask) for piece, mask in pieces])
        return found


def joined(pieces: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Put the values of a read together: each piece [m, width] with the mask [n] of where it goes."""
    like = pieces[0][0]
    whole = like.new_empty(len(pieces[0][1]), *like.shape[1:])
    for values, mask in pieces:
        whole[mask.to(whole.device)] = values.to(whole.device)
    return whole


def _onto(value: Tensor, module) -> Tensor:
    weight = next(module.parameters(), value)
    # Offloaded weights are on `meta` between calls, and accelerate moves the input itself.
    return value.to(weight.dtype) if weight.is_meta else value.to(weight.device, weight.dtype)
