# What one does with this project; `make` alone lists it.
SHELL := /bin/sh
# One more than there are processors: tests wait for servers, browsers and processes of their own.
JOBS ?= $(shell expr $$(nproc) + 1)
ARGS ?=
BIN := .venv/bin
UV_COMPILE = uv pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(LOCK)

.DEFAULT_GOAL := help
.PHONY: help demo test explore static format catalogues bench lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## bill six months of the sample network into demo-out/, with the last month's PDFs
	@scripts/install runtime
	$(BIN)/technopark-billing demo demo-out

test: ## run every test on SQLite and on a throw-away PostgreSQL; ARGS="tests/… -k …" chooses
	@scripts/install test
	scripts/test --numprocesses $(JOBS) --dist worksteal $(ARGS)

explore: ## draw new examples for every property, ten times as many; what fails is printed as code for a test
	@scripts/install test
	EXPLORE=1 scripts/test --numprocesses $(JOBS) --dist worksteal $$(grep -rl 'examples(' tests --include='test_*.py') $(ARGS)

static: ## check style, types, the packages' borders, dead code and the rules of the house
	@scripts/install test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/dead_code.py
	$(BIN)/python -m pytest --quiet tests/test_architecture.py

format: ## put the code into the project's form
	@scripts/install test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

catalogues: ## enter the texts of the code that are new into invoices/locales/, to be translated there
	@scripts/install test
	$(BIN)/python scripts/catalogues.py

bench: ## measure against the limits of the drivers and the peers; ARGS chooses
	@scripts/install bench
	scripts/bench $(ARGS)

lock: ## lock pyproject.toml's dependencies again; LOCK=--upgrade takes newer versions
	@directory=$$(mktemp -d) && trap 'rm -rf "$$directory"' EXIT && \
	$(or $(PYTHON),python3) -m venv "$$directory" && "$$directory/bin/pip" install --quiet uv && \
	PATH="$$directory/bin:$$PATH" && set -x && \
	$(UV_COMPILE) pyproject.toml --all-extras --group build --group test --group static -o requirements/test.txt && \
	$(UV_COMPILE) pyproject.toml -c requirements/test.txt -o requirements/runtime.txt && \
	$(UV_COMPILE) pyproject.toml --extra dask -c requirements/test.txt -o requirements/dask.txt && \
	$(UV_COMPILE) pyproject.toml --extra parquet -c requirements/test.txt -o requirements/parquet.txt && \
	$(UV_COMPILE) pyproject.toml --extra salesforce -c requirements/test.txt -o requirements/salesforce.txt && \
	$(UV_COMPILE) pyproject.toml --extra seal -c requirements/test.txt -o requirements/seal.txt && \
	$(UV_COMPILE) --group build -c requirements/test.txt -o requirements/build.txt

clean: ## remove what the other targets made, .venv as well
	rm -rf .venv tests/tools/node_modules build dist demo-out ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
