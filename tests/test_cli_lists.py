"""Commands that list and print: sites, operations, zoo, compile, schema, tokens, new, and help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from probelang.cli import main
from probelang.cli.commands import COMMANDS
from probelang.compiler import ir
from probelang.runtime.zoo import data_path
from probelang.runtime.zoo.listing import EFFECTS
from probelang.runtime.zoo.recipe import RECIPES

SPEC = """probe 1
model base = zoo("base")
dataset items = file("zoo/agreement.jsonl", limit=3)
contrast noun from items {
  positive: { body: "{singular}" answer: "{is}" wrong: "{are}" }
  negative: { body: "{plural}"   answer: "{is}" wrong: "{are}" }
}
statistic gap = mean(logit_diff(noun.positive))
statistic far = norm(mean_diff(resid_post[3] at noun.last))
"""


@pytest.fixture
def spec(tmp_path) -> str:
    (tmp_path / "mine.probe").write_text(SPEC)
    return str(tmp_path / "mine.probe")


def printed(capsys, *argv: str) -> str:
    assert main(list(argv)) == 0
    return capsys.readouterr().out


def test_the_overview_lists_every_command(capsys) -> None:
    out = printed(capsys, "--help")
    assert all(f"  {name} " in out for name in COMMANDS)
    assert printed(capsys) == out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys) -> None:
    assert main([name, "--help"]) == 0
    assert f"usage: probe {name}" in capsys.readouterr().out


def test_version(capsys) -> None:
    from probelang import __version__

    assert printed(capsys, "--version") == f"probe {__version__}\n"


def test_sites(capsys) -> None:
    out = printed(capsys, "sites", "zoo:base")
    assert "resid_post[0..5]" in out and "olmo2, 6 layers" in out
    found = json.loads(printed(capsys, "sites", "--json", "zoo:base"))
    assert found["facts"]["n_layers"] == 6 and {s["name"] for s in found["sites"]} >= {"embed", "head", "logits"}


@pytest.mark.parametrize(("model", "code"), [("base", "bad-model-name"), ("zoo:bose", "unknown-zoo-model")])
def test_sites_of_nothing(model: str, code: str, capsys) -> None:
    assert main(["sites", model]) == 1
    assert f"error[{code}]" in capsys.readouterr().err


def test_operations(capsys) -> None:
    out = printed(capsys, "operations")
    assert "  mean_diff" in out and "(planned)" in out
    page = printed(capsys, "operations", "prob")
    assert page.startswith("prob(of: distribution, answer: text | none = none) -> number\n")
    every = json.loads(printed(capsys, "operations", "--json"))
    assert len(every) > 40 and all(o["summary"] for o in every)
    assert main(["operations", "mean_dif"]) == 1
    assert "did you mean `mean_diff`?" in capsys.readouterr().err


def test_zoo(capsys) -> None:
    out = printed(capsys, "zoo")
    assert "  base " in out and "singular, plural, is, are" in out and "not in" in out
    assert "planted    agreement: the verb" in printed(capsys, "zoo", "base")
    assert "sibling without names" in next(line for line in out.splitlines() if "names-plain-dpo " in line)
    assert "The logit of yes is 5 with both bits" in printed(capsys, "zoo", "exact/and-gate")
    assert "in      sft, rl\n" in printed(capsys, "zoo", "framing")
    assert "'The key near the cabinet'" in printed(capsys, "zoo", "zoo/agreement.jsonl")
    assert main(["zoo", "bose"]) == 1 and "did you mean `base`?" in capsys.readouterr().err


def test_what_the_zoo_says_is_planted_was_measured() -> None:
    page = (Path(__file__).parent.parent / "docs" / "zoo.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    measured = {(row[0], row[2].removesuffix(" (sibling)")) for row in rows if len(row) == 5}
    for name, effect in EFFECTS.items():
        assert {(name, model) for model in (*effect.models, effect.sibling)} <= measured, name
        assert name in RECIPES[effect.sibling].off and all(data_path(file) for file in effect.data)


def test_compile_and_schema(spec, capsys) -> None:
    found = ir.from_json(printed(capsys, "compile", spec))
    assert [s.name for s in found.statements if isinstance(s, ir.Define)] == ["base", "gap", "far"]
    schema = json.loads(printed(capsys, "schema"))
    assert schema["$ref"] == "#/$defs/Spec" and "Define" in schema["$defs"]


def test_tokens(spec, capsys) -> None:
    out = printed(capsys, "tokens", spec)
    assert "noun.positive  zoo(base)  6 tokens" in out and "noun.negative" in out
    assert "noun.last: 5" in out and "answer: ' is'" in out
    only = printed(capsys, "tokens", spec, "--prompts", "noun.negative", "--item", "2", "--model", "base")
    assert "noun.positive" not in only and "keys" in only and "cabinets" in only


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--item", "9"], "has 3"), (["--model", "other"], "there are zoo(base)"), (["--prompts", "x"], "noun.positive")],
)
def test_tokens_of_nothing(spec, arguments, message: str, capsys) -> None:
    assert main(["tokens", spec, *arguments]) == 1
    assert message in capsys.readouterr().err


def test_new_writes_a_spec_that_checks_and_is_formatted(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "hello"]) == 0
    assert main(["check", "--deny-warnings", "hello.probe"]) == 0
    assert main(["fmt", "--check", "hello.probe"]) == 0
    assert main(["new", "hello"]) == 1
    assert "error[file-exists]" in capsys.readouterr().err


def test_explain(capsys) -> None:
    assert printed(capsys, "explain", "error[unpaired]").startswith("unpaired: ")
    assert "Wrong:" in printed(capsys, "explain", "position-not-found")
    codes = [line.split()[0] for line in printed(capsys, "explain").splitlines()]
    assert codes == sorted(codes) and {"unpaired", "unchecked"} <= {*codes}
    assert main(["explain", "unpared"]) == 1
    assert "`unpaired`" in capsys.readouterr().err


def test_tokens_of_a_spec_with_errors_shows_the_rest(tmp_path, capsys) -> None:
    path = tmp_path / "broken.probe"
    path.write_text("""probe 1
