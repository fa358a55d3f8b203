"""Tiny random models of the architectures that are supported, saved the way a real one is. Knows no site names."""

from pathlib import Path

ARCHITECTURES = ("olmo2", "olmo3", "llama", "gpt2", "qwen3", "gemma2", "gpt_neox")
MORE_ARCHITECTURES = ("olmo", "qwen2", "mistral", "gemma", "gemma3_text", "apertus")
WORDS = (
    "<pad> <bos> <eos> <unk> user assistant system : . , ? ! \" ' the a an is was of in to and not that with for on it "
    "he she they opposite similar big small hot cold up down good bad dark light Ann Bob Clara Elias Maya Tom Paris "
    "Rome London France Italy write short story once there named said went saw cat dog red blue one two three four "
    "yes no maybe say word answer"
).split()
SHAPE = dict(
    hidden_size=32,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=48,
    max_position_embeddings=64,
)
SPECIALS = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2)


def config(arch: str):
    """Return a transformers config of `arch`: 4 layers, width 32; grouped queries and 4-token windows where it can."""
    import transformers as tf

    shape = dict(SHAPE, **SPECIALS, vocab_size=len(WORDS), tie_word_embeddings=False)
    windows = dict(sliding_window=4, layer_types=["sliding_attention", "full_attention"] * 2)
    if arch == "gpt2":
        return tf.GPT2Config(
            n_embd=32, n_layer=4, n_head=4, n_positions=64, vocab_size=len(WORDS), bos_token_id=1, eos_token_id=2
        )
    if arch == "gpt_neox":
        return tf.GPTNeoXConfig(**{k: v for k, v in shape.items() if k != "num_key_value_heads"})
    if arch == "olmo3":
        return tf.Olmo3Config(**shape, **windows)
    if arch == "gemma2":
        return tf.Gemma2Config(**shape, **windows, head_dim=12, query_pre_attn_scalar=12)
    if arch == "gemma3_text":
        return tf.Gemma3TextConfig(**shape, **windows, head_dim=12, query_pre_attn_scalar=12)
    if arch == "gemma":
        return tf.GemmaConfig(**shape, head_dim=12)
    if arch == "qwen3":
        return tf.Qwen3Config(**shape, head_dim=12)
    if arch == "apertus":
        return tf.ApertusConfig(**shape, hidden_act="silu")
    classes = dict(
        olmo2=tf.Olmo2Config, olmo=tf.OlmoConfig, llama=tf.LlamaConfig, qwen2=tf.Qwen2Config, mistral=tf.MistralConfig
    )
    return classes[arch](**shape)


def write_tokenizer(directory: Path, *, bos: bool = True, chat_template: str | None = None) -> Path:
    """Save a word-level tokenizer over `WORDS` that splits at spaces and punctuation; unknown words become `<unk>`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", 1)]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )
    fast.chat_template = chat_template
    fast.save_pretrained(directory)
    return Path(directory)


def build(arch: str, directory, seed: int = 0, **changes) -> Path:
    """Save a random model of `arch` and its tokenizer into `directory`, return it; `changes` override config fields.

    Norm weights and biases are drawn too: at their initial ones and zeros a wrong norm or a lost bias would go unseen.
    """
    import torch
    import transformers as tf

    directory = Path(directory)
    settings = config(arch)
    for name, value in changes.items():
        setattr(settings, name, value)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = tf.AutoModelForCausalLM.from_config(settings)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(0.3 * torch.randn_like(parameter))
                else:
                    parameter.normal_(0.0, 0.2)
    model.save_pretrained(directory)
    write_tokenizer(directory)
    return directory
