# make demo   shows what Counterfoil does, on real public registers, and serves them until Ctrl-C
# make test   runs every check and test
#
# Both do their own set-up, on any machine with Debian 12 and make: see scripts/setup.

.DELETE_ON_ERROR:
.PHONY: demo test campaign-tamper campaign-api campaign-kills campaign-constraints check oracles go-tools lock clean

ifeq ($(CI),true)
export NO_COLOR = 1
endif

bin := .venv/bin
machine := scripts/setup requirements/debian.txt requirements/setup.txt pyproject.toml

demo: .venv/ready-run
	@rm -rf demo-home
	@$(bin)/counterfoil demo --home demo-home

test: check oracles go-tools
	@$(bin)/python -m pytest

# Changes a store at random, so many times, out of a new seed, which it prints; changes=… and seed=… give others.
campaign-tamper: changes ?= 50000
campaign-tamper: seed := $(or $(seed),$(shell date +%s))
campaign-tamper: .venv/ready-dev
	@echo "campaign-tamper: $(changes) changes, seed $(seed)"
	@TAMPER_CHANGES=$(changes) TAMPER_SEED=$(seed) $(bin)/python -m pytest -q tests/store/test_tamper.py

# Sends the API whatever its description allows, and what it does not, for twenty minutes.
campaign-api: seconds ?= 1200
campaign-api: .venv/ready-dev
	@SCHEMATHESIS_SECONDS=$(seconds) $(bin)/python -m pytest -q tests/web/api/test_schemathesis.py

# Kills a serving node under 64 writing clients, so many times.
campaign-kills: kills ?= 50
campaign-kills: .venv/ready-dev
	@SERVE_KILLS=$(kills) $(bin)/python -m pytest -q tests/web/test_serve_kills.py

# Tries every kind of constraint against a plain model, on so many random histories.
campaign-constraints: histories ?= 10000
campaign-constraints: .venv/ready-dev
	@CONSTRAINT_HISTORIES=$(histories) $(bin)/python -m pytest -q tests/ledger

# The checks that run nothing: style, types, and which module may import which.
check: .venv/ready-dev
	@$(bin)/ruff check
	@$(bin)/ruff format --check
	@$(bin)/mypy
	@$(bin)/lint-imports --no-logo

oracles: .venv-oracles/ready

# A checker of logs and a witness by others, built from pinned sources.
go-tools: .venv/ready-dev
	@scripts/go-tools

.venv/ready-run: $(machine) requirements/run.txt
	@scripts/setup run

.venv/ready-dev: $(machine) requirements/run.txt requirements/dev.txt
	@scripts/setup dev

.venv-oracles/ready: requirements/oracles.txt | .venv/ready-dev
	@scripts/setup oracles

# Makes the locks from pyproject.toml. Versions that still fit stay; `make lock upgrade=--upgrade` takes the newest.
compile := UV_SYSTEM_CERTS=1 $(bin)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header \
    --only-binary :all: --universal --python-version 3.11

lock: .venv/ready-run
	@$(compile) $(upgrade) --group setup --output-file requirements/setup.txt
	@$(compile) $(upgrade) pyproject.toml --output-file requirements/run.txt
	@$(compile) $(upgrade) pyproject.toml --group dev --output-file requirements/dev.txt \
	    --constraint requirements/setup.txt --constraint requirements/run.txt
	@$(compile) $(upgrade) --group oracles --output-file requirements/oracles.txt
	@$(compile) $(upgrade) --group go --output-file requirements/go.txt

clean:
	rm -rf .venv .venv-oracles .go-tools build dist demo-home .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +
