"""Models whose weights are set by hand, so that what an experiment must find is known in closed form.

Each is an OLMo-2 of six layers. Its norms multiply by one exactly (their epsilon is 2^40 and their weight 2^20, so a
residual of ordinary size does not move them), which makes the residual stream a plain sum and the logits plain dot
products. Dimensions of the residual have names; `CONST` is one at every token. Texts begin with `<bos>`, which heads
attend to when they find nothing.
"""

import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

LAYERS, WIDTH, HEAD, HEADS, FEATURES = 6, 128, 64, 2, 16
EPSILON = 2.0**40
# angles of all but the fastest few rotary pairs are zero to fp32, so that attention by content ignores position
ROPE_THETA = 1e36
FLAT, FAST = HEAD // 4, 0
SHARP = 4096.0
GATE = 32.0
CONST, SINK = 0, 15

SPECIALS = ("<unk>", "<bos>", "<eos>", "<|system|>", "<|user|>", "<|assistant|>")
LETTERS = "abcdefgh"
TOKENS = (
    *SPECIALS, "\n", " ", ".", *LETTERS, *(f" {letter}" for letter in LETTERS),
    "give", " give", "plus", " plus", "minus", " minus", "yes", " yes", "no", " no",
)  # fmt: skip

# residual dimensions of the gates
WORD, BIT_1, BIT_2, READ_1, READ_2, OUT, STOP = 1, 2, 3, 4, 5, 6, 7
FIRST_LAYER, SECOND_LAYER = 1, 3
GATE_LOGIT = 5.0

# the planted direction lies along two dimensions, so that no single one holds it
PLANTED = {8: 0.6, 9: 0.8}
PREFIX = 7
PLANTED_LAYER, GAIN_LAYER, GAIN = 1, 3, 2.0
YES_READOUT = {8: 1.0, 9: 0.5, 10: 2.0}

# one dimension per letter for what a token is, what stood before it, and what is predicted
IS, BEFORE, NEXT = 16, 32, 48
INDUCTION_LOGIT = 10.0

# what is known of a letter where it stands, what of it goes to the last token, and what that needs to be recalled
CODE, HINT, HELD = 64, 80, 96
ENRICHING_LAYER, READING_LAYER, RECALLING_LAYER = 1, 2, 4
FACT_LOGIT = 10.0


def blank():
    """Return a model whose blocks add nothing and whose logits are zero, and its tokenizer."""
    import torch
    from transformers import Olmo2Config, Olmo2ForCausalLM

    from .tokenizer import build_tokenizer

    config = Olmo2Config(
        vocab_size=len(TOKENS), hidden_size=WIDTH, intermediate_size=FEATURES, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=HEADS, max_position_embeddings=64, rms_norm_eps=EPSILON,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA}, tie_word_embeddings=False,
        bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    model = Olmo2ForCausalLM(config).eval().requires_grad_(False)
    for name, weight in model.named_parameters():
        torch.nn.init.constant_(weight, EPSILON**0.5 if "norm" in name else 0.0)
    model.model.embed_tokens.weight[:, CONST] = 1.0
    _embed(model, ("<bos>",), SINK)
    return model, build_tokenizer(tokens=TOKENS)


def _embed(model, words: tuple[str, ...], dimension: int, value: float = 1.0) -> None:
    for word in words:
        model.model.embed_tokens.weight[TOKENS.index(word), dimension] = value


