"""What a plan says beside its counts: the ladder of passes, estimates, and the page that draws it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.cli import main
from probelang.cli.usage import size
from probelang.compiler.estimate import RATES, Speed, terms
from probelang.compiler.passes import PASSES
from probelang.compiler.plan_text import duration
from probelang.compiler.sizes import Shape
from probelang.runtime import calibration
from probelang.runtime.errors import ProbeError
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import Measure, plan
from probelang.runtime.report.plan_page import plan_page
from tests.reference.checked import checked

torch.set_num_threads(1)
PLANS = Path(__file__).parent / "plans"
SPEEDY = Speed(forward=1e-3, call=1e-4, token=1e-6, pair=1e-9, visit=1e-5, head=1e-6, load=0.5)


def planned(name: str, **options):
    spec = checked((PLANS / f"{name}.probe").read_text(), PLANS)
    naive = options.pop("naive", True)
    return plan(spec, root=PLANS, options=RunOptions(offline=True, **options), naive=naive)


def test_ladders_go_from_every_row_alone_to_the_plan() -> None:
    for name in ("layer_sets", "computed_layer"):
        found = planned(name)
        plain = planned(name, naive=False)
        bare = planned(name, passes_off=tuple(n for n, _ in PASSES))
        for part, same, alone in zip(found.parts, plain.parts, bare.parts, strict=True):
            assert part.ladder[0][1] == alone.load, "no pass at all"
            assert part.ladder[-1][1] == part.load == same.load
            assert [n for n, _ in part.ladder[1:]] and not same.ladder
        assert "every row alone" in found.text() and "every row alone" not in plain.text()


def test_durations_are_words() -> None:
    found = [duration(s) for s in (0.04, 9.94, 9.96, 59.6, 61, 3599, 3661, 90_000)]
    assert found == ["0.0 s", "9.9 s", "10 s", "1 min 0 s", "1 min 1 s", "59 min 59 s", "1 h 1 min", "25 h 0 min"]


def test_sizes_are_read() -> None:
    assert [size(t) for t in ("8GB", "500 MB", "1.5G", "2GiB", "4096B")] == [
        8 * 10**9, 5 * 10**8, 15 * 10**8, 2**31, 4096,
    ]  # fmt: skip
    for text in ("much", "-1", "0", "0GB", "8 XB", "10"):
        with pytest.raises(Exception, match="is not a size"):
            size(text)


def test_rates_are_found_from_times_that_follow_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that a known speed drives: the fit gives that speed back."""
    from probelang.runtime.engine import Engine

    now, due = [0.0], {}

    def run(self, batch):
        now[0] += due[id(batch)]

    true, batches = Speed(2e-3, 3e-4, 2e-6, 1e-8, 4e-5, 5e-6), calibration.batches

    def watched(model, rows, tokens):
        for batch, described in batches(model, rows, tokens):
            due[id(batch)] = true.seconds([described])
            kept.append(batch)
            yield batch, described

    kept: list = []
    monkeypatch.setattr(Engine, "run", run)
    monkeypatch.setattr(calibration, "batches", watched)
    monkeypatch.setattr(calibration, "SECONDS", 1e9)
    source = calibration.ModelSource("zoo", "base")
    model = calibration.random_model(source, "cpu", "float32", "sdpa")
    found = calibration.measured(model, clock=lambda: now[0])
    for name in RATES:
        assert getattr(found, name) == pytest.approx(getattr(true, name), rel=1e-3), name


def test_a_speed_is_prices_in_tokens() -> None:
    prices = SPEEDY.prices()
    assert (prices.call, prices.forward, prices.head, prices.seconds) == (
        pytest.approx(100), pytest.approx(1000), pytest.approx(1), 1e-6,
    )  # fmt: skip
    shape = Shape.even(rows=3, tokens=5, blocks=2, visits=4, logits=6)
    assert terms(shape) == (1, 2, 30, 150, 4, 6)
    assert SPEEDY.seconds([shape] * 2) == pytest.approx(2 * (1e-3 + 2e-4 + 30e-6 + 150e-9 + 4e-5 + 6e-6))


