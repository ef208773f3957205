SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PIP := .venv/bin/python -m pip --disable-pip-version-check --no-input
BUILD := --quiet --no-deps --no-build-isolation
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --generate-hashes --no-emit-index-url

.PHONY: help install demo test soak-ledger soak-delivery soak-kiosk bench lint format check services lock clean

help: ## Show this list
	@if [ -t 1 ] && [ -z "$${NO_COLOR:-}" ]; then name='\033[36m%-13s\033[0m'; else name='%-13s'; fi; \
	echo 'Usage: make <target>'; echo; \
	awk -v name="$$name" 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  " name " %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.ready ## Set up .venv with everything the locks pin (about a minute, once)

demo: .venv/.ready ## Run the sample company on this machine (ARGS="--once --json" plays one day)
	@.venv/bin/tandem demo $(ARGS)

# Three at a time on two cores: a quarter of all tests wait for programs and pages that they have started.
test: .venv/.ready ## Run the tests (ARGS="-k badge" chooses)
	@.venv/bin/pytest -n 3 --dist worksteal $(ARGS)

soak-ledger: .venv/.ready ## Run the long proofs of the ledger (half an hour)
	@TANDEM_REQUIRE_SERVICES=1 .venv/bin/pytest tests/soak/ledger.py -n 0 -v -s --durations=0 --timeout=2700 $(ARGS)
	@TANDEM_API_EXAMPLES=200 .venv/bin/pytest tests/gateway/test_openapi.py -n 2 --timeout=2700

soak-delivery: .venv/.ready ## Run the long proofs of delivery (three quarters of an hour)
	@TANDEM_REQUIRE_SERVICES=1 .venv/bin/pytest tests/soak/delivery_*.py -n 0 -v -s --durations=0 --timeout=2700 $(ARGS)

soak-kiosk: .venv/.ready ## Run the long proofs of the kiosk: people, photos, replays before the camera (three quarters of an hour)
	@TANDEM_REQUIRE_SERVICES=1 .venv/bin/pytest tests/soak/kiosk_*.py -n 0 -v -s --durations=0 --timeout=2700 $(ARGS)

bench: .venv/.ready ## Measure what the design promises (ARGS="--only feed --scale 0.1" chooses and shrinks)
	@.venv/bin/python -m bench $(ARGS)

lint: .venv/.ready ## Check style and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: .venv/.ready ## Lay out the code and mend what ruff can mend by itself
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

check: lint test ## Everything a change has to pass: lint, then test

services: ## Install the Debian packages that a few tests use: brokers, database, browser (asks for sudo)
	@packaging/services

lock: ## Write the locks anew from pyproject.toml (needs uv; ARGS=--upgrade for newer versions)
	@command -v uv > /dev/null || { echo 'make lock needs uv on the PATH.' >&2; exit 1; }
	@$(COMPILE) $(ARGS) --all-extras --override packaging/overrides.txt pyproject.toml --output-file packaging/lock.txt
	@$(COMPILE) $(ARGS) --constraint packaging/lock.txt packaging/build.in --output-file packaging/build-lock.txt

clean: ## Remove .venv and every cache
	@rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip:
	@command -v $(PYTHON) > /dev/null || { echo 'Tandem needs Python 3.11 or newer; there is no $(PYTHON) here.' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Tandem needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Another one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
	echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@echo 'Setting up .venv: about a minute on a fast line, and only once.'
	@$(PYTHON) -m venv .venv

# The build tools come first: the lock holds one source package (plain Python), and pip may not fetch tools of its own for it.
.venv/.locked: packaging/build-lock.txt packaging/lock.txt | .venv/bin/pip
	@rm -f .venv/.locked .venv/.ready
	@packaging/install-locked packaging/build-lock.txt
	@packaging/install-locked packaging/lock.txt
	@touch $@

.venv/.ready: .venv/.locked pyproject.toml packaging/dlib-shim/pyproject.toml
	@rm -f $@
	@$(PIP) install $(BUILD) ./packaging/dlib-shim
	@$(PIP) install $(BUILD) --editable .
	@$(PIP) check
	@touch $@
	@echo 'Ready. Try: make demo'
