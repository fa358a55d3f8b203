"""What the codes of prompts, tokens and texts mean."""

from __future__ import annotations

PROMPTS: dict[str, tuple[str, str]] = {
    "answer-has-no-token": (
        "a tokenizer makes no token of an answer",
        "Its probability cannot be read then. Write another answer, or look at it with `probe tokens`.",
    ),
    "bad-pattern": (
        "this is no pattern that texts can be searched for",
        "Patterns run in linear time, whatever the text, so there are no look-arounds and no back-references.",
    ),
    "bad-recording": (
        "a file of recorded replies does not belong to this endpoint",
        "Each judge records into a file of its own, so that replies of one are never taken for those of another.",
    ),
    "chat-template-drops-message": (
        "a model's chat template does not write a message once and in its place",
        "It may know no such role. What the prompt says would then not be what the model sees.",
    ),
    "duplicate-segment": (
        "a prompt has two segments of one name",
        "Tokens are named by their segment, so that each name means one.",
    ),
    "empty-answer": ("an answer has no text", "There is no token whose probability could be read."),
    "empty-prompt": ("a prompt has no messages", "A model needs something to go on with."),
    "misplaced-system-mode": (
        "`default`, `none` or `empty` stands elsewhere than as a whole system prompt",
        "They say what becomes of the system prompt that a chat template brings along.",
    ),
    "no-reply": (
        "a judge behind an endpoint has not answered some questions",
        "Their cells are missing, with the reason. The next run asks those again, and no others.",
    ),
    "no-words": ("a list of words is empty, or holds an empty word", "It would be found in every text."),
    "rubric-not-text": (
        "a rubric is no text, or far too long for one",
        "A rubric is what a judge is asked: a few lines of UTF-8.",
    ),
    "system-block-stays": (
        "a chat template writes a system prompt of its own that cannot be cut out",
        "`empty` puts an empty one in its place; prompts in raw segments have none.",
    ),
    "text-not-in-prompt": (
        "a chat template rewrites what the messages say",
        "Segments are found by their text, so that a template that changes it leaves nothing to point at.",
    ),
    "texts-of-a-sweep": (
        "texts were written for each label of a sweep, and here one of them is needed",
        "Select the label that is meant: `texts[stage=sft]`.",
    ),
    "texts-within-noise": (
        "some texts were written where two tokens were about as likely",
        "Numbers of other batches differ in their last bits, so that another run may write another text there. What is"
        " computed from all texts hardly changes; single texts do. Sampling has the same where a draw lies on an edge.",
    ),
    "token-not-in-vocabulary": (
        "a token has an id that the model has no embedding for",
        "The tokenizer belongs to another model, or has tokens that were added later.",
    ),
    "too-many-tokens": (
        "a prompt is longer than what the model takes",
        "Behind its last position a model says nothing of use. `probe check` tells how long prompts are.",
    ),
    "unknown-text": (
        "prompts are made of texts that a run writes, and have not been written yet",
        "`probe tokens` shows what is known before a run.",
    ),
    "unknown-token-expression": (
        "a token expression in a file is none that is known",
        "The file comes from another version, or was changed by hand.",
    ),
    "unknown-token-id": (
        "a tokenizer has no token of this id",
        "Ids count from 0 up to the size of the vocabulary, which the message names.",
    ),
}
