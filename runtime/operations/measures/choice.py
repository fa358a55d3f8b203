"""The share of probability that some options get against others."""

from __future__ import annotations

from ....compiler.kinds import Distribution, Number, Text
from ...registry import operation


@operation(work="run", nonlinear=True, answers_only=True)
def choice(of: Distribution, yes: list[Text], no: list[Text]) -> Number:
    """Probability of the options in `yes`, among those in `yes` and `no` together.

    Each option is one token, tokenised behind the prompt as written (write the leading space where there is one).
    """
    import torch

    # of: logits [n, vocabulary]; yes and no: ids [n, options]
    ids = torch.cat([yes, no], -1)
    share = of.double().gather(-1, ids).softmax(-1)
    return share[:, : yes.shape[-1]].sum(-1)
