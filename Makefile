# Needs only Python ≥ 3.11 and make.
PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
BIN := .venv/bin
# Files in random order, in several processes, each with a Postgres and Valkey of its own.
SUITE := -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

# `make check COVERAGE=coverage.txt`: where the table of what no test reaches then is; it takes a fifth longer.
COVERAGE ?=
CODE := config,web,gateway,broker,streaming,sessions,marketdata
MEASURE := $(if $(COVERAGE),-m slipcover --source $(CODE) --omit '*/migrations/*' --skip-covered --out $(COVERAGE))

# A line for each package, as it comes: with a slow network it takes minutes, and who waits sees for what.
define install
@echo "Installing the $$(grep -c == $(1)) packages of $(1) into .venv/: the first time that takes some minutes."
@$(BIN)/python -m pip install --progress-bar off --disable-pip-version-check -r $(1)
@echo "Installed $(1)."
endef

.PHONY: start test check lint format hooks install install-dev clean chaos random bench
KILLS ?= 20
SEEDS ?= 100
CUT ?= 10

start: install  ## install, start everything, open a session for AAPL and MSFT
	@exec $(BIN)/python manage.py up --host $(HOST) --port $(PORT)

test: install-dev  ## the suite, on a Postgres and Valkey of its own
	$(BIN)/python $(SUITE)

check: install-dev lint  ## all that CI checks
	$(BIN)/python $(MEASURE) $(SUITE) $(ARGS)

lint: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@# Compares models with files; without a database it only warns that it cannot look at the history.
	$(BIN)/python -W "ignore:Got an error checking a consistent migration history" manage.py makemigrations --check --dry-run

format: install-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hooks: install-dev  ## run the checks before each commit
	$(BIN)/pre-commit install

install: .venv/.installed
install-dev: .venv/.installed-dev

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tapedeck needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1): set PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.installed: requirements.txt | .venv/bin/python
	$(call install,requirements.txt)
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	$(call install,requirements-dev.txt)
	@touch $@

chaos: install-dev  ## kill workers and servers at random KILLS times while sessions are played, e.g. make chaos KILLS=200
	$(BIN)/python -m tests.faults --kills $(KILLS) --cut $(CUT)

random: install-dev  ## random orders, kills, seeks and forks on SEEDS sessions of real days, e.g. make random SEEDS=200
	RANDOM_SESSIONS=$(SEEDS) $(BIN)/python -m pytest -s tests/broker/test_random_sessions.py

bench: install-dev  ## measure: one table of the product's figures beside the machine's limits and other engines
	$(BIN)/python -m benchmarks

clean:  ## forget everything that was installed; var/ (your data) stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
