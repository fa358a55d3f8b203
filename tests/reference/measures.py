"""Measures of one next-token distribution, in float64."""

from __future__ import annotations

import numpy as np

from .compare import Loose
from .texts import answer, target
from .values import Distribution

NEAR = 1e-5  # logits closer than this, relative to the largest, may change places


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def token(of: Distribution, text: object | None, name: str = "answer") -> int:
    """The token of a text, or of the prompt's own `answer:` or `wrong:`."""
    return answer(of.network, of.rendered, target(of.rendered, name) if text is None else text)


def prob(of: Distribution, answer=None) -> float:
    return float(np.exp(log_softmax(of.logits)[token(of, answer)]))


def logit(of: Distribution, answer=None) -> float:
    return float(of.logits[token(of, answer)])


def log_prob(of: Distribution, answer=None) -> float:
    return float(log_softmax(of.logits)[token(of, answer)])


def ranks(of: Distribution, answer=None) -> tuple[int, range]:
    """The rank, and those that it could have if logits that nearly tie changed places."""
    logits, own = of.logits, of.logits[token(of, answer)]
    near = NEAR * max(np.abs(logits).max(), 1e-30)
    low, high = int((logits > own + near).sum()) + 1, int((logits >= own - near).sum())
    return int((logits > own).sum()) + 1, range(low, max(low, high) + 1)


def rank(of: Distribution, answer=None) -> float:
    """1 + the number of tokens with a larger logit; ties share the better rank."""
    value, allowed = ranks(of, answer)
    return Loose(value, allowed)


def reciprocal_rank(of: Distribution, answer=None, max_rank=None, beyond=0.0) -> float:
    value, allowed = ranks(of, answer)

    def of_rank(r: int) -> float:
        return 1.0 / r if max_rank is None or r <= max_rank else float(beyond)

    return Loose(of_rank(value), map(of_rank, allowed))


def logit_diff(of: Distribution, answer=None, wrong=None) -> float:
    return float(of.logits[token(of, answer)] - of.logits[token(of, wrong, "wrong")])


def choice(of: Distribution, yes: tuple, no: tuple) -> float:
    """Probability of the options in `yes`, among those in `yes` and `no`."""
    chosen = [token(of, text) for text in (*yes, *no)]
    shares = np.exp(log_softmax(of.logits[chosen]))
    return float(shares[: len(yes)].sum())


def entropy(of: Distribution) -> float:
    logs = log_softmax(of.logits)
    return float(-(np.exp(logs) * logs).sum())


def kl(of: Distribution, other: Distribution) -> float:
    logs, others = log_softmax(of.logits), log_softmax(other.logits)
    return float((np.exp(logs) * (logs - others)).sum())


MEASURES = {
    "prob": prob, "logit": logit, "log_prob": log_prob, "rank": rank, "reciprocal_rank": reciprocal_rank,
    "logit_diff": logit_diff, "choice": choice, "entropy": entropy, "kl": kl,
}  # fmt: skip
