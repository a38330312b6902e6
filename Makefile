# The one door for people and machines. Everything is installed into .venv, once for each change of a pin.
.DEFAULT_GOAL := help
.PHONY: help demo up web test test-web generate mock check bench bench-gateway soak-gateway bench-local bench-runs bench-web bench-eval soak-runs train-demo-model lock clean install-run install-dev

SHELL := /bin/sh
BIN := .venv/bin
TESTS ?=
JOBS ?= 2
ARGS ?=

help: ## This list
	@echo "AI Agent Lab. What make can do:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install-run ## Three roles work on a problem that the built-in model has not seen
	@$(BIN)/agent-lab run challenge --example

up: web ## The web application and its API on http://127.0.0.1:8000
	@$(BIN)/agent-lab up

web: install-run ## Build the web app, where it is not built of these sources already
	@sh scripts/web.sh build

test: install-dev web ## Every test, with coverage, in two processes (JOBS=4; TESTS='tests/cli -x' for some)
	@sh scripts/chromium.sh
	@sh scripts/postgres.sh
	@$(if $(TESTS),$(BIN)/python -m pytest $(TESTS),JOBS=$(JOBS) sh scripts/tests.sh)
	@$(if $(TESTS),:,sh scripts/web.sh test)

test-web: ## The types and tests of the web app alone
	@sh scripts/web.sh test

generate: install-dev ## Write anew what is made from the contracts: the API's document and types, shared vectors of runs
	@$(BIN)/python scripts/make_types.py
	@$(BIN)/python scripts/make_vectors.py
	@$(BIN)/python scripts/make_openapi.py
	@sh scripts/web.sh types

mock: install-dev ## Record anew what the web app answers in mock mode (after a change of the API)
	@$(BIN)/python scripts/make_mock.py

check: install-dev ## Lint, format, types, floors, file lengths, locks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/check_lengths.py
	@$(BIN)/python scripts/check_lock.py

bench: install-dev ## The measurements behind the figures in the documents
	@$(BIN)/python -m benchmarks

bench-gateway: install-dev ## What the gateway costs, beside a bare pass-through and LiteLLM (ARGS='--litellm VENV --json')
	@$(BIN)/python -m benchmarks.gateway $(ARGS)

soak-gateway: install-dev ## 10,000 calls under random faults, half of the providers dead (ARGS='--seed 7')
	@$(BIN)/python -m benchmarks.gateway_soak $(ARGS)

bench-local: install-dev ## Local models beside bare transformers and `transformers serve` (ARGS='--part model --quick')
	@$(BIN)/python -m benchmarks.local $(ARGS)

bench-runs: install-dev ## What a run costs beyond its models, and whether branches overlap (ARGS='--part overhead --quick')
	@$(BIN)/python -m benchmarks.runs $(ARGS)

bench-web: install-dev web ## How heavy, how smooth and how accessible the web app is (ARGS='--part lanes --quick')
	@sh scripts/chromium.sh
	@$(BIN)/python -m benchmarks.web $(ARGS)

bench-eval: install-dev ## Whether the intervals and tests of evaluations keep their word, and what they take (ARGS='--quick')
	@$(BIN)/python -m benchmarks.evaluation $(ARGS)

soak-runs: install-dev ## 500 SIGKILLs at random moments over all flows (ARGS='--kills 100 --seed 7')
	@$(BIN)/python -m benchmarks.runs_soak $(ARGS)

train-demo-model: install-dev ## Train the built-in model anew (tens of minutes)
	@$(BIN)/python -m training.train

lock: install-run ## Renew the pinned versions and their hashes (needs a network)
	@sh scripts/lock.sh

# Leaves .venv, and whatever the product stored for its user.
clean: ## Remove caches and reports
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov dist build
	@find . -maxdepth 1 -name '.coverage*' -type f -delete

install-run:
	@sh scripts/install.sh run

install-dev:
	@sh scripts/install.sh dev
