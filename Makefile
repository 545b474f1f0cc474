# `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
PANGO := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0
DEMO_RUN := sample_runs/grpo-collapsed
# The run took ten seconds; at half speed the eye can follow.
DEMO_SPEED := 0.5
TRAIN_RUN := demo-run
QUIET_TRL := HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 TRL_EXPERIMENTAL_SILENCE=1 OMP_NUM_THREADS=1
# The newest release beside the last one with PPO, which everything else here is pinned to.
NEWEST_TRL := 1.16.0
NEWEST_TESTS := tests/integrations/trl/test_callback_in_training.py tests/integrations/trl/test_two_processes.py
# Two workers fill the two cores these tests are sized for; a training is one worker's work.
WORKERS ?= 2

.PHONY: help demo demo-train test test-newest test-kernels test-reports test-fast lint format snapshots bench soak schemas pango fuzz calibrate clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(VENV)/.package: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing rldk-tui into $(VENV) ..."
	@$(PIP) --upgrade pip
	@$(PIP) -e .
	@touch $@

$(VENV)/.development: $(VENV)/.package
	@echo "Installing the development set (torch, trl and the test tools) into $(VENV) ..."
	@$(PIP) -e '.[trl,fast]' --group dev
	@touch $@

$(VENV)/.newest-trl-$(NEWEST_TRL): $(VENV)/.development
	@rm -rf $(VENV)/newest $(VENV)/.newest-trl-*
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $(VENV)/newest trl==$(NEWEST_TRL)
	@touch $@

pango:
	@if ! $(BIN)/python -c 'import weasyprint' >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Pango, which the PDF needs ..."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PANGO) >/dev/null; \
	  else \
	    echo "The PDF needs Pango: sudo apt-get install $(PANGO)"; \
	  fi; \
	fi

demo: $(VENV)/.package pango ## replay a real collapsed GRPO run in the monitor, then write its report into demo-report/
	@$(BIN)/rldk-tui $(DEMO_RUN) --replay $(DEMO_SPEED)
	@if $(BIN)/python -c 'import weasyprint' >/dev/null 2>&1; then \
	  $(BIN)/rldk report $(DEMO_RUN) --pdf -o demo-report; \
	else \
	  $(BIN)/rldk report $(DEMO_RUN) -o demo-report; \
	fi

demo-train: $(VENV)/.development ## train a tiny real model with TRL in the background and watch it
	@rm -rf $(TRAIN_RUN)
	@$(QUIET_TRL) $(BIN)/python -m sample_runs.demo_train $(TRAIN_RUN) >demo-train.log 2>&1 & \
	  trap "kill $$! 2>/dev/null" EXIT; $(BIN)/rldk-tui $(TRAIN_RUN)

test: $(VENV)/.development pango lint ## all tests, real TRL trainings included
	@$(QUIET_TRL) $(BIN)/pytest -n $(WORKERS) --dist loadgroup

	@$(MAKE) --no-print-directory test-newest

test-kernels: $(VENV)/.development ## the compiled kernels of every stored format
	@RLDK_ALL_FORMATS=1 $(BIN)/pytest -q -n $(WORKERS) tests/checkpoints/kernels

test-reports: $(VENV)/.development pango ## the report of every sample and benchmark run, on screen and on paper (five minutes)
	@RLDK_EVERY_RUN=1 $(BIN)/pytest -q -n $(WORKERS) tests/report/test_every_run.py

test-newest: $(VENV)/.newest-trl-$(NEWEST_TRL) ## every trainer once more, with the newest trl
	@PYTHONPATH=$(VENV)/newest $(QUIET_TRL) $(BIN)/pytest -q -n $(WORKERS) --dist loadgroup -m train $(NEWEST_TESTS)

test-fast: $(VENV)/.development pango ## the tests without trainings
	@$(BIN)/pytest -n $(WORKERS) -m "not train"

lint: $(VENV)/.development ## formatting, lint, types and the floors of the architecture
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.development ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

snapshots: $(VENV)/.development ## accept the pictures and pages as they are now (look at the diff)
	@$(BIN)/pytest -q -m "not train" tests/tui tests/report --snapshot-update

schemas: $(VENV)/.package ## write docs/*.schema.json anew
	@$(BIN)/rldk schema events >docs/events.schema.json
	@$(BIN)/rldk schema check >docs/check.schema.json
	@$(BIN)/rldk schema report >docs/report.schema.json
	@$(BIN)/rldk schema comparison >docs/comparison.schema.json
	@$(BIN)/rldk schema watch >docs/watch.schema.json
	@$(BIN)/rldk schema checkpoints >docs/checkpoints.schema.json

bench: $(VENV)/.development ## measure; medians, to be compared within one run
	@PYTHONWARNINGS=ignore::FutureWarning $(BIN)/python -m benchmarks

soak: $(VENV)/.development ## ten minutes of the monitor beside a growing run: memory, files and threads stay flat
	@$(BIN)/python -m benchmarks.soak

$(VENV)/.fuzzing: $(VENV)/.development
	@$(PIP) --group fuzz
	@touch $@

fuzz: $(VENV)/.fuzzing ## throw much more garbage at the readers than the tests do (ten minutes for each binary one, and ten more)
	@nice $(BIN)/python -m benchmarks.fuzz
	@HYPOTHESIS_PROFILE=campaign $(BIN)/pytest -q -n $(WORKERS) tests/readers tests/ingest tests/events tests/contracts/test_readers.py

calibrate: $(VENV)/.development ## judge labelled, healthy and noisy runs, and publish the rules' figures (about half an hour)
	@$(QUIET_TRL) nice $(BIN)/python -m benchmarks.calibration

clean: ## remove what make made
	@rm -rf $(VENV) demo-report $(TRAIN_RUN) demo-train.log .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz
