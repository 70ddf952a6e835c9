# On a fresh machine `make demo` or `make test` is all: each makes .venv first.

PYTHON ?= python3
UPGRADE ?=

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
UNFINISHED := $(VENV)/.unfinished

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all lint types docs lock clean doctor FORCE

# A .venv that was moved or copied still runs the code of its old folder: make it anew.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
$(STAMP): FORCE
endif

help: ## Say what each target does
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; \
	do printf '  make %-9s %s\n' "$$name" "$$text"; done

demo: doctor ## Run all four jobs on rendered faces; results in mien-demo/
	@$(PY) -m mien demo

test: doctor lint types ## Check everything, without the tests that take minutes
	$(PY) -m pytest -n 2 --dist loadfile -m "not slow"

test-all: doctor lint types ## Check everything, with the slow tests
	$(PY) -m pytest -n 2 --dist loadfile

lint: $(STAMP) ## Style, format and the direction of imports
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	PYTHONPATH=typings $(VENV)/bin/lint-imports --no-logo

types: $(STAMP) ## Type hints
	$(PY) -m mypy

docs: $(STAMP) ## Build the site in docs/_build/html
	$(PY) -m sphinx -q -W --keep-going docs docs/_build/html

# Silent unless something is missing; fetches the landmarker's model bundle the first time.
doctor: $(STAMP)
	@report=$$($(PY) -m mien doctor --fetch 2>&1) || { printf '%s\n' "$$report" >&2; exit 1; }

lock: ## Pin the dependencies of pyproject.toml; UPGRADE=--upgrade for newer ones (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@uv pip compile --quiet --no-config --universal --python-version 3.11 --extra dev \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" $(UPGRADE) pyproject.toml -o requirements.lock

clean: ## Remove .venv and caches; keeps mien-demo/ and other results
	rm -rf $(VENV) build dist docs/_build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp comes last and holds this folder's path. While the marker for an unfinished
# installation is there, the next run begins with an empty .venv.
$(STAMP): requirements.lock pyproject.toml
	@python=; \
	for candidate in $(PYTHON) python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
	  then python=$$candidate; break; fi; \
	done; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo='sudo '; \
	if [ -z "$$python" ]; then \
	  echo "Mien needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
	  echo "On Debian 12 or 13: $${sudo}apt-get install -y python3 python3-venv" >&2; \
	  echo "Or name one: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python has no venv module. On Debian or Ubuntu:" >&2; \
	  echo "$${sudo}apt-get install -y $$(basename "$$python")-venv" >&2; exit 1; \
	fi; \
	if [ -e $(UNFINISHED) ] || ! $(PY) -m pip --version >/dev/null 2>&1 \
	  || { [ -e $@ ] && [ "$$(cat $@)" != "$(CURDIR)" ]; }; then rm -rf $(VENV); fi; \
	rm -f $@; mkdir -p $(VENV); touch $(UNFINISHED); \
	[ -x $(PY) ] || "$$python" -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV) (at first 810 MB to download, 3 GB on disk)"
	@quiet=-qq; [ ! -t 1 ] || quiet=; \
	$(PY) -m pip install $$quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@rm $(UNFINISHED); printf '%s' "$(CURDIR)" > $@