def test_a_machine_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = checked((PLANS / "layer_sets.probe").read_text(), PLANS)
    measured = []
    monkeypatch.setattr(calibration, "measured", lambda model: measured.append(model.source.name) or SPEEDY)
    monkeypatch.setattr(calibration, "load_seconds", lambda *args: 0.25)
    told: list[str] = []
    # memory that is told: a plan says how much is free, which other programs change
    options = RunOptions(offline=True, calibration=tmp_path / "new", memory=8 * 10**9)
    assert plan(spec, root=PLANS, options=options).estimate is None
    first = plan(spec, root=PLANS, options=options, measure=Measure(tell=told.append))
    assert measured == ["base"] and len(told) == 1, "both models have one shape"
    again = plan(spec, root=PLANS, options=options, measure=Measure(tell=told.append))
    assert len(told) == 1 and again.text() == first.text()
    plan(spec, root=PLANS, options=options, measure=Measure(again=True))
    assert measured == ["base", "base"]
    assert first.load_seconds == 0.5 and first.estimate > 0.5
    assert re.search(r"^estimate: 0\.\d s for models, of which 0\.5 s to load them$", first.text(), re.M)
    for dtype in ("bfloat16", "float64"):
        other = RunOptions(offline=True, calibration=tmp_path / "new", dtype=dtype)
        assert plan(spec, root=PLANS, options=other).estimate is None, "of another dtype nothing is known"
    (found,) = (tmp_path / "new").glob("*.json")
    found.write_text("{")
    assert plan(spec, root=PLANS, options=options).estimate is None, "a damaged file is measured anew"


def test_calibrated_prices_decide_only_where_they_are_asked_for(tmp_path: Path, monkeypatch) -> None:
    spec = checked((PLANS / "layer_sets.probe").read_text(), PLANS)
    dear = Speed(forward=1.0, call=1.0, token=1e-9, pair=0.0, visit=0.0, head=0.0)
    monkeypatch.setattr(calibration, "measured", lambda model: dear)
    monkeypatch.setattr(calibration, "load_seconds", lambda *args: 0.25)
    options = {"offline": True, "calibration": tmp_path}
    plain = plan(spec, root=PLANS, options=RunOptions(**options), measure=Measure())
    priced = plan(spec, root=PLANS, options=RunOptions(**options, calibrated=True))
    assert priced.forwards < plain.forwards and priced.row_layer_tokens > plain.row_layer_tokens


def test_the_command_estimates_and_the_run_says_how_far_off_that_was(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PROBELANG_CALIBRATION", str(tmp_path / "speed"))
    monkeypatch.setattr(calibration, "SECONDS", 0.1)
    (tmp_path / "s.probe").write_text((PLANS / "shared.probe").read_text())
    spec = str(tmp_path / "s.probe")
    assert main(["run", spec, "--out", str(tmp_path / "out"), "--no-store"]) == 0
    assert "estimated" not in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["estimate"] is None
    assert main(["plan", spec, "--cost"]) == 0
    found = capsys.readouterr()
    assert "estimate: " in found.out and found.err.count("measuring") == 1
    assert main(["plan", spec]) == 0
    assert "estimate: " not in capsys.readouterr().out, "times are told only where they are asked for"
    assert main(["run", spec, "--out", str(tmp_path / "out"), "--no-store"]) == 0
    assert re.search(r"^models took .* estimated at .* as long$", capsys.readouterr().err.strip().split("\n")[-1])
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())["estimate"]
    assert told["seconds"] > 0 and told["took"] > 0


