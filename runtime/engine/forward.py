"""One forward pass per batch, from its start to the last site that is read. Knows no prompts, plans or chunks."""

from __future__ import annotations

import logging
from collections.abc import Hashable

import torch
from torch import Tensor

from ..counts import Counts, predicted
from ..models import LoadedModel
from ..sites import SiteInfo, site_infos
from .batch import Batch, Start
from .drive import run_traced
from .patterns import visible_attention
from .prefix import prefix_cache
from .split import halves, is_out_of_memory
from .steps import Steps, steps
from .visit import Visitor

log = logging.getLogger(__name__)


class Engine:
    """Run batches on one loaded model; `counts` adds up what was done."""

    def __init__(self, model: LoadedModel, counts: Counts | None = None) -> None:
        self.model = model
        self.counts = Counts() if counts is None else counts

    def run(self, batch: Batch) -> dict[Hashable, Tensor]:
        """Return the values of each read and keep, where they were computed; out of memory is raised as it is."""
        plan = steps(batch, self.model.facts)
        if plan.last is None:
            return {}
        with self.model.lock, torch.no_grad():
            found = self._forward(batch, plan)
            for read in batch.reads:
                if read.site.name == "logits":
                    found[read.key] = self.unembed(found[read.key])
        self.counts.forwards += 1
        begins = (batch.start.layer, batch.start.position)
        self.counts.row_layer_tokens += predicted(batch.shape, plan.last, self.model.n_layers, begins)
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

    def unembed(self, hidden: Tensor) -> Tensor:
        """Return logits [n, vocab] of final-norm outputs [n, d_model]: the unembedding and the model's cap, no norm."""
        head = self._module(self.model.sites.unembed)
        with self.model.lock, torch.no_grad():
            logits = head(_onto(hidden, head))
            cap = self.model.facts.softcap
            return logits if cap is None else torch.tanh(logits / cap) * cap

    def lens(self, resid: Tensor) -> Tensor:
        """Return logits [n, vocab] of residuals [n, d_model]: the final norm, once, then `unembed`."""
        norm = self._module(self.model.sites.final_norm)
        with self.model.lock, torch.no_grad():
            return self.unembed(norm(_onto(resid, norm)))

    def sites(self) -> tuple[SiteInfo, ...]:
        """List the model's sites with their axes and widths."""
        return site_infos(self.model.facts)

    def _module(self, path: str):
        return self.model.hf.get_submodule(path)

    def _forward(self, batch: Batch, plan: Steps) -> dict[Hashable, Tensor]:
        cache, position = prefix_cache(batch, self.model.n_layers), batch.start.position
        inputs = dict(input_ids=batch.ids[:, position:].to(self.model.device), use_cache=cache is not None)
        if cache is not None:
            inputs["past_key_values"] = cache
            inputs["position_ids"] = torch.arange(position, batch.shape[1], device=self.model.device)[None]
        found = self.visit(plan, inputs, batch.start)
        return found | {keep.key: cache.layers[keep.layer].kept for keep in batch.keeps}

    def visit(self, plan: Steps, inputs: dict, start: Start) -> dict[Hashable, Tensor]:
        """Call the model once with `inputs` and do what `plan` says on the way; counts nothing."""
        visitor, wrapper = Visitor(), self.model.traced
        skipped = [wrapper.get(f"{self.model.sites.blocks}.{layer}") for layer in range(start.layer)]

        def body(tracer) -> None:
            for block in skipped:
                block.skip(start.hidden)
            for step in plan.visits:
                module = wrapper.get(step.path)
                if step.side == "input":
                    value = module.input
                    new = visitor.at_module(value, step.actions)
                    if new is not value:
                        module.input = new
                else:
                    value = module.output
                    new = visitor.at_module(value, step.actions)
                    if new is not value:
                        module.output = new
            tracer.stop()

        def see(layer: int, value: Tensor, what: str) -> Tensor:
            act = visitor.at_scores if what == "scores" else visitor.at_pattern
            return act(value, plan.patterns.get(layer, ()))

        with visible_attention(self.model.hf, self.model.attention, see if plan.patterns else None):
            run_traced(wrapper, body, lambda: self.model.hf(**inputs))
        return visitor.found


def _onto(value: Tensor, module) -> Tensor:
    weight = next(module.parameters(), value)
    # Offloaded weights are on `meta` between calls, and accelerate moves the input itself.
    return value.to(weight.dtype) if weight.is_meta else value.to(weight.device, weight.dtype)
