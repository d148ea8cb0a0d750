# Everything a person types. Each target sets up what it needs; nothing is installed twice.
# CONSTRAINTS says with which versions: constraints-lowest.txt for the oldest, /dev/null for the newest; `make clean` comes before.
PYTHON ?= python3
BIN := .venv/bin
RUN_READY := .venv/.ready-to-run
DEV_READY := .venv/.ready-to-develop
JAX_READY := .venv/.ready-for-jax
DASK_READY := .venv/.ready-for-dask
CONSTRAINTS ?= constraints.txt

.PHONY: run test jax dask check lint hooks bench clean
.DELETE_ON_ERROR:

run: $(RUN_READY)            ## the headline study: figures and tables in outputs/
	@$(BIN)/sim sweep study=headline

test: $(DEV_READY)           ## every test, the notebooks too
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --nbmake --nbmake-timeout=120

jax: $(JAX_READY)            ## the tests of the compiled kernel; installs the extra, some 400 MB
	$(BIN)/python -m pytest tests/engine/test_compiled.py

dask: $(DASK_READY)          ## the tests of clusters and of chunks behind URLs, with the extra that they need
	$(BIN)/python -m pytest tests/test_beyond.py

check: $(DEV_READY)          ## the fast part of the tests
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile -m "not slow" --ignore=notebooks

lint: $(DEV_READY)           ## style, types, import contract, spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/codespell

hooks: $(DEV_READY)          ## lint before every commit
	$(BIN)/pre-commit install

bench: $(JAX_READY)          ## docs/bench.md and docs/guide.md's figures of speed and memory, some ten minutes; installs JAX too
	$(BIN)/python -m experiments.bench

clean:                       ## remove the environment and caches; results stay
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "needs Python 3.11 to 3.13; say which with: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv .venv

$(RUN_READY): pyproject.toml $(CONSTRAINTS) | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(DEV_READY): pyproject.toml $(CONSTRAINTS) | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $@ $(RUN_READY)

$(JAX_READY): pyproject.toml $(CONSTRAINTS) | $(DEV_READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev,jax]'
	@touch $@

$(DASK_READY): pyproject.toml $(CONSTRAINTS) | $(DEV_READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev,dask]'
	@touch $@