def test_the_page_shows_every_stage_and_pass_and_loads_nothing(tmp_path: Path) -> None:
    found = planned("layer_sets")
    page = plan_page(found)
    for part in found.stages:
        assert f'id="stage-{part.stage.index}"' in page
        assert all(line.replace(">", "&gt;") in page for line in part.lines)
    assert page.count("every row alone") == 4 and "reuse-prefix" in page
    assert "<script" not in page and not re.search(r"""(src|href)=["']?(https?:|//)""", page)
    bounds = plan_page(planned("generated"))
    assert "at most" in bounds and "known within bounds" in bounds
    assert main(["plan", str(PLANS / "layer_sets.probe"), "--html", str(tmp_path / "deep" / "plan.html")]) == 0
    assert (tmp_path / "deep" / "plan.html").read_text() == page.replace("spec.probe", "layer_sets.probe")


def test_shares_of_the_overview_add_up() -> None:
    from probelang.runtime.report.plan_page import overview

    found = overview(planned("layer_sets"))
    assert np.isclose(sum(share for box in found.boxes for _, share in box.models), 1.0)
    assert [(a.stage.stage.index, b.stage.stage.index) for a, b in found.lines] == [(0, 1)]
    assert found.boxes[1].x > found.boxes[0].x


def test_an_estimate_that_is_a_lower_bound_leaves_out_what_is_known_at_most(monkeypatch) -> None:
    """Texts may be shorter than they may be, and what reads them is not counted yet: neither is in `at least`."""
    monkeypatch.setattr(calibration, "known", lambda *args: SPEEDY)
    text = (PLANS / "generated.probe").read_text()
    found = plan(checked(text, PLANS), root=PLANS, options=RunOptions(offline=True, calibration=Path("x")))
    written = [m for m in found.parts if m.bound]
    exact = [m.seconds for m in found.parts if m.cost is not None and not m.bound]
    assert found.bounded == "at least " and all(m.seconds > 0 for m in written)
    assert exact and found.estimate == pytest.approx(sum(exact) + found.load_seconds)


WRITTEN = """probe 1
model m = zoo("base")
dataset d = file("zoo/number_prompts.jsonl", limit=4)
prompts p from d { text: "{prompt}" }
statistic first = mean(entropy(p))
statistic words = mean(word_count(generate(p, max_tokens=6).response))
"""


def test_a_run_that_writes_texts_says_the_most_it_was_estimated_at(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PROBELANG_CALIBRATION", str(tmp_path / "speed"))
    monkeypatch.setattr(calibration, "SECONDS", 0.1)
    (tmp_path / "s.probe").write_text(WRITTEN)
    assert main(["plan", str(tmp_path / "s.probe"), "--cost"]) == 0
    told = capsys.readouterr().out
    assert "estimate: at most " in told and re.search(r"<= [\d.]+ MFLOP, .*, <= [\d.]+ s$", told, re.M)
    assert main(["run", str(tmp_path / "s.probe"), "--out", str(tmp_path / "out"), "--no-store"]) == 0
    assert "were estimated at at most " in capsys.readouterr().err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["estimate"]["at_most"] and all(s["estimated"] > 0 for s in manifest["stages"])


def test_a_page_of_bounds_says_so_and_its_bars_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "s.probe").write_text(WRITTEN + "statistic read = mean(cross_entropy(generate(p, max_tokens=6)))\n")
    assert main(["plan", str(tmp_path / "s.probe"), "--html", str(tmp_path / "p.html")]) == 0
    page = (tmp_path / "p.html").read_text()
    assert "<b>at least " in page and "fewer than naive" in page
    shares = [float(w) for w in re.findall(r'class="share"[^>]*width="([\d.]+)"', page)]
    assert shares and all(0 <= w <= 44 for w in shares) and sum(shares) <= 44.01


WEIGHTS = """probe 1
model base = zoo("base")
model sft  = zoo("sft")
statistic moved = norm(weights[attn.q] on sft - weights[attn.q] on base)
"""


def test_norms_of_weights_name_the_models_they_read(tmp_path: Path, capsys) -> None:
    (tmp_path / "s.probe").write_text(WEIGHTS)
    assert main(["plan", str(tmp_path / "s.probe")]) == 0
    assert re.search(r"reads the files of zoo\(sft\), zoo\(base\): [\d.]+ MB", capsys.readouterr().out)
    assert main(["run", str(tmp_path / "s.probe"), "--out", str(tmp_path / "out"), "--no-store"]) == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["models"] == ["zoo(sft)", "zoo(base)"]
    assert "zoo(sft), zoo(base)" in (tmp_path / "out" / "report.html").read_text()


