"""The benchmark for GPUs runs whole on a small model without one, so that it is ready where there is one."""

import importlib
import logging
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_every_piece_of_work_for_gpus_runs_small_on_the_cpu(monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    monkeypatch.setattr(logging, "disable", lambda level: None)
    importlib.import_module("gpu").main(["--size", "small", "--device", "cpu"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert all("TFLOP/s" in line and "compile" in line for line in lines)
    assert sum("cells/s" in line for line in lines) == 4
