# make demo   sets up everything, walks the bundled sample, and opens the dashboard (SERVE=no: only walks)
# make lab    opens JupyterLab on the demo's workspace
# make test   sets up everything and runs every test this machine can run, three at a time on two cores (WORKERS=1: one)
# make test-fast  the tests that start no browser and no processes, train no students, and take seconds at most
# make soak   longer trials: more examples, more random moments, large runs, fuzzing, half an hour of everything at once
# make check  the whole gate: lint, types, import contracts, tests, known holes in what is installed
# make bench  the benchmarks; results are printed with machine and versions

PYTHON ?= python3
VENV ?= .venv
WORKSPACE ?= demo-workspace
SERVE ?= yes
PORT ?= 8501
WORKERS ?= auto

BIN := $(VENV)/bin
WORKBENCH := $(BIN)/workbench --workspace $(WORKSPACE)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

# The tests start a hundred processes: modules are compiled for the first one, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := demo
.PHONY: demo lab test test-fast soak lint audit check bench clean

demo: $(VENV)/.demo
	$(WORKBENCH) demo $(if $(filter yes,$(SERVE)),--serve --port $(PORT))

lab: $(VENV)/.demo
	$(WORKBENCH) lab

test: $(VENV)/.dev
	$(PYTEST)

test-fast: $(VENV)/.dev
	$(PYTEST) -m 'not browser and not process and not slow'

soak: $(VENV)/.dev
	$(INSTALL) --editable '.[cluster,fuzz,s3]' 'moto[server]'
	HYPOTHESIS_PROFILE=soak $(PYTEST) --trials 20 --timeout 3600
	$(BIN)/python -m tests.trials.fuzz --minutes 10
	$(BIN)/python -m tests.trials.soak --minutes 30
	$(BIN)/python -m tests.benchmarks.runs

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: $(VENV)/.dev
	$(BIN)/python -m tests.trials.audit

check: lint test audit

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks.walk
	$(BIN)/python -m tests.benchmarks.teacher
	$(BIN)/python -m tests.benchmarks.score
	$(BIN)/python -m tests.benchmarks.runs
	$(BIN)/python -m tests.benchmarks.latency

$(VENV)/.demo: pyproject.toml constraints.txt
	@echo "Setting up $(VENV): about 2 GB of packages, once"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[offline]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(INSTALL) --editable '.[offline,runtimes,dev]'
	@touch $@

clean:
	rm -rf $(VENV) $(WORKSPACE)
