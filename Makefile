# `make setup` once, then `make test`, `make demo`. Everything happens in .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
RUN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: setup test demo lint docs pictures bench clean

setup: $(READY)

# torch first: it is the largest, and its version decides the others'
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --upgrade pip
	$(RUN)/python -m pip install --quiet -c constraints.txt torch==2.13.0
	$(RUN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $(READY)

test: setup
	$(RUN)/python -m pytest $(PYTEST)

demo: setup
	$(RUN)/probe run examples/framing.probe

lint: setup
	$(RUN)/ruff check .
	$(RUN)/probe fmt --check specs examples

docs: setup
	$(RUN)/python -m probelang.reference > docs/reference.md
	$(RUN)/python tests/docs_blocks.py README.md docs/language.md docs/planner.md docs/store.md

pictures: setup
	$(RUN)/python docs/pictures.py

bench: setup
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(RUN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
