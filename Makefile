# The default target lists the others. Nothing outside this folder is touched but the caches that pip,
# uv, numba and matplotlib keep in the user's own (~/.cache).
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/python -m uv -q
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=300
# Two workers, each file in one of them, in the order of tests/conftest.py.
PYTEST := -m pytest -n 2 --dist loadfile --no-loadscope-reorder
LOCK ?= requirements.lock

# Two notebooks run side by side: one thread each, so that neither starves the other.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
# No installation into the user's own packages, whatever pip is told elsewhere.
export PIP_USER := 0
# Where this is set, every process compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

# The Python asked for, else the environment's own. An environment is named by its version and by
# content, not by time: a touched file or a fresh checkout redoes nothing.
CHOSEN := $(if $(filter file,$(origin PYTHON)),$(shell $(BIN)/python -c 0 2>/dev/null && echo $(BIN)/))$(PYTHON)
VERSION := $(shell $(CHOSEN) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
READY := .venv/ready-$(VERSION)-$(shell { pwd; cat pyproject.toml requirements.lock; } | cksum | tr ' ' '-')

.DEFAULT_GOAL := help
.PHONY: help paper html check test weekly oldest tamper tables salts claims lint lab lock ledger address bench mutation cupy gpu live colab slides clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo "  .venv is made by PYTHON=$(PYTHON); TD_BUDGET=quick|ci|paper sets the size of the runs"

paper: $(READY)  ## execute the notebooks whose inputs changed (ONLY=03 for one)
	@$(BIN)/python -m tools.paper $(ONLY)

html: $(READY)  ## build the HTML edition in docs/_build/html, offline
	$(BIN)/python -m sphinx -q -E -a -W --keep-going docs docs/_build/html
	@echo "read docs/_build/html/index.html"

check: $(READY)  ## run what is fast, after every edit: unit tests, lint, types, pairs in sync
	$(BIN)/python $(PYTEST) -m "not slow and not weekly"

test: $(READY)  ## run every check but the weekly ones, the notebooks included
	$(BIN)/python $(PYTEST) $(NBVAL) -m "not weekly"

weekly: $(READY)  ## run the checks that need minutes or an environment of their own
	$(BIN)/python -m pytest -m weekly

oldest: $(READY)  ## run every check with the oldest dependencies allowed
	$(UV) venv --clear --python $(BIN)/python .venv/oldest
	$(UV) pip install --python .venv/oldest/bin/python --resolution lowest-direct --group test --editable .
	.venv/oldest/bin/python $(PYTEST) $(NBVAL) -m "not weekly" -W ignore::DeprecationWarning

tamper: $(READY)  ## alter digits and a figure in copies of the notebooks and see the checks fail (ONLY=03 for one)
	$(BIN)/python -m tools.tamper $(ONLY)

tables: $(READY)  ## recompute random cells of the stored tables and sign those that agree (ONLY=needed for one)
	$(BIN)/python -m tools.tables $(ONLY)

salts: $(READY)  ## run every notebook with other seeds, salts 1 to 5; every assertion holds (ONLY="03 salt=7" for one)
	$(BIN)/python -m tools.salts $(ONLY)

claims: $(READY)  ## make each claim false in a copy and see its test fail (ONLY=A for one)
	$(BIN)/python -m tools.claims $(ONLY)

lint: $(READY)  ## format the code, then lint it and check its types
	$(BIN)/python -m ruff format -q
	$(BIN)/python -m ruff check
	$(BIN)/python -m mypy

lab: $(READY)  ## open the notebooks in JupyterLab, where saving one writes both its files (ARGS=--no-browser)
	$(UV) pip install --python $(BIN)/python --group lab --constraint requirements.lock
	$(BIN)/python -m jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks $(ARGS)

lock: $(READY)  ## compile requirements.lock (ARGS=--upgrade for the newest)
	$(UV) pip compile pyproject.toml --group test --group docs --universal --python-version 3.11 \
		--generate-hashes --no-header -o $(LOCK) $(ARGS)

ledger: $(READY)  ## write the table of claims wherever it is shown
	$(BIN)/python -m tools.pages

address: ledger  ## write the address, and what archives read, wherever they are shown
	@$(BIN)/python -m tools.metadata

bench: $(READY)  ## time the code and write the tables of timings
	$(UV) pip install --python $(BIN)/python --group peers --constraint requirements.lock
	$(BIN)/python -m pytest tests/benchmarks/bench_*.py

mutation: $(READY)  ## change the core in thousands of ways and list what no test notices (hours)
	$(UV) pip install --python $(BIN)/python --group mutation --constraint requirements.lock
	$(BIN)/python -m mutmut run --max-children 2 $(ONLY)
	$(BIN)/python -m mutmut results

cupy: $(READY)  ## install Colab's cupy: `make test` then checks what td asks of it
	$(UV) pip install --python $(BIN)/python --group contract --constraint requirements.lock

gpu: $(READY)  ## check td on this machine's GPU, every notebook too, and write a receipt (ARGS=--help)
	@$(BIN)/python -c "import cupy" 2>/dev/null || $(UV) pip install --python $(BIN)/python --no-build-isolation --constraint requirements.lock --editable ".[gpu]"
	@PYTHONPATH=tests $(BIN)/python -m tools.gpu $(ARGS)

live: $(READY)  ## build the HTML edition with a page that runs td in the browser (needs npm)
	$(BIN)/python -m sphinx -q -E -a -W --keep-going -t live docs docs/_build/html
	$(BIN)/python -m tools.live

colab: $(READY)  ## write each notebook as one file for Colab, Kaggle or any Jupyter, in dist/colab
	@$(BIN)/python -m tools.colab

slides: $(READY)  ## write ten figures with a sentence each, dist/slides.pdf
	@$(BIN)/python -m tools.slides

clean:  ## remove the environment and all caches
	rm -rf docs/_build docs/notebooks dist .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY):
	@$(CHOSEN) tools/environment.py $@