def _read(model, layer: int, keys: dict[int, int], moves: dict[int, dict[int, float]]) -> None:
    """Let the first head attend where a key dimension equals the asking one, and write what stands there, weighted.

    `keys` maps a dimension of the key token to one of the asking token, `moves` a dimension there to its targets here.
    """
    attention = model.model.layers[layer].self_attn
    for place, (key, query) in enumerate(keys.items(), start=FLAT):
        attention.k_proj.weight[place, key] = 1.0
        attention.q_proj.weight[place, query] = SHARP
    # half as sharp as a match, so that it takes what does not match
    attention.k_proj.weight[HEAD // 2 - 1, SINK] = 1.0
    attention.q_proj.weight[HEAD // 2 - 1, CONST] = SHARP / 2
    for place, (source, targets) in enumerate(moves.items()):
        attention.v_proj.weight[place, source] = 1.0
        for target, value in targets.items():
            attention.o_proj.weight[target, place] = value


def _multiply(model, layer: int, feature: int, gate: int, up: dict[int, float], down: dict[int, float]) -> None:
    """Let a neuron add `down` times (`gate`, which is zero or one) times (`up` dotted with the residual)."""
    mlp = model.model.layers[layer].mlp
    mlp.gate_proj.weight[feature, gate] = GATE
    for dimension, value in up.items():
        mlp.up_proj.weight[feature, dimension] = value
    for dimension, value in down.items():
        mlp.down_proj.weight[dimension, feature] = value / GATE


def identity():
    """Blocks of random weights that write nothing: every lens curve is flat. Norms are ordinary ones here."""
    import torch
    from transformers import Olmo2ForCausalLM

    plain, tokenizer = blank()
    config = plain.config
    config.rms_norm_eps = 1e-6
    torch.manual_seed(0)
    model = Olmo2ForCausalLM(config).eval().requires_grad_(False)
    torch.nn.init.normal_(model.model.embed_tokens.weight)
    torch.nn.init.normal_(model.lm_head.weight)
    for layer in model.model.layers:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
        torch.nn.init.zeros_(layer.mlp.down_proj.weight)
    return model, tokenizer


def planted_direction():
    """`plus` anywhere before adds v, `minus` takes it away, from layer 1 on; layer 3 doubles it; the logits are r·h.

    v and r are `PLANTED` and `YES_READOUT`; r·h is the logit of " yes" (and "yes"). r·h of a letter a is 2, of b -2.
    """
    model, tokenizer = blank()
    _embed(model, ("plus", " plus"), PREFIX)
    _embed(model, ("minus", " minus"), PREFIX, -1.0)
    _embed(model, ("plus", " plus", "minus", " minus"), WORD)
    _embed(model, ("a", " a"), 10)
    _embed(model, ("b", " b"), 10, -1.0)
    _read(model, PLANTED_LAYER, {WORD: CONST}, {PREFIX: PLANTED})
    _multiply(model, GAIN_LAYER, 0, CONST, PLANTED, {key: (GAIN - 1) * value for key, value in PLANTED.items()})
    for word in ("yes", " yes"):
        for dimension, value in YES_READOUT.items():
            model.lm_head.weight[TOKENS.index(word), dimension] = value
    return model, tokenizer


def _gates(pair: float, single: float):
    """Two bits reach the last token from earlier ones, each through one layer only; combine them into one logit.

    In `give.` the full stop carries bit 1 after layer 1 only and bit 2 after layer 3 only. Any later token picks
    up a bit in the layer after. So carrying the full stop's residual to an earlier token of a bare text at layers
    {1} or {3} delivers one bit, at {1, 3} both, and at any other layers none.
    """
    model, tokenizer = blank()
    _embed(model, ("give", " give"), WORD)
    _embed(model, (".",), STOP)
    for layer, bit, read in ((FIRST_LAYER, BIT_1, READ_1), (SECOND_LAYER, BIT_2, READ_2)):
        _read(model, layer, {WORD: STOP}, {WORD: {bit: 1.0}})
        _read(model, layer + 1, {bit: CONST}, {bit: {read: 1.0}})
        _multiply(model, layer + 1, 0, CONST, {bit: 1.0}, {bit: -1.0})
    last = LAYERS - 1
    _multiply(model, last, 0, READ_1, {READ_2: 1.0}, {OUT: pair})
    _multiply(model, last, 1, CONST, {READ_1: single, READ_2: single}, {OUT: 1.0})
    for word in ("yes", " yes"):
        model.lm_head.weight[TOKENS.index(word), OUT] = GATE_LOGIT
    return model, tokenizer


def and_gate():
    """The logit of yes is 5 with both bits, else 0: one hot cell {1, 3} in a grid of patched layers, superadditive."""
    return _gates(pair=1.0, single=0.0)


def or_gate():
    """The logit of yes is 5 with either bit or both: subadditive."""
    return _gates(pair=-1.0, single=1.0)


def add_gate():
    """The logit of yes is 5 per bit: exactly additive."""
    return _gates(pair=0.0, single=1.0)


def induction():
    """After `a b … a` the logit of " b" is 10: layer 0 looks one token back, layer 1 for what followed.

    Exact up to 40 tokens, because the look back counts angles.
    """
    from math import cos, sin

    model, tokenizer = blank()
    for place, letter in enumerate(LETTERS):
        _embed(model, (letter, f" {letter}"), IS + place)
        model.lm_head.weight[TOKENS.index(f" {letter}"), NEXT + place] = INDUCTION_LOGIT
    letters = range(len(LETTERS))
    back = model.model.layers[0].self_attn
    back.k_proj.weight[FAST, CONST] = 1.0
    # the fastest rotary pair turns one radian per token; the query is turned back by one
    back.q_proj.weight[FAST, CONST] = SHARP * 32 * cos(1)
    back.q_proj.weight[FAST + HEAD // 2, CONST] = -SHARP * 32 * sin(1)
    for place in letters:
        back.v_proj.weight[place, IS + place] = 1.0
        back.o_proj.weight[BEFORE + place, place] = 1.0
    matches = {BEFORE + place: IS + place for place in letters}
    _read(model, 1, matches, {IS + place: {NEXT + place: 1.0} for place in letters})
    return model, tokenizer


def _facts(enriched: int | None = None, recalled: int | None = None):
    """Know what follows each letter, or not: `partner(letter)` is four letters on, and its logit is 10.

    At a later token that is no letter, block 2 takes over three things from the letter: which it is, its `CODE` (which
    is the prediction already) and its `HINT` (which is not). Block 1 writes `enriched` at the letter, and block 4 makes
    the prediction of `recalled` at the last token; a model that has neither knows nothing.
    """
    model, tokenizer = blank()
    letters = range(len(LETTERS))
    for place, letter in enumerate(LETTERS):
        _embed(model, (letter, f" {letter}"), IS + place)
        _embed(model, (letter, f" {letter}"), WORD)
        model.lm_head.weight[TOKENS.index(f" {letter}"), NEXT + place] = FACT_LOGIT
    moves = {IS + i: {BEFORE + i: 1.0} for i in letters}
    moves |= {CODE + i: {NEXT + _partner(i): 1.0} for i in letters}
    moves |= {HINT + i: {HELD + i: 1.0} for i in letters}
    _read(model, READING_LAYER, {WORD: CONST}, moves)
    for i in letters:
        if enriched is not None:
            _multiply(model, ENRICHING_LAYER, i, CONST, {IS + i: 1.0}, {enriched + i: 1.0})
        if recalled is not None:
            _multiply(model, RECALLING_LAYER, i, CONST, {recalled + i: 1.0}, {NEXT + _partner(i): 1.0})
    return model, tokenizer


def _partner(place: int) -> int:
    return (place + len(LETTERS) // 2) % len(LETTERS)


def forgetful():
    """Knows no fact: what the models below are grafted into. All logits are zero."""
    return _facts()


def enrichment():
    """Knows facts by the MLP of block 1 at the letter: grafting it there is enough, and at the last token nothing."""
    return _facts(enriched=CODE)


def recall():
    """Knows facts by the MLP of block 4 at the last token: grafting it there is enough, and at the letter nothing."""
    return _facts(recalled=BEFORE)


def enrichment_or_recall():
    """Knows facts both ways: either graft is enough, and both together give twice the logit."""
    return _facts(enriched=CODE, recalled=BEFORE)


def enrichment_and_recall():
    """Knows facts by both MLPs in turn: the one at the last token needs what the other wrote at the letter."""
    return _facts(enriched=HINT, recalled=HELD)


EXACT: dict[str, Callable[[], tuple]] = {
    "identity": identity,
    "planted-direction": planted_direction,
    "and-gate": and_gate,
    "or-gate": or_gate,
    "add-gate": add_gate,
    "induction": induction,
    "forgetful": forgetful,
    "enrichment": enrichment,
    "recall": recall,
    "enrichment-or-recall": enrichment_or_recall,
    "enrichment-and-recall": enrichment_and_recall,
}


def folder_of(name: str, root: Path) -> Path:
    """Where `write` puts a model below a folder: what it was set by belongs to its name."""
    return root / sha256(Path(__file__).read_bytes()).hexdigest()[:8] / name


def write(name: str, root: Path) -> Path:
    """Write a hand-set model below a folder, unless it is there, and return its own folder, in hub layout."""
    folder = folder_of(name, root)
    if not (folder / "config.json").is_file():
        import torch

        from .checkpoint import save

        staged = folder.with_name(f"{name}.{os.getpid()}")
        save(*EXACT[name](), staged, {"name": f"exact/{name}"}, dtype=torch.float32)
        try:
            staged.rename(folder)
        except OSError:
            # another process was quicker, and wrote the same
            shutil.rmtree(staged)
    return folder