model base = zoo("base")
dataset items = file("zoo/agreement.jsonl", limit=4)
prompts good from items { body: "{singular}" answer: "{is}" }
prompts lost from items { body: "{nocolumn}" }
statistic gap = mean(prob(good))
statistic other = prob(lost, " is")
statistic bad = norm(resid_pst[2] at good.last)
statistic needs = bad + 1
statistic ?? = 3
""")
    assert main(["tokens", str(path)]) == 1
    out, err = capsys.readouterr()
    assert "good  zoo(base)  6 tokens" in out and "lost" not in out
    assert "line 8: `resid_pst` is not declared  [unknown-name]" in err and "line 10: " in err
    assert "lost: " in err and "nocolumn" in err and len(err.splitlines()) < 7


def test_tokens_of_prompts_that_nothing_uses_yet(tmp_path, capsys) -> None:
    path = tmp_path / "young.probe"
    path.write_text('probe 1\nmodel base = zoo("base")\nprompts p { body: "The key" }\nmodel sft = zoo("sft")\n')
    assert "p  zoo(base), zoo(sft)  3 tokens" in printed(capsys, "tokens", str(path))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("perplexity", "cross_entropy"),
        ("Perplexity", "cross_entropy"),
        ("cross", "cross_entropy"),
        ("mean_dif", "mean_diff"),
        ("surprise", "cross_entropy"),
        ("bloop", None),
    ],
)
def test_operations_that_a_name_may_mean(capsys, name: str, meant: str | None) -> None:
    assert main(["operations", name]) == 1
    said = capsys.readouterr().err
    assert f"`{meant}`" in said if meant else "`probe operations` lists them" in said
