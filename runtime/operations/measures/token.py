"""Probability, logit, log-probability and rank of a token.

Kernels take logits [n, vocabulary] and token ids [n], on whatever device they are, and return [n].
"""

from __future__ import annotations

from ....compiler.kinds import Distribution, Integer, Number, Text
from ...registry import operation


@operation(work="run")
def prob(of: Distribution, answer: Text | None = None) -> Number:
    """Probability of the answer as next token, of 0 to 1.

    Without `answer`, the prompts' `answer:` segment is looked for. It must be one token there: its text is tokenised
    behind the prompt, as written. Softmax in float64 over the whole vocabulary.
    """
    return of.double().softmax(-1).gather(-1, answer[:, None])[:, 0]


@operation(work="run", answers_only=True)
def logit(of: Distribution, answer: Text | None = None) -> Number:
    """Logit of the answer as next token, after the model's soft cap where it has one.

    Without `answer`, the prompts' `answer:` segment is looked for. Logits of two models have no common zero: compare
    differences, or `log_prob`.
    """
    return of.gather(-1, answer[:, None])[:, 0].double()


@operation(work="run")
def log_prob(of: Distribution, answer: Text | None = None) -> Number:
    """Natural logarithm of the answer's probability (nats); the answer as in `prob`."""
    return of.double().log_softmax(-1).gather(-1, answer[:, None])[:, 0]


@operation(work="run")
def rank(of: Distribution, answer: Text | None = None) -> Integer:
    """Rank of the answer among all tokens: 1 + the number of tokens with a strictly larger logit.

    Ties share the better rank. Missing where a logit is not a number.
    """
    own = of.gather(-1, answer[:, None])
    found = ((of > own).sum(-1) + 1).double()
    return found.masked_fill(of.isnan().any(-1), float("nan"))


@operation(work="run", nonlinear=True)
def reciprocal_rank(
    of: Distribution, answer: Text | None = None, *, max_rank: Integer | None = None, beyond: Number = 0.0
) -> Number:
    """1 / rank of the answer; `beyond` when the rank is larger than `max_rank`.

    The published code of the instruction-vector paper uses max_rank=1000, beyond=-1: an effect then jumps by more than
    one where a token enters the first thousand. The default has no such jump.
    """
    import torch

    found = rank(of, answer)
    value = 1.0 / found.double()
    return value if max_rank is None else torch.where(found > max_rank, torch.full_like(value, beyond), value)


@operation(work="run", answers_only=True)
def logit_diff(of: Distribution, answer: Text | None = None, wrong: Text | None = None) -> Number:
    """Logit of the answer less that of the wrong answer.

    Without texts, the prompts' `answer:` and `wrong:` segments are looked for.
    """
    return logit(of, answer) - logit(of, wrong)
