# Everything a developer runs, and everything CI runs. `make` alone lists the targets.
#
# The environment lives in .venv and is made on first use. Settings that can be given on the command line:
#   PYTHON=python3.12   the interpreter to build .venv from (3.11 or newer)
#   DURATION=60         how many seconds `make demo` and `make soak` run
#   BENCH_SECONDS=8     how long `make bench` spends on each set of payloads
#   BENCH_CHECK=0.7     make `make bench` fail below this share of its targets

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
IMAGE ?= genai-exporter:dev
CODE := exporter tests deploy

DURATION ?=
BENCH_SECONDS ?=
BENCH_CHECK ?=

.PHONY: help setup test lint format types unit demo bench soak docs dashboards deploy lint-stack constraints image clean

help: ## list what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv and install the project with everything it is developed with

$(BIN)/python:
	@bash .ci/venv "$(PYTHON)" "$(VENV)"

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the project and its development tools into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
		-c constraints.txt -e '.[dev,e2e,dashboards,embedded]'
	@touch $(STAMP)

test: lint types unit ## run everything: linter, formatter check, types, tests

lint: setup ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## check types
	$(BIN)/mypy

unit: setup ## run the tests alone
	$(BIN)/python -m pytest

format: setup ## format the code and fix what the linter can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: setup ## start the exporter, simulate an LLM application, show live what is measured
	@exec $(BIN)/genai-exporter demo $(if $(DURATION),--duration $(DURATION))

bench: setup ## measure speed and memory next to a plain implementation; writes build/bench.json
	@PYTHONPATH=tests $(BIN)/python -m bench $(if $(BENCH_SECONDS),--seconds $(BENCH_SECONDS)) \
		$(if $(BENCH_CHECK),--check $(BENCH_CHECK))

soak: setup ## watch the memory of a loaded service for DURATION seconds (default 600)
	@PYTHONPATH=tests $(BIN)/python -m bench.soak $(if $(DURATION),--seconds $(DURATION))

deploy: setup ## bring the Helm chart and the Kubernetes manifests up to date
	@$(BIN)/python deploy/build.py

lint-stack: setup ## check chart, manifests, rules and dashboards with the ecosystem's own linters (needs Go)
	@$(BIN)/python tests/tools/lint_stack.py

dashboards: setup ## rebuild the dashboards, and a portable variant for import in build/dashboards
	@PYTHONPATH=dashboards $(BIN)/python -m genai_dashboards build --portable build/dashboards
	@$(BIN)/python deploy/build.py

docs: setup ## rebuild the generated parts of the documentation
	@$(BIN)/python docs/generate.py

constraints: ## write constraints.txt anew from pyproject.toml, with the newest versions that fit
	@bash .ci/constraints "$(PYTHON)"

image: ## build the container image
	docker build --tag $(IMAGE) .

clean: ## remove everything that was made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find exporter tests -name __pycache__ -type d -prune -exec rm -rf {} +
