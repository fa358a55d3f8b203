"""Random specs check without errors, cover the language, and have a value, or a reason, in every cell."""

import re

import numpy as np
import pytest
import torch

from tests.reference import Missing, compare
from tests.reference.checked import checked, interpret_text
from tests.strategies_specs import Subject, build_subjects, spec_text

torch.set_num_threads(1)
ARCHITECTURES = ("llama", "gpt2", "olmo2", "gpt_neox")
SUBJECTS = [Subject('path("a")'), Subject('path("b")', kv_heads=4), Subject('path("c")', kv_heads=4, parallel=True)]
WORDS = (
    "resid_pre resid_mid resid_post attn mlp attn_raw mlp_raw embed final_norm logits neurons head pattern q k v "
    "patch ablate scale project_out steer zero mean resample residual_norm lens kl choice entropy rank cross_entropy "
    "reciprocal_rank logit_diff recovery shift choose argmax mean_diff pca unembedding random_unit random_gaussian "
    "unit cosine dot projection distance side where system user tokens sign_flip on claim"
).split()


def test_specs_check_without_errors_and_cover_the_language():
    texts = [spec_text(seed, SUBJECTS) for seed in range(200)]
    for seed, text in enumerate(texts):
        problems = checked(text).errors
        assert not problems, (seed, [(d.code, d.message) for d in problems])
    found = set(re.findall(r"\w+", "\n".join(texts)))
    assert [w for w in WORDS if w not in found] == []
    assert texts[7] == spec_text(7, SUBJECTS)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return folder, build_subjects(folder, ARCHITECTURES)


@pytest.mark.parametrize("seed", range(8))
def test_every_cell_has_a_value_or_a_reason(models, seed):
    folder, subjects = models
    text = spec_text(seed, subjects)
    found = interpret_text(text, folder)
    assert len(found) == sum(line.startswith(("statistic", "direction", "claim")) for line in text.splitlines())
    for name, rows in found.items():
        assert rows, name
        for row in rows:
            value = row["value"]
            assert isinstance(value, (Missing, bool, float, int, str, np.ndarray)), (name, row)
            assert isinstance(value, (Missing, bool, str)) or np.isfinite(value).all(), (name, row)
        assert not compare(rows, rows)
    assert not any(compare(found[name], rows) for name, rows in interpret_text(text, folder).items())