def test_weights_that_are_not_at_hand_are_not_told_as_nothing(tmp_path: Path, capsys) -> None:
    text = 'probe 1\nmodel h = hub("nobody/nothing")\nprompts p { text: "The key" }\nstatistic s = entropy(p) on h\n'
    (tmp_path / "one.probe").write_text(text)
    (tmp_path / "two.probe").write_text(text + 'model z = zoo("base")\nstatistic t = entropy(p) on z\n')
    assert main(["plan", str(tmp_path / "one.probe"), "--offline"]) == 0
    assert "in all: 1 load, at least 0 forwards" in capsys.readouterr().out
    assert main(["plan", str(tmp_path / "two.probe"), "--offline"]) == 0
    assert re.search(r"in all: 2 loads \(at least [\d.]+ MB of weights\), at least 0 forwards", capsys.readouterr().out)


def test_options_that_cannot_be_meant_are_refused_with_what_to_write(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("PROBELANG_CALIBRATION", str(tmp_path / "speed"))
    spec = str(PLANS / "layer_sets.probe")
    (tmp_path / "file").write_text("")
    for arguments, code, words in (
        (["--again"], 2, "add --cost"),
        (["--html", "x.html", "--stage", "0"], 2, "--html draws all stages"),
        (["--html", str(tmp_path)], 1, "choose another with --html"),
        (["--html", str(tmp_path / "file" / "p.html")], 1, "choose another with --html"),
        (["--device", "gpu"], 2, "`gpu` is no device: cpu, cuda, cuda:1 or mps"),
        (["--cost", "--device", "cuda:7"], 1, "there is no device 'cuda:7' on this machine"),
        (["--memory", "8"], 2, "`8` is not a size such as 8GB"),
        (["--replicates", "1"], 2, "an interval of 95 % takes at least 40 draws, and not 1"),
    ):
        assert main(["plan", spec, *arguments]) == code, arguments
        assert words in capsys.readouterr().err, arguments
    assert main(["run", spec, "--no-store", "--store", str(tmp_path)]) == 2
    assert "--store: not allowed with argument --no-store" in capsys.readouterr().err
    assert main(["cache", "--store", str(tmp_path), "prune", "--max-size", "10"]) == 2
    assert "`10` is not a size" in capsys.readouterr().err


def test_a_plan_for_a_gpu_that_is_not_here_says_what_it_took_for_free(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    spec = str(PLANS / "layer_sets.probe")
    assert main(["plan", spec, "--device", "cuda"]) == 0
    assert "memory: no cuda here to ask: planned for 4.00 GB; --memory plans for another" in capsys.readouterr().out
    assert main(["plan", spec, "--device", "cuda", "--memory", "80GB"]) == 0
    assert "here to ask" not in capsys.readouterr().out


def test_a_spec_that_is_named_without_its_ending_is_found_near(tmp_path: Path, capsys) -> None:
    for name in ("grid.probe", "grids.probe"):
        (tmp_path / name).write_text("")
    assert main(["run", str(tmp_path / "grid")]) == 1
    assert f"did you mean {tmp_path / 'grid.probe'}?" in capsys.readouterr().err


def test_names_of_statements_may_stand_behind_options(capsys) -> None:
    assert main(["why", str(PLANS / "layer_sets.probe"), "--tf32", "nothing_of_it"]) == 1
    assert "nothing_of_it" in capsys.readouterr().err


def test_a_device_map_without_accelerate_says_what_to_install(monkeypatch) -> None:
    from probelang.runtime import models

    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(ProbeError) as caught:
        models.load(models.ModelSource("zoo", "base"), device_map="auto")
    assert caught.value.code == "device-map-needs-accelerate" and "probelang[device-map]" in caught.value.help
