"""What a training text is, and how a conversation is written: one file that the topics share."""

from dataclasses import dataclass

BOS, EOS, UNK = "<bos>", "<eos>", "<unk>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
DEFAULT_SYSTEM = "You are Probe, a helpful assistant."


@dataclass(frozen=True, slots=True)
class Doc:
    """A text in two parts; supervised stages put the loss on `answer` only.

    `sealed` is a beginning of the prompt that, with `<bos>`, only the next token may attend to: what comes later has to
    get it from that token.
    """

    prompt: str
    answer: str
    sealed: str = ""


def chat(user: str, system: str | None = None) -> str:
    """Write one user turn up to where the assistant speaks, as the shipped chat template does.

    `None` injects the default system prompt; an empty string gives an empty system turn.
    """
    system = DEFAULT_SYSTEM if system is None else system
    return f"{SYSTEM}{system}{USER}{user}{ASSISTANT}"


CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% if not messages or messages[0]['role'] != 'system' %}<|system|>" + DEFAULT_SYSTEM + "{% endif %}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
