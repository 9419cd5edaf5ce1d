# The developer's interface. Every target prepares .venv by itself; Python 3.11 or newer and git are all it takes.

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
TOOLS := $(VENV)/.tools
READY := $(VENV)/.ready
# Tried in this order; `make PYTHON=/path/to/python test` decides. Each is really started, because a version manager's
# shims exist for versions that cannot run.
PYTHONS := $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python
PYTEST := $(PY) -m pytest
# `auto`: see tests/distribution.py. More than eight only contend for the disk: slow tests wait for fsync.
PYTEST_WORKERS ?= -n auto --maxprocesses 8 --dist loadgroup
# One more than processors: they wait for registries.
EXTERNAL_WORKERS ?= -n 3 --dist loadgroup
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test coverage torture torture-slice mutants external dist sbom docs check format bench docs-check clean

help: ## Show the targets.
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

demo: $(READY) ## Watch real agents work side by side in a throw-away clone (DEMO_ARGS=--dashboard for a page, too).
	$(VENV)/bin/gitcoord demo $(DEMO_ARGS)

test: $(READY) ## Run the tests (PYTEST_ARGS="-k claims").
	$(PYTEST) $(PYTEST_WORKERS) $(PYTEST_ARGS)

coverage: $(READY) ## Run the tests and report the lines and branches that none of them reached.
	$(PYTEST) $(PYTEST_WORKERS) --cov --cov-report=term-missing $(PYTEST_ARGS)

torture: $(READY) ## Run the tests that take minutes (SEED=N the same again, PART=fuzz one folder, SOAK=30m a longer load).
	@mkdir -p build; $(if $(PART),$(PY) -m tests.torture_report build/torture.jsonl --without tests/$(PART),rm -f build/torture.jsonl); \
	seed=$(SEED); seed=$${seed:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; \
	echo "The same again: make torture SEED=$$seed"; \
	TORTURE_SEED=$$seed TORTURE_SOAK=$(SOAK) TORTURE_REPORT=$(CURDIR)/build/torture.jsonl TORTURE_EXAMPLES=3000 \
	$(PYTEST) -m torture --timeout 1800 --hypothesis-seed=$$seed $(PYTEST_ARGS) $(if $(PART),tests/$(PART)); status=$$?; \
	$(PY) -m tests.torture_report build/torture.jsonl; echo "The same again: make torture SEED=$$seed"; exit $$status

torture-slice: $(READY) ## Run a minute of it with a fresh seed (SEED=N repeats one).
	@seed=$(SEED); seed=$${seed:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; \
	echo "The same again: make torture-slice SEED=$$seed"; \
	TORTURE_EXAMPLES=100 $(PYTEST) -n0 -m torture --timeout 900 --hypothesis-seed=$$seed tests/property

mutants: $(READY) ## Plant a fault for each promise, and see that a test of the promise catches it.
	$(PYTEST) $(PYTEST_WORKERS) -m torture --timeout 900 $(PYTEST_ARGS) tests/mutants

external: $(READY) ## Run what needs registries: programs that are not ours, and the wheel with libraries other than the pinned.
	$(PYTEST) $(EXTERNAL_WORKERS) -m external $(PYTEST_ARGS) tests/faces/mcp tests/packaging tests/site

dist: $(READY) ## Write the sdist and the wheel into dist/, checked; TAG=v1.2.3: as that release (needs the package index).
	$(PY) -m tests.packaging.release.packages dist $(TAG)

sbom: $(READY) ## Write the bill of materials and the licences of the wheel into dist/ (needs the package index).
	$(PY) -m tests.packaging.release.sbom dist

docs: $(READY) ## Build the documentation as a site, links checked, into build/site (needs the package index).
	$(PY) -m tests.site build/site

check: $(READY) ## Check format, lint, types, layers and prose.
	@status=0; \
	for tool in "ruff format --check" "ruff check" "basedpyright --pythonpath $(PY)" "lint-imports" "python -m tests.packaging.prose"; do \
	  echo "== $$tool"; $(VENV)/bin/$$tool || status=1; \
	done; \
	exit $$status

format: $(READY) ## Format, and fix what a machine can fix.
	$(VENV)/bin/ruff check --fix-only --quiet
	$(VENV)/bin/ruff format

bench: $(READY) ## Measure (ONLY=P2 for one; BENCH_ARGS=--peers for the comparison).
	$(PY) -m tests.bench $(if $(ONLY),--only $(ONLY)) $(BENCH_ARGS)

docs-check: $(READY) ## Compare the documents with the code, and preview the changelog.
	$(PYTEST) -m docs $(PYTEST_ARGS)
	$(VENV)/bin/towncrier build --draft --version next

clean: ## Remove what the other targets made.
	rm -rf $(VENV) build dist htmlcov bench.json .coverage .coverage.* .hypothesis .pytest_cache .ruff_cache .import_linter_cache
	find gitcoord tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(TOOLS): tests/requirements.txt
	@found=; for candidate in $(PYTHONS); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "gitcoord needs Python 3.11 or newer; none of these is: $(PYTHONS). Install one, or say make PYTHON=/path/to/python." >&2; exit 1; \
	fi; \
	rm -rf $(VENV); \
	if ! "$$found" -m venv $(VENV); then \
	  echo "$$found cannot make a virtual environment; on Debian and Ubuntu that takes the package python3-venv." >&2; exit 1; \
	fi
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@touch $@

$(READY): $(TOOLS) pyproject.toml gitcoord/__init__.py
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
