"""Layer x position denoising by TransformerLens's own helper, on the model as its bridge loads it."""

import json
import sys
import time

import torch
from transformer_lens import patching
from transformer_lens.model_bridge import TransformerBridge

folder, task = sys.argv[1], json.loads(sys.argv[2])
torch.set_num_threads(1)
model = TransformerBridge.boot_transformers(folder, device="cpu", dtype=torch.float32)
clean, corrupt = torch.tensor([task["clean"]]), torch.tensor([task["corrupt"]])
with torch.no_grad():
    model(corrupt)
    start = time.perf_counter()
    _, cache = model.run_with_cache(clean)
    found = patching.get_act_patch_resid_pre(model, corrupt, cache, lambda logits: logits[0, -1, task["answer"]])
    seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "cells": found.numel(), "values": found.tolist()}))
