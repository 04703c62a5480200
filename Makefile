# One word a habit; `make` alone lists them.
#
# A fresh machine needs make, a C compiler and Python 3.11 or later; Node 20, Chromium and wrk for
# the tests. Everything else is installed below this folder, from where pip, uv and npm are configured
# to take it (UV_DEFAULT_INDEX names another index for uv).
#
#   PYTHON=…   another Python        UV=…   another uv        CHROMIUM=…   another browser
#   ARGS=…     passed on by demo, test, migrate and lock, such as ARGS="tests/unit -x"

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

is_python = -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for p in python3.11 python3 /usr/bin/python3.11 /usr/bin/python3 python3.12 \
  python3.13 python3.14; do if $$p $(is_python); then echo $$p; break; fi; done)
UV_VERSION := 0.13.9
UV ?= $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
BIN := .venv/bin
RUN := $(BIN)/bashgah
PYTEST := $(BIN)/pytest --numprocesses 2 --dist worksteal
INSTALL = $(UV) pip install --quiet --python $(BIN)/python

# Only a Python that is on the machine; and this folder's environment, whatever the shell has on.
export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV

CHECKS := $(addprefix check-,format lint types imports schema migrations locks)
.PHONY: help demo test check fmt schema migrate lock npm browser wrk bench bench-drop clean $(CHECKS)

help: ## show this table
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: .venv/.runtime ## start everything on this machine: databases, sample data, API, workbench
	@if ! command -v npm >/dev/null; then \
	  echo "make demo: no Node (20 or later) here, so /graphiql stays closed; /graphql works" >&2; \
	elif ! $(MAKE) --no-print-directory npm; then \
	  echo "make demo: npm did not install GraphiQL, so /graphiql stays closed; /graphql works" >&2; \
	fi
	@exec $(RUN) demo $(ARGS)

test: .venv/.dev npm browser wrk ## run all tests on two cores; ARGS="tests/unit -k money" for some
	$(PYTEST) $(ARGS)
ifeq ($(strip $(ARGS)),)
	BASHGAH_TEST_EXECUTOR=reference $(PYTEST) tests/api
endif

check: $(CHECKS) ## check format, types, imports, SDL, migrations, locks; `make -k` does not stop

fmt: .venv/.dev ## format the code and mend what the linter can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

schema: .venv/.runtime ## write schema.graphql from the code, and the manifest of trusted documents
	$(RUN) schema export

migrate: .venv/.runtime ## bring the database of BASHGAH_DATABASE_URL to the newest tables
	$(RUN) migrate $(ARGS)

lock: $(filter .uv/bin/uv,$(UV)) ## choose versions anew where pyproject asks for it; ARGS=--upgrade for all
	$(COMPILE) --group build -o requirements.lock $(ARGS)
	$(COMPILE) --group build --group dev -c requirements.lock -o requirements-dev.lock $(ARGS)

npm: node_modules/.installed ## install GraphiQL, the HTTP audit and what drives the browser tests
	@:

browser: ## find Chromium for the browser tests, or install Debian's
	@for name in "$$CHROMIUM" chromium chromium-browser google-chrome; do \
	  if command -v "$$name" >/dev/null 2>&1; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; \
	else \
	  echo "make browser: the browser tests need Chromium. On Debian: sudo apt-get install chromium." >&2; \
	  echo "Elsewhere install it as usual; CHROMIUM=/path/to/it where it is not on PATH." >&2; \
	  exit 1; \
	fi

wrk: ## find wrk, which makes the load of `make bench`, or install Debian's
	@if command -v wrk >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends wrk; \
	else \
	  echo "make wrk: the benchmark needs wrk. On Debian: sudo apt-get install wrk." >&2; \
	  echo "Elsewhere install it as usual, on PATH: https://github.com/wg/wrk" >&2; \
	  exit 1; \
	fi

bench_option = $(if $($(1)),--$(2) '$($(1))')
bench: .venv/.runtime wrk ## measure this server beside floors and ceilings; ARGS=--help tells of its options
	$(BIN)/python -m benchmarks run $(call bench_option,MEMBERS,members) \
	  $(call bench_option,PURCHASES,purchases) $(call bench_option,STORES,stores) \
	  $(call bench_option,DATA,data) $(call bench_option,SCREENS,screens) \
	  $(call bench_option,VARIANTS,variants) $(call bench_option,ROUNDS,rounds) \
	  $(call bench_option,SECONDS,seconds) $(call bench_option,JSON,json) \
	  $(call bench_option,MARKDOWN,markdown) $(ARGS)

bench-drop: .venv/.runtime ## delete the data of `make bench`: MEMBERS=… or DATA=…
	$(BIN)/python -m benchmarks drop $(call bench_option,MEMBERS,members) $(call bench_option,DATA,data)

clean: ## remove what the tools made; .data, the demo's databases, stays
	rm -rf .venv .uv node_modules build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The parts of `check`; each can be asked for alone.

check-format: .venv/.dev
	$(BIN)/ruff format --check

check-lint: .venv/.dev
	$(BIN)/ruff check

check-types: .venv/.dev
	$(BIN)/mypy

check-imports: .venv/.dev
	$(BIN)/lint-imports --no-logo

check-schema: .venv/.dev
	$(RUN) schema check

check-migrations: .venv/.dev
	$(RUN) migrate --check

# Says which lock file holds a download address: it would bind every machine to one registry.
check-locks: .venv/.dev
	$(BIN)/pytest tests/architecture/test_import_contracts.py -k lock_file

COMPILE = $(UV) pip compile pyproject.toml --generate-hashes --no-emit-index-url \
  --custom-compile-command "make lock" --universal --python-version 3.11 -q

# The environment holds absolute paths: one made elsewhere, before the checkout moved, is made anew.
ifneq ($(shell cat .venv/.made-in 2>/dev/null),$(CURDIR))
.PHONY: .venv/.made-in
endif

.venv/.made-in: | $(filter .uv/bin/uv,$(UV))
	@$(if $(PYTHON),,echo "Python 3.11 or later (with venv) is needed: PYTHON=/path/to/it" >&2; exit 1)
	$(UV) venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv
	@printf %s "$(CURDIR)" > $@

# Exactly the locked files, checked by their hashes; then our own packages, from this folder.
.venv/.runtime: requirements.lock pyproject.toml .venv/.made-in
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

.uv/bin/uv:
	@$(if $(PYTHON),,echo "Python 3.11 or later (with venv) is needed: PYTHON=/path/to/it" >&2; exit 1)
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

node_modules/.installed: package.json package-lock.json .npmrc
	@command -v npm >/dev/null || { echo "make npm: Node 20 or later with npm is needed" >&2; exit 1; }
	npm ci --loglevel=error
	@touch $@
