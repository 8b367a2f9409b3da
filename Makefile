# The few commands that users and contributors need. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SPECS := specs/examples/quickstart
PROJECTS := pyproject.toml plugins/specr-processor/pyproject.toml plugins/specr-scorer/pyproject.toml plugins/specr-mlflow/pyproject.toml plugins/specr-pickle/pyproject.toml plugins/specr-h2o3/pyproject.toml plugins/specr-dai/pyproject.toml
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

BUILD_IMAGE := docker build --quiet --network host

.PHONY: help quickstart test check lint format types imports unit plugins reference engines clients families registry bench images clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

quickstart: $(VENV)/.run  ## train a small model, deploy it, score two rows (5 minutes of reading, seconds of work)
	@$(BIN)/python scripts/quickstart.py $(SPECS)

test: check unit plugins  ## everything that needs no Docker: lint, types, imports, all tests

check: lint types imports reference  ## what needs no running: style, types, import contracts, generated docs

lint: $(VENV)/.dev
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@echo "lint: fine"

format: $(VENV)/.dev  ## format and mend what can be mended by itself
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

types: $(VENV)/.dev
	@$(BIN)/mypy --no-error-summary
	@cd plugins/specr-processor && ../../$(BIN)/mypy --no-error-summary
	@cd plugins/specr-scorer && ../../$(BIN)/mypy --no-error-summary
	@cd plugins/specr-mlflow && ../../$(BIN)/mypy --no-error-summary
	@cd plugins/specr-pickle && ../../$(BIN)/mypy --no-error-summary
	@cd plugins/specr-h2o3 && ../../$(BIN)/mypy --no-error-summary
	@cd plugins/specr-dai && ../../$(BIN)/mypy --no-error-summary
	@echo "types: fine"

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

reference: $(VENV)/.dev
	@$(BIN)/python scripts/reference.py --check

unit: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n 2 tests --ignore=tests/engines --ignore=tests/registry --ignore=tests/clients

plugins: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n 2 plugins

engines: $(VENV)/.dev images  ## the tests on a real Docker daemon and a real cluster, as DOCKER_HOST and KUBECONFIG say
	@$(BIN)/python -m pytest -q -n 5 --dist loadscope --no-loadscope-reorder tests/engines

clients: $(VENV)/.dev  ## ask runtimes with the vendor's own clients, in environments of theirs; CLIENTS=all: the proprietary one too
	@$(if $(filter all,$(CLIENTS)),SPECR_TEST_SCORING_CLIENT=1) $(BIN)/python -m pytest -q tests/clients

families: $(VENV)/.dev  ## deploy every model family and compare its answers; FAMILY= and EDITION= choose
	@$(BIN)/python -m tests.families run $(FAMILY) $(if $(EDITION),--edition $(EDITION))

registry: $(VENV)/.dev  ## models from real MLflow servers, of 1.29 and of today
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/registry

bench: $(VENV)/.dev  ## measure; side by side with terraform where it is installed
	@$(BIN)/python bench/plan_apply.py
	@if command -v wrk >/dev/null; then $(BIN)/python -m bench.scorer; else echo "bench.scorer needs wrk"; fi

images:  ## build the container images of the plug-ins' processors and runtimes
	@$(BUILD_IMAGE) -f plugins/specr-mlflow/images/processor.Dockerfile -t specr/mlflow-processor:0.1.0 plugins
	@$(BUILD_IMAGE) -f plugins/specr-mlflow/images/runtime.Dockerfile -t specr/mlflow-runtime:0.1.0 plugins
	@$(BUILD_IMAGE) -f plugins/specr-h2o3/images/processor.Dockerfile -t specr/h2o3-processor:0.1.0 plugins
	@$(BUILD_IMAGE) -f plugins/specr-h2o3/images/runtime.Dockerfile -t specr/h2o3-runtime:0.1.0 plugins
	@$(BUILD_IMAGE) -f plugins/specr-dai/images/processor.Dockerfile -t specr/dai-processor:0.1.0 plugins
	@$(BUILD_IMAGE) -f plugins/specr-pickle/images/processor.Dockerfile -t specr/pickle-processor:0.1.0 plugins
	@$(BUILD_IMAGE) -f plugins/specr-pickle/images/runtime.Dockerfile -t specr/pickle-runtime:0.1.0 plugins

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "specr needs Python 3.11 or newer; set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.run: $(VENV)/.made $(PROJECTS)
	@echo "installing specr, its MLflow plug-in, mlflow-skinny and scikit-learn into $(VENV)"
	@$(PIP) -e . -e plugins/specr-processor -e plugins/specr-scorer -e 'plugins/specr-mlflow[runtime,pictures]' scikit-learn
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) -e '.[dev]' -e 'plugins/specr-pickle[runtime]' -e plugins/specr-h2o3 -e plugins/specr-dai
	@touch $@
