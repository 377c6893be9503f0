# Each target builds or refreshes .venv from the lock files first. Needs Python 3.11 to 3.14 with venv and pip.

PYTHON ?= python3
CORES ?= all
TARGETS ?= all
RESULTS ?= results
A ?= results
B ?= results/smoke
BIN := .venv/bin
RUNTIME := .venv/.runtime
CLUSTER := .venv/.cluster
DEV := .venv/.dev
VALIDATOR := .venv/validator

.PHONY: reproduce smoke cluster verify publish compare benchmark test lint format schema lock unlock clean

reproduce: $(RUNTIME) ## the full paper: figures and report under results/
	$(BIN)/snakemake --cores $(CORES) $(TARGETS)

smoke: $(RUNTIME) ## the same workflow at tiny sizes, in minutes
	$(BIN)/snakemake --cores $(CORES) all --configfile config/smoke.yaml

cluster: $(CLUSTER) ## what a run on SLURM needs besides; docs/cluster.md says how to start one

verify: $(RUNTIME) ## whether the files of RESULTS are as the run left them
	$(BIN)/python -m gradient_failures verify $(RESULTS)

publish: $(RUNTIME) ## keep the report of RESULTS, without data, in docs/report
	$(BIN)/python -m gradient_failures publish $(RESULTS) docs/report

compare: $(RUNTIME) ## what differs between the results in A and B
	$(BIN)/python -m gradient_failures compare $(A) $(B)

benchmark: $(RUNTIME) ## time of a training step of every kind, next to a plain loop and to bare kernels
	$(BIN)/python -m benchmarks results/benchmark

test: $(DEV) ## all tests, with the branches of the package that none of them takes
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term

lint: $(DEV) ## style, types and workflow checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

format: $(DEV) ## apply the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

schema: $(DEV) ## write config/schema.yaml from the models
	$(BIN)/python -m gradient_failures schema > config/schema.yaml

lock: ## write the lock files from pyproject.toml
	./.ci/lock $(PYTHON)

unlock: $(RUNTIME) ## after a run that was killed
	$(BIN)/snakemake --unlock

clean: ## remove everything a run leaves behind, but not .venv
	rm -rf results logs .snakemake

$(RUNTIME): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "python3 is missing: install Python 3.11 to 3.14" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
	  { echo "$$($(PYTHON) --version) does not do: Python 3.11 to 3.14 is needed (make PYTHON=python3.12 …)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "Python's venv module is missing: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo "Installing into .venv: about two minutes and 2 GB of disk"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(CLUSTER): $(RUNTIME) requirements-cluster.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-cluster.lock
	@touch $@

# The validator of RO-Crates asks for an older rich than a run has, so it gets an environment of its own.
$(DEV): $(CLUSTER) requirements-dev.lock requirements-validator.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	$(PYTHON) -m venv $(VALIDATOR)
	$(VALIDATOR)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-validator.lock
	@touch $@
