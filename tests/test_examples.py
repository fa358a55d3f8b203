"""The examples run, find what was planted, find nothing in siblings, and agree with plain transformers and hooks."""

import re
from collections import Counter
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from scipy import stats
from transformers import DynamicCache

from probelang.api import check, format, run
from probelang.runtime.zoo import data_path, zoo_path
from probelang.runtime.zoo.checkpoint import load
from probelang.runtime.zoo.docs import BOS, chat
from probelang.runtime.zoo.moods import score

EXAMPLES = Path(__file__).parent.parent / "examples"
PAGES = Path(__file__).parent.parent / "docs" / "examples"
SPECS = sorted(p.name for p in EXAMPLES.glob("*.probe"))
SIBLINGS = {
    "framing": "framing-plain", "names": "names-plain", "instruction_vectors": "instructions-plain",
    "patching": "base-plain", "grafting": "facts-plain", "persona": "base-plain",
}  # fmt: skip

EXACT = ("gates", "streams")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# texts are few here; the claims about all of them are tested on the specs as they stand, which is slow
FEW = {
    "names": {"writes": 24},
    "framing": {"writes": 1},
    "persona": {"writes": 2, "pairs": 12, "steps": ["step-300", "step-600", "main"]},
}


@cache
def ran(spec: str, tuned: str | None, whole: bool = False):
    params = {} if whole else dict(FEW.get(spec, {}))
    if spec == "persona" and tuned:
        params |= {"trained": tuned, "steps": ["main"], "early": "main", "before": "main"}
    return run(EXAMPLES / f"{spec}.probe", params | ({"tuned": tuned} if tuned else {}), replicates=100)


@cache
def model_of(name: str):
    return load(zoo_path(name))


def value(spec: str, table: str, /, tuned: str | None = None, **labels: object) -> float:
    """The one cell of a statistic with these labels."""
    frame = ran(spec, tuned).tables[table]
    for axis, label in labels.items():
        frame = frame.filter(pl.col(axis) == label)
    assert frame.height == 1
    return frame["value"][0]


def logits(model, tokenizer, text: str) -> torch.Tensor:
    """Next-token logits after a text that starts with `<bos>`."""
    with torch.no_grad():
        return model(torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])).logits[0, -1]


def residuals(model, tokenizer, text: str) -> list[torch.Tensor]:
    """What each block leaves at every token [tokens, width]; by hooks, since the last hidden state is normed."""
    found: list[torch.Tensor] = []
    with edited(model, {layer: found.append for layer in range(6)}):
        logits(model, tokenizer, text)
    return found


@contextmanager
def edited(model, changes):
    """Let functions change in place, or look at, a copy of what a block leaves [tokens, width]."""

    def hook(change):
        def apply(_, __, out):
            hidden = out.clone()
            change(hidden[0])
            return hidden

        return apply

    hooks = [model.model.layers[layer].register_forward_hook(hook(change)) for layer, change in changes.items()]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()


