# Each goal does all of its own set-up: Python 3.11+ and make are enough (make check and make e2e also want Node).
PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
MCPB = npx --yes @anthropic-ai/mcpb@2.1.2
SLOW = $(BIN)/python -m pytest -p no:randomly --override-ini addopts=--strict-markers --timeout 600
DIST = dist
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

# Tests start processes by the dozen, and each would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: clients demo test coverage lint check e2e bench bundle pins clean

demo: .venv/run  ## The whole main job against the simulator; no key, no cost
	$(BIN)/wan-mcp demo

test: .venv/dev  ## The fast suite
	$(BIN)/python -m pytest --numprocesses 4

coverage: .venv/dev  ## The fast suite again, saying which branches it does not take
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest --numprocesses 4
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

lint: .venv/dev  ## Style, types, the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --project .
	$(BIN)/lint-imports

check: lint coverage  ## Everything that must hold before a change lands, but for the slow runs

e2e: .venv/e2e  ## The slow runs: other people's clients and suites, random kills
	$(SLOW) tests/e2e

clients: .venv/e2e  ## Of the slow runs, eight clients of other people
	$(SLOW) tests/e2e/test_clients.py

bench: .venv/dev  ## Everything that is measured, in some ten minutes; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

bundle:  ## The bundle for Claude Desktop and others, and what the registry is told of it, in dist/ (wants Node)
	$(MCPB) validate manifest.json
	mkdir -p $(DIST)
	$(MCPB) pack . $(DIST)/wan-mcp-$(VERSION).mcpb
	$(PYTHON) docs/registry.py $(DIST)/wan-mcp-$(VERSION).mcpb

pins:  ## Renew every file of pins
	$(BIN)/python requirements/renew.py

clean:
	rm -rf .venv .coverage* .pytest_cache .ruff_cache .hypothesis build dist

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("wan-mcp needs Python 3.11 or later; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/run: requirements/run.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

.venv/dev: requirements/dev.txt .venv/run
	$(PIP) install --require-hashes -r requirements/dev.txt
	touch $@

.venv/e2e: requirements/e2e.txt .venv/dev
	$(PIP) install --require-hashes -r requirements/e2e.txt
	touch $@
