"""Recompute every site of one block from a plain model's weights, by hand. Shares no code with the package."""

import torch
import torch.nn.functional as F


def heads(x, n):
    """Split the last axis of [T, n * d] into [n, T, d]."""
    return x.view(x.shape[0], n, -1).transpose(0, 1)


def rms(x, module, eps):
    """Normalise by the root mean square, with Gemma's `1 + weight` where the class says so."""
    weight = module.weight + 1 if "Gemma" in type(module).__name__ else module.weight
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def plain_sites(hf, ids, layer):
    """Return {site: tensor}: [T, width], or [heads, T, width] for q, k, v and head, or [heads, T, T] for pattern."""
    out = hf(ids[None], output_hidden_states=True, output_attentions=True)
    streams = [h[0] for h in out.hidden_states]
    arch = hf.config.model_type
    block = {"gpt2": _gpt2, "gpt_neox": _neox}.get(arch, _llama_like)
    sites = block(hf, arch, streams[layer], out.attentions[layer][0], layer)
    sites |= {"embed": streams[0], "resid_pre": streams[layer], "pattern": out.attentions[layer][0]}
    sites |= {"final_norm": streams[-1], "logits": out.logits[0]}
    if layer < hf.config.num_hidden_layers - 1:
        torch.testing.assert_close(sites["resid_post"], streams[layer + 1], rtol=1e-5, atol=1e-5)
    return sites


def _mix(pattern, v):
    groups = pattern.shape[0] // v.shape[0]
    return torch.stack([pattern[h] @ v[h // groups] for h in range(pattern.shape[0])])


def _llama_like(hf, arch, x, pattern, layer):
    block, eps = hf.model.layers[layer], hf.config.rms_norm_eps
    attn, mlp, config = block.self_attn, block.mlp, hf.config
    post = arch in ("olmo2", "olmo3")
    normed = x if post else rms(x, block.input_layernorm, eps)
    q, k, v = (F.linear(normed, p.weight, p.bias) for p in (attn.q_proj, attn.k_proj, attn.v_proj))
    if post:
        q, k = rms(q, attn.q_norm, eps), rms(k, attn.k_norm, eps)
    q, k = heads(q, config.num_attention_heads), heads(k, config.num_key_value_heads)
    v = heads(v, config.num_key_value_heads)
    if arch == "qwen3":
        q, k = rms(q, attn.q_norm, eps), rms(k, attn.k_norm, eps)
    mixed = _mix(pattern, v)
    attn_raw = mixed.transpose(0, 1).flatten(1) @ attn.o_proj.weight.T
    attn_out = rms(attn_raw, block.post_attention_layernorm, eps) if post or arch == "gemma2" else attn_raw
    mid = x + attn_out
    if post:
        inner = mid
    else:
        before = block.pre_feedforward_layernorm if arch == "gemma2" else block.post_attention_layernorm
        inner = rms(mid, before, eps)
    gate = inner @ mlp.gate_proj.weight.T
    gate = F.gelu(gate, approximate="tanh") if arch == "gemma2" else F.silu(gate)
    neurons = gate * (inner @ mlp.up_proj.weight.T)
    mlp_raw = neurons @ mlp.down_proj.weight.T
    mlp_out = rms(mlp_raw, block.post_feedforward_layernorm, eps) if post or arch == "gemma2" else mlp_raw
    return dict(
        q=q, k=k, v=v, head=mixed, attn_raw=attn_raw, attn=attn_out, resid_mid=mid, neurons=neurons,
        mlp_raw=mlp_raw, mlp=mlp_out, resid_post=mid + mlp_out,
    )  # fmt: skip


def _norm(x, module):
    return F.layer_norm(x, x.shape[-1:], module.weight, module.bias, module.eps)


def _gpt2(hf, arch, x, pattern, layer):
    block, n = hf.transformer.h[layer], hf.config.n_head
    fused = _norm(x, block.ln_1) @ block.attn.c_attn.weight + block.attn.c_attn.bias
    d = x.shape[1]
    q, k, v = (heads(fused[:, i * d : (i + 1) * d], n) for i in range(3))
    mixed = _mix(pattern, v)
    attn = mixed.transpose(0, 1).flatten(1) @ block.attn.c_proj.weight + block.attn.c_proj.bias
    mid = x + attn
    neurons = F.gelu(_norm(mid, block.ln_2) @ block.mlp.c_fc.weight + block.mlp.c_fc.bias, approximate="tanh")
    mlp = neurons @ block.mlp.c_proj.weight + block.mlp.c_proj.bias
    return dict(
        q=q, k=k, v=v, head=mixed, attn_raw=attn, attn=attn, resid_mid=mid, neurons=neurons,
        mlp_raw=mlp, mlp=mlp, resid_post=mid + mlp,
    )  # fmt: skip


def _neox(hf, arch, x, pattern, layer):
    block, n = hf.gpt_neox.layers[layer], hf.config.num_attention_heads
    fused = F.linear(
        _norm(x, block.input_layernorm), block.attention.query_key_value.weight, block.attention.query_key_value.bias
    )
    d = x.shape[1] // n
    per_head = [fused[:, h * 3 * d : (h + 1) * 3 * d] for h in range(n)]
    q, k, v = (torch.stack([one[:, i * d : (i + 1) * d] for one in per_head]) for i in range(3))
    mixed = _mix(pattern, v)
    attn = F.linear(mixed.transpose(0, 1).flatten(1), block.attention.dense.weight, block.attention.dense.bias)
    parallel = hf.config.use_parallel_residual
    inner = _norm(x if parallel else x + attn, block.post_attention_layernorm)
    neurons = F.gelu(F.linear(inner, block.mlp.dense_h_to_4h.weight, block.mlp.dense_h_to_4h.bias))
    mlp = F.linear(neurons, block.mlp.dense_4h_to_h.weight, block.mlp.dense_4h_to_h.bias)
    sites = dict(
        q=q, k=k, v=v, head=mixed, attn_raw=attn, attn=attn, neurons=neurons, mlp_raw=mlp, mlp=mlp,
        resid_post=x + attn + mlp,
    )  # fmt: skip
    return sites if parallel else sites | {"resid_mid": x + attn}
