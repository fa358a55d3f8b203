"""Layer x position denoising by pyvene's interchange interventions, a batch of positions for each call.

A layer is one intervenable model, and all positions of that layer are one batch: what its documents call a location
per example.
"""

import json
import sys
import time

import pyvene
import torch
import transformers

folder, task = sys.argv[1], json.loads(sys.argv[2])
torch.set_num_threads(1)
model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
layers, count = model.config.num_hidden_layers, len(task["clean"])
clean = torch.tensor([task["clean"]]).expand(count, -1)
corrupt = torch.tensor([task["corrupt"]]).expand(count, -1)
places = [[[position] for position in range(count)]]
with torch.no_grad():
    model(corrupt[:1])
    start, values = time.perf_counter(), []
    for layer in range(layers):
        part = {"layer": layer, "component": f"model.layers[{layer}].input", "unit": "pos"}
        patched = pyvene.IntervenableModel([{**part, "intervention": pyvene.VanillaIntervention()}], model)
        _, found = patched({"input_ids": corrupt}, [{"input_ids": clean}], {"sources->base": (places, places)})
        values.append(found.logits[:, -1, task["answer"]].tolist())
    seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "cells": layers * count, "values": values}))
