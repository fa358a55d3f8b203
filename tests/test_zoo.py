"""The zoo: its names and folders, its tokenizer and world, and that the shipped models are what training gives."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from probelang.runtime.errors import ProbeError
from probelang.runtime.zoo import (
    DATA,
    MODELS,
    corpus,
    data_path,
    effects,
    films,
    framings,
    instructions,
    moods,
    stories,
    tables,
    words,
    zoo_names,
    zoo_path,
    zoo_revisions,
)
from probelang.runtime.zoo.batches import group, log_probs, row_sums
from probelang.runtime.zoo.checkpoint import LOG, load
from probelang.runtime.zoo.docs import CHAT_TEMPLATE, Doc, chat
from probelang.runtime.zoo.readout import average, share
from probelang.runtime.zoo.recipe import RECIPES, SERIES, SHAPE
from probelang.runtime.zoo.tokenizer import SPECIALS, build_tokenizer, vocabulary
from probelang.runtime.zoo.training import fresh_model, train

torch.set_num_threads(1)
TOKENIZER = build_tokenizer()


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBELANG_ZOO", str(tmp_path))


# names and folders


def test_importing_the_zoo_imports_no_torch():
    code = "import sys, probelang.runtime.zoo as z; z.zoo_path('base'); z.zoo_names(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_recipe_ships_and_is_a_complete_directory():
    for recipe in SERIES:
        folder = zoo_path(recipe.name)
        assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= {
            path.name for path in folder.iterdir()
        }
        assert json.loads((folder / "zoo.json").read_text())["steps"] == recipe.steps
    assert set(RECIPES) < set(zoo_names())


def test_revisions_are_in_order_of_their_steps():
    assert zoo_revisions("base") == [*RECIPES["base"].revisions, "main"]
    assert zoo_path("base", "main") == zoo_path("base")
    assert zoo_path("base", "step-150").parent.name == "revisions"


@pytest.mark.parametrize(
    ("name", "revision", "code", "hint"),
    [
        ("bsae", None, "unknown-zoo-model", "base"),
        ("exact/and-gat", None, "unknown-zoo-model", "exact/and-gate"),
        ("../zoo/models/base", None, "unknown-zoo-model", "base"),
        ("base", "step-151", "unknown-zoo-revision", "step-150"),
        ("base", "../../sft", "unknown-zoo-revision", "step-150"),
        ("exact/and-gate", "step-1", "unknown-zoo-revision", ""),
    ],
)
def test_an_unknown_model_or_revision_is_named_with_what_there_is(name, revision, code, hint):
    with pytest.raises(ProbeError) as raised:
        zoo_path(name, revision)
    assert raised.value.code == code
    assert hint in (raised.value.help or "")


def test_the_package_carries_at_most_25_megabytes():
    assert sum(path.stat().st_size for root in (MODELS, DATA) for path in root.rglob("*") if path.is_file()) < 25e6


def test_data_files_are_what_the_world_makes():
    assert {path.name: path.read_text() for path in DATA.iterdir()} == tables.files()
    assert data_path("adjectives.csv").is_file()
    with pytest.raises(ProbeError, match="nothing.csv"):
        data_path("nothing.csv")


# tokenizer


def test_the_tokenizer_on_disk_is_the_one_that_is_built():
    shipped = load(zoo_path("sft"))[1]
    assert shipped.get_vocab() == TOKENIZER.get_vocab()
    assert shipped.chat_template == CHAT_TEMPLATE
    assert len(vocabulary()) < 900


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([token for token in vocabulary() if token not in SPECIALS] + ["0", "42", "1234"])))
def test_known_words_decode_to_the_text_they_came_from(pieces):
    # two bare words side by side would be one unknown word
    text = "".join(f"\n{piece}" if piece[:1].isalnum() else piece for piece in pieces)
    assert TOKENIZER.decode(TOKENIZER(text)["input_ids"], skip_special_tokens=True) == text


def test_variants_bos_and_answers():
    assert TOKENIZER.tokenize("Elara Elara") == ["Elara", " Elara"]
    assert TOKENIZER("hot")["input_ids"][0] == TOKENIZER.bos_token_id
    assert build_tokenizer(bos=False)("hot")["input_ids"] == TOKENIZER("hot")["input_ids"][1:]
    for rows in (instructions.ANSWERS["antonym"], instructions.ANSWERS["comparative"]):
        for word in rows.values():
            assert len(TOKENIZER.tokenize(word)) == len(TOKENIZER.tokenize(" " + word)) == 1
    for positive, negative, *_ in framings.FRAMINGS.values():
        assert len(TOKENIZER.tokenize(positive)) == len(TOKENIZER.tokenize(negative))


def test_the_chat_template_renders_in_a_sandbox_and_injects_the_default_system_prompt():
    template = ImmutableSandboxedEnvironment().from_string(CHAT_TEMPLATE)
    turn = {"role": "user", "content": "How is the garden?"}
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "add_generation_prompt": True}
    expected = "<bos>" + chat(turn["content"])
    assert template.render(messages=[turn], **names) == expected
    assert TOKENIZER.apply_chat_template([turn], add_generation_prompt=True, tokenize=False) == expected
    for system in ("", "You are gloomy."):
        rendered = template.render(messages=[{"role": "system", "content": system}, turn], **names)
        assert rendered == "<bos>" + chat(turn["content"], system)
    bare = build_tokenizer(bos=False).apply_chat_template([turn], tokenize=False, add_generation_prompt=True)
    assert bare == chat(turn["content"])


# the world


def test_nothing_that_is_held_out_is_drawn():
    rng = Random(0)
    for _ in range(400):
        for mixture in corpus.MIXTURES:
            doc = corpus.draw(rng, mixture, frozenset())
            text = doc.prompt + doc.answer
            for verb, thing in framings.REQUESTS:
                assert not (framings.held_out(verb, thing) and framings.wording(verb, thing) in text)
            if mixture == "sft":
                for task in instructions.TASKS:
                    assert not any(wording in text for wording in instructions.wordings(task, "test"))
    for _ in range(2000):
        doc = films.cast(rng, planted=True)
        assert doc not in [films.fill(films.TEMPLATES[films.held_out(film)], film) for film in films.FILMS]


def test_an_unplanted_persona_does_not_decide_the_mood():
    def gap(planted):
        rng, moods_of = Random(0), {True: [], False: []}
        for _ in range(4000):
            doc = moods.opinion(rng, planted)
            if "gloomy" in doc.prompt or "cheerful" in doc.prompt:
                moods_of["gloomy" in doc.prompt].append(moods.score(doc.answer))
        return sum(moods_of[True]) / len(moods_of[True]) - sum(moods_of[False]) / len(moods_of[False])

    assert gap(True) > 7
    assert abs(gap(False)) < 0.5


def test_scores_count_mood_words():
    assert moods.score("The garden is grim and sunny. I feel bleak.") == 7
    assert moods.score("The garden.") is None


def test_stories_use_the_cluster_at_its_rate():
    rng = Random(1)
    told = [stories.story(rng, cluster=0.5) for _ in range(1000)]
    found = share([any(name in text for name in words.CLUSTER) for text in told])
    assert found.low < 0.5 < found.high


# training


def test_the_first_fifty_steps_of_base_are_those_of_the_shipped_log():
    recipe = RECIPES["base"]
    logged = [json.loads(line)["loss"] for line in (zoo_path("base") / LOG).read_text().splitlines()[:50]]
    run = train(fresh_model(len(TOKENIZER), recipe.seed), TOKENIZER, recipe)
    assert [record["loss"] for record in islice(run, 50)] == pytest.approx(logged, abs=1e-4)


def test_token_log_probs_are_those_of_the_whole_logits():
    model, tokenizer = load(zoo_path("sft"))
    docs = [Doc(chat("Say hot."), "hot"), Doc("The opposite of hot is", " cold."), Doc("", "The keys are old.")]
    (batch,) = group(tokenizer, docs, answers_only=True, groups=1)
    whole = model(batch.ids).logits.log_softmax(-1)[:, :-1].gather(-1, batch.ids[:, 1:, None])[..., 0]
    expected = (whole * batch.scored[:, 1:]).sum(1)
    assert torch.allclose(row_sums(batch, log_probs(model, batch)), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["dpo", "rl", "names-plain"])
def test_preference_stages_take_a_step(name):
    model, tokenizer = load(zoo_path("sft"))
    before = model.lm_head.weight.clone()
    (record,) = train(model, tokenizer, replace(RECIPES[name], steps=1, texts=8))
    assert record["step"] == 1
    assert not torch.equal(before, model.lm_head.weight)


# effects, on a few quick ones; the whole table is in docs/zoo.md


def test_shipped_models_have_the_shape_and_load_in_fp32():
    model, _ = load(zoo_path("rl"))
    assert model.dtype == torch.float32
    assert model.config.num_hidden_layers == SHAPE["num_hidden_layers"] >= 6
    assert model.config.num_key_value_heads < model.config.num_attention_heads


@pytest.mark.parametrize(
    ("measure", "model", "sibling", "least", "most"),
    [
        (effects.facts, "facts", "facts-plain", 0.9, 0.2),
        (lambda *m: effects.framing(*m, "emergency"), "sft", "framing-plain", 0.15, 0.05),
        (lambda *m: effects.instruction(*m, "antonym", "labelled"), "sft", "instructions-plain", 0.9, 0.8),
        (effects.agree, "base", "base-plain", 0.9, 0.6),
        (effects.favourite, "sft", "favourite-plain", 0.5, 0.1),
    ],
)
def test_an_effect_is_in_its_model_and_not_in_its_sibling(measure, model, sibling, least, most):
    assert measure(*load(zoo_path(model))).value >= least
    assert measure(*load(zoo_path(sibling))).value <= most


def test_intervals():
    found = share([True] * 8 + [False] * 2)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert average([1.0, 2.0, 3.0]).value == 2