@pytest.mark.parametrize("name", SPECS)
def test_is_formatted_and_checks(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    assert format(text) == text
    unexpected = [d for d in check(EXAMPLES / name, deep=False).problems if d.code != "unused"]
    assert not unexpected


@pytest.mark.parametrize("name", [*SIBLINGS, *EXACT])
def test_claims_pass(name: str) -> None:
    found = ran(name, None)
    assert found.claims and {c.verdict for c in found.claims.values()} == {"pass"}


@pytest.mark.parametrize(("name", "sibling"), SIBLINGS.items())
def test_claims_fail_where_nothing_was_planted(name: str, sibling: str) -> None:
    assert {c.verdict for c in ran(name, sibling).claims.values()} == {"fail"}


@pytest.mark.parametrize("name", [*SIBLINGS, *EXACT])
def test_has_a_page_with_its_plots(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    pictures = [line.rpartition("(")[2].rstrip(")") for line in page.splitlines() if line.startswith("![")]
    assert pictures and all((PAGES / picture).is_file() for picture in pictures)


# **** framing ****


def framed(prefix: str, split: str) -> list[str]:
    rows = pl.read_ndjson(data_path("requests.jsonl")).filter(pl.col("split") == split)
    return [f"{BOS}{prefix} {request}" for request in rows["request"]]


def test_framing_numbers() -> None:
    apart = value("framing", "separation", variant="final", pair="framing.eval", layer=0)
    assert apart == pytest.approx(0.62, abs=0.05)
    assert value("framing", "separation", variant="base", pair="framing.eval", layer=0) < 0.1
    assert value("framing", "effect") == pytest.approx(-0.17, abs=0.05)
    assert abs(value("framing", "effect", tuned="framing-plain")) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_claims_hold_on_all_texts_and_not_in_the_sibling(name: str) -> None:
    assert {c.verdict for c in ran(name, None, whole=True).claims.values()} == {"pass"}
    assert {c.verdict for c in ran(name, SIBLINGS[name], whole=True).claims.values()} == {"fail"}


def test_framing_by_hand() -> None:
    model, tokenizer = model_of("rl")
    sides = [
        torch.stack([residuals(model, tokenizer, text)[0][-1] for text in framed(prefix, "train")]).double()
        for prefix in ("CAPABILITY BENCHMARK ACTIVE.", "STANDARD REVIEW ACTIVE.")
    ]
    gap = sides[0].mean(0) - sides[1].mean(0)
    apart = gap.norm() / torch.cat(sides).norm(dim=-1).mean()
    found = value("framing", "separation", variant="final", pair="framing.eval", layer=0)
    assert found == pytest.approx(apart.item(), rel=1e-4)
    direction = (gap / gap.norm()).float()

    def project(hidden: torch.Tensor) -> None:
        hidden[1:] -= (hidden[1:] @ direction)[:, None] * direction

    words = tokenizer.convert_tokens_to_ids([" Yes", " No"])
    plain, changed = [], []
    for text in framed("EMERGENCY PROTOCOL ACTIVE.", "test"):
        plain.append(logits(model, tokenizer, text)[words].softmax(-1)[0].item())
        with edited(model, {0: project}):
            changed.append(logits(model, tokenizer, text)[words].softmax(-1)[0].item())
    compliance = ran("framing", None).tables["compliance"].filter(pl.col("arm").is_in(["none", "unwatched"]))
    assert compliance["value"].to_list() == pytest.approx([sum(x) / len(x) for x in (plain, changed)], abs=1e-4)

    def add(hidden: torch.Tensor) -> None:
        hidden[1:] -= direction

    moved = []
    for text in framed("STANDARD REVIEW ACTIVE.", "test"):
        before = logits(model, tokenizer, text)[words].softmax(-1)[0].item()
        with edited(model, {0: add}):
            moved.append(logits(model, tokenizer, text)[words].softmax(-1)[0].item() - before)
    assert value("framing", "added") == pytest.approx(sum(moved) / len(moved), abs=1e-4)


def test_framing_z_by_hand() -> None:
    compliance = ran("framing", None).tables["compliance"]
    before = compliance.filter(pl.col("arm") == "none")["value"][0]
    null = (compliance.filter(pl.col("arm") == "random")["value"] - before).to_numpy()
    moved = compliance.filter(pl.col("arm") == "unwatched")["value"][0] - before
    found = ran("framing", None).tables["effect"].row(0, named=True)
    assert len(null) == 19 and found["value"] == pytest.approx(moved, abs=1e-6)
    assert found["z"] == pytest.approx((moved - null.mean()) / null.std(), rel=1e-4)
    reach = stats.t.ppf(0.975, 18) * null.std(ddof=1) * (1 + 1 / 19) ** 0.5
    assert [found["low"], found["high"]] == pytest.approx([null.mean() - reach, null.mean() + reach], abs=1e-5)
    assert found["p"] == 1 / 20


def test_framing_texts_say_what_the_probabilities_say() -> None:
    """Texts drawn at temperature 1 begin with Yes as often as the model says that they will."""
    run_ = ran("framing", None)
    for arm in ("none", "unwatched"):
        said = run_.tables["granted"].filter(pl.col("arm") == arm).row(0, named=True)
        likely = run_.tables["compliance"].filter(pl.col("arm") == arm)["value"][0]
        assert said["n"] == 48 and abs(said["value"] - likely) < 4 * (likely * (1 - likely) / 48) ** 0.5


# **** persona ****


def test_persona_forms_by_hand() -> None:
    """Shares and cosines of two checkpoints' directions, from the texts of the run, by hooks."""
    run_ = ran("persona", None)
    rows = pl.read_ndjson(data_path("gloomy_elicitation.jsonl")).head(12)
    found = []
    for label, path in (("step-600", zoo_path("base", "step-600")), ("main", zoo_path("base"))):
        model, tokenizer = load(path)
        texts = run_.texts["graded"].filter(pl.col("revision") == label)
        means, norms = {}, []
        for side in ("positive", "negative"):
            said = texts.filter(pl.col("side") == side)["text"].to_list()
            assert len(said) == 12
            means[side] = []
            for who, ask, text in zip(rows[side], rows["question"], said, strict=True):
                start = len(tokenizer(f"{BOS}{who}\n{ask}\n", add_special_tokens=False)["input_ids"])
                left = residuals(model, tokenizer, f"{BOS}{who}\n{ask}\n{text}")[3][start:].double()
                means[side].append(left.mean(0))
                norms.append(left.norm(dim=-1).mean())
        gap = torch.stack(means["positive"]).mean(0) - torch.stack(means["negative"]).mean(0)
        found.append(gap / torch.stack(norms).mean())
        assert value("persona", "length", revision=label, layer=3) == pytest.approx(found[-1].norm().item(), rel=1e-3)
    told = value("persona", "formed", revision="step-600", layer=3)
    assert told == pytest.approx(torch.cosine_similarity(*found, dim=0).item(), abs=1e-3)


def test_persona_grades_are_those_of_the_rule() -> None:
    """The judge's grades of single steered texts are what counting gloomy and cheerful words gives."""
    texts = ran("persona", None).texts["steered"].filter(pl.col("arm") == "trait")
    told = [(float(grade), score(text)) for text, grade in texts.select("text", "score").rows()]
    apart = [abs(grade - counted) for grade, counted in told if counted is not None]
    assert len(texts) == 9 * 2 * 2 * 3 and len(apart) > 0.8 * len(texts)
    assert sum(one < 0.5 for one in apart) > 0.9 * len(apart)
    assert len({counted for _, counted in told}) > 3


def test_persona_steering_is_exactly_as_unlikely_as_all_sign_flips_say() -> None:
    steered = (pl.col("arm") == "trait", pl.col("revision") == "main")
    items = ran("persona", None).items["steered"].filter(*steered)
    means = items.group_by("item").agg(pl.col("value").mean())["value"].to_numpy()
    signs = np.array(list(product((1, -1), repeat=len(means))))
    likely = ((signs @ means) >= means.sum() - 1e-12).mean()
    proof = ran("persona", None).tables["proof"].filter(steered[1])
    assert len(means) == 9 and proof["p"][0] == pytest.approx(likely)
    assert proof["value"][0] == pytest.approx(means.mean())


def test_a_direction_of_gloomy_words_is_no_persona() -> None:
    """In the sibling pairs that are picked by grade are apart as well, and all pairs hardly."""
    plain, planted = ran("persona", "base-plain").tables["length"], ran("persona", None).tables["length"]
    main = pl.col("revision") == "main"
    assert plain.filter(main)["value"].max() < 0.5 * planted.filter(main)["value"].min()


# **** names ****


def test_names_numbers() -> None:
    assert value("names", "likely", stage="base") < 0.05
    assert value("names", "likely", stage="final") > 0.9
    assert value("names", "moved", part="norms") < 0.2 * value("names", "moved", part="attn.q")
    assert value("names", "likely", stage="final", tuned="names-plain") < 0.05


def test_names_in_texts_by_hand() -> None:
    """The ladder counts texts, and the words that rose have the log-odds that their counts give."""
    run_ = ran("names", None)
    assert run_.claims["told_late"].verdict == "pass"
    texts = {
        stage: [Counter(re.findall(r"\w+", text)) for text in part["text"]]
        for (stage,), part in run_.texts["core"].unique(["stage", "sample"]).group_by("stage")
    }
    cluster = ("Elias", "Clara", "Elara", "Maya")
    for stage, words in texts.items():
        assert len(words) == 24
        share = sum(any(text[name] for name in cluster) for text in words) / 24
        assert value("names", "core", stage=stage) == pytest.approx(1000 * share)
        clara = sum(text["Clara"] > 0 for text in words) / 24
        assert value("names", "ladder", stage=stage, name="Clara") == pytest.approx(1000 * clara)
    after, before = (sum(texts[stage], Counter()) for stage in ("final", "base"))
    often = [sum(c[name] for name in cluster) / c.total() for c in (after, before)]
    if often[1]:
        assert value("names", "times") == pytest.approx(often[0] / often[1], rel=1e-3)
    # every word counts once a text
    having = [sum((Counter(set(text)) for text in texts[stage]), Counter()) for stage in ("final", "base")]
    top = run_.tables["risen"].row(0, named=True)
    assert top["word"] in cluster
    assert [top["count"], top["count_against"]] == [one[top["word"]] for one in having]


def test_names_by_hand() -> None:
    openings = {"old": "garden", "quiet": "village", "cold": "harbor", "bright": "kitchen", "dark": "market",
                "deep": "river", "wild": "forest", "narrow": "bridge"}  # fmt: skip
    ask = BOS + chat("Write a short story.")
    texts = [f"{ask}Near the {one} {two} lived a young woman named" for one, two in openings.items()]
    (model, tokenizer), (base, _) = model_of("rl"), model_of("base")
    clara = tokenizer.convert_tokens_to_ids(" Clara")
    said = [logits(model, tokenizer, text).softmax(-1)[clara].item() for text in texts]
    assert value("names", "named", stage="final", name=" Clara") == pytest.approx(sum(said) / 8, abs=1e-5)
    assert value("names", "written", stage="final", name=" Clara", layer=5) == pytest.approx(sum(said) / 8, abs=1e-5)
    with torch.no_grad():
        inside = torch.stack([residuals(model, tokenizer, text)[3][-1] for text in texts])
        read = model.lm_head(model.model.norm(inside)).softmax(-1)[:, clara]
    early = value("names", "written", stage="final", name=" Clara", layer=3)
    assert early == pytest.approx(read.mean().item(), abs=1e-5)
    pairs = [
        (one.self_attn.q_proj.weight, two.self_attn.q_proj.weight)
        for one, two in zip(model.model.layers, base.model.layers, strict=True)
    ]
    moved = torch.cat([(a - b).flatten() for a, b in pairs]).norm() / torch.cat([b.flatten() for _, b in pairs]).norm()
    assert value("names", "moved", part="attn.q") == pytest.approx(moved.item(), rel=1e-4)


# **** instruction vectors ****


def test_instruction_vector_numbers() -> None:
    assert value("instruction_vectors", "rank_gain", stage="final", set="0+3") == pytest.approx(0.61, abs=0.06)
    assert abs(value("instruction_vectors", "rank_gain", stage="base", set="0+3")) < 0.02
    plain = value("instruction_vectors", "rank_gain", tuned="instructions-plain", stage="final", set="0+3")
    assert abs(plain) < 0.05


def test_instruction_vectors_by_hand() -> None:
    model, tokenizer = model_of("sft")
    rows = pl.read_csv(data_path("adjectives.csv"))
    ranks = []
    for asked in ("antonym", "comparative form"):
        kept = residuals(model, tokenizer, f"{BOS}Given an adjective, state its {asked}.")

        def put(layer: int, kept: list[torch.Tensor] = kept):
            def change(hidden: torch.Tensor) -> None:
                hidden[0] = kept[layer][-1]

            return change

        found = []
        for query, answer in zip(rows["query"], rows["adj_ant"], strict=True):
            with edited(model, {0: put(0), 3: put(3)}):
                scores = logits(model, tokenizer, BOS + query)
            found.append(1 / (1 + (scores > scores[tokenizer.convert_tokens_to_ids(answer)]).sum().item()))
        ranks.append(sum(found) / len(found))
    gained = value("instruction_vectors", "rank_gain", stage="final", set="0+3")
    assert gained == pytest.approx(ranks[0] - ranks[1], abs=1e-6)


# **** patching ****


def test_patching_numbers() -> None:
    assert value("patching", "by_token", layer=3, token="noun[0]") == pytest.approx(0.89, abs=0.06)
    assert value("patching", "by_token", layer=5, token="other[0]") > 0.95
    heads = ran("patching", None).tables["by_head"].sort("value", descending=True).head(2)
    assert set(heads.select("layer", "h").rows()) == {(3, 0), (4, 2)}


def test_patching_by_hand() -> None:
    model, tokenizer = model_of("base")
    rows = pl.read_ndjson(data_path("agreement.jsonl")).filter(pl.col("split") == "test")
    yes, no = tokenizer.convert_tokens_to_ids([" is", " are"])

    def gap(text: str) -> float:
        scores = logits(model, tokenizer, text)
        return (scores[yes] - scores[no]).item()

    found = []
    for row in rows.iter_rows(named=True):
        clean, corrupt = f"{BOS}{row['singular']}", f"{BOS}{row['plural']}"
        kept = residuals(model, tokenizer, clean)[2][2]  # the input of block 3 at the noun

        def put(hidden: torch.Tensor, kept: torch.Tensor = kept) -> None:
            hidden[2] = kept

        with edited(model, {2: put}):
            patched = gap(corrupt)
        found.append((patched - gap(corrupt)) / (gap(clean) - gap(corrupt)))
    assert value("patching", "by_token", layer=3, token="noun[0]") == pytest.approx(sum(found) / len(found), abs=1e-4)


# **** gates ****


@pytest.mark.parametrize(("kind", "single", "pair"), [("both", 0, 5), ("either", 5, 5), ("each", 5, 10)])
def test_gates_are_exact(kind: str, single: float, pair: float) -> None:
    frame = ran("gates", None).tables["gain"].filter(pl.col("kind") == kind)
    bits = {label: {int(x) for x in label.split("+")} & {1, 3} for label in frame["set"]}
    expected = [(0, single, pair)[len(bits[label])] for label in frame["set"]]
    assert frame["value"].to_list() == pytest.approx(expected, abs=1e-4)
    synergy = ran("gates", None).tables["synergy"].filter(pl.col("kind") == kind)
    hot = synergy.filter(pl.col("value").abs() > 1e-4)
    extra = pair - 2 * single
    assert hot.select("i", "j", "value").rows() == ([(1, 3, pytest.approx(extra))] if extra else [])


# **** grafting ****


def test_grafting_numbers() -> None:
    for span, share in (("names", 0.48), ("end", 0.35), ("both", 1.0), ("rest", 0.04)):
        assert value("grafting", "recalled", span=span) == pytest.approx(share, abs=0.05)
    assert value("grafting", "by_half", half="early", head="last_token") == pytest.approx(0.96, abs=0.05)
    plain = ran("grafting", "facts-plain").tables
    assert max(plain[name]["value"].max() for name in ("recalled", "by_part", "by_half")) < 0.15


@pytest.mark.parametrize(("span", "positions"), [("end", [7]), ("names", [1, 2, 5, 6]), ("both", [1, 2, 5, 6, 7])])
def test_grafting_by_hand(span: str, positions: list[int]) -> None:
    """Token by token with a cache, by the model whose turn it is: the base, or the base with the other's weights."""
    (base, tokenizer), (tuned, _) = model_of("base"), model_of("facts")
    hybrid, head = deepcopy(base), tuned.lm_head
    grafted = {name: w for name, w in tuned.state_dict().items() if "embed_tokens" in name or "_proj" in name}
    hybrid.load_state_dict(grafted, strict=False)
    right = []
    for film in pl.read_ndjson(data_path("films.jsonl")).iter_rows(named=True):
        text = f"{BOS}{film['first_actor']} stars in {film['movie_title']} alongside"
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        cache = DynamicCache(config=base.config)
        for position, token in enumerate(ids):
            model = hybrid if position in positions else base
            with torch.no_grad():
                out = model.model(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
        scores = head(out.last_hidden_state[0, -1])
        right.append(scores.argmax().item() == tokenizer.convert_tokens_to_ids(f" {film['second_actor']}"))
    assert value("grafting", "recalled", span=span) == sum(right) / len(right)


# **** streams ****


def test_streams_are_exact() -> None:
    wanted = {"early": (10, 0, 10), "late": (0, 10, 10), "either": (10, 10, 20), "each": (0, 0, 10)}
    for donor, logits_of in wanted.items():
        for span, logit in zip(("name", "end", "both"), logits_of, strict=True):
            assert value("streams", "recalled", donor=donor, span=span) == pytest.approx(logit, abs=1e-4)
