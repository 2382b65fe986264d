# The verbs of this project. Bare `make` prints them. Needs make and a Python of 3.11 to 3.13.
#
#   END=newest    runs a verb with the newest supported versions instead of the oldest (see .ci/ends)
#   PYTHONS=3.12  the Pythons that may make the environment, the preferred one first
#   PORT=8000     where `make demo` listens
#   T=path        what `make test` and `make e2e` run, and with which options of pytest

END ?= oldest
ifeq ($(END),newest)
ENV := .venv-newest
# Django 6.1 has left Python 3.11 behind.
PYTHONS ?= 3.13 3.12
else
ENV := .venv
PYTHONS ?= 3.11 3.12 3.13
endif
BIN := $(ENV)/bin
PORT ?= 8000
# Absolute, because a recipe may change its directory.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format prepare e2e soak bench audit graphiql schema clean

help:
	@sed -n -E 's/^([a-z0-9-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(ENV)/.stamp ## Serve the example board on 127.0.0.1:8000 (PORT= changes it).
	PORT=$(PORT) python -m examples.board

test: $(ENV)/.stamp .venv-upstream/.stamp ## Run every test but the end-to-end ones (END=newest, T=tests/graphql).
	python -m pytest $(if $(T),$(T),tests --ignore=tests/e2e -n auto --dist loadfile --no-loadscope-reorder)

check: $(ENV)/.stamp ## Check format, style, types and the direction of imports.
	ruff format --check .
	ruff check .
	mypy
	lint-imports

format: $(ENV)/.stamp ## Rewrite the sources in the one format.
	ruff format .
	ruff check --fix .

ROOMS := tests/e2e $(addprefix tests/e2e/,http codegen federation relay)
CLIENTS := $(ROOMS:=/node_modules/.stamp) .venv-ariadne-codegen/.stamp .venv-gql/.stamp
prepare: $(ENV)/.stamp .venv-upstream/.stamp $(CLIENTS) graphiql ## Install what tests need; with `-j` side by side.

e2e: $(ENV)/.stamp $(CLIENTS) graphiql ## Drive the running demo with clients from npm and a browser.
	python -m pytest $(if $(T),$(T),tests/e2e -n auto --dist loadfile --no-loadscope-reorder)

soak: $(ENV)/.stamp ## Repeat what every run repeats in part, in full: long, and prints the counts (T=tests/protocols).
	SOAK=1 python -m pytest -m soak -n auto $(if $(T),$(T),tests)

PEERS := $(patsubst benchmarks/requirements/%.txt,.venv-bench-%/.stamp,$(wildcard benchmarks/requirements/*.txt))
bench: $(ENV)/.stamp $(PEERS) ## Write benchmarks/report.md: what the library and its peers cost, next to the least.
	python -m benchmarks

audit: $(ENV)/.stamp tests/e2e/node_modules/.stamp tests/e2e/http/node_modules/.stamp ## Write docs/graphql-over-http-audit.md: what its authors' suite says of the board.
	WRITE_REPORT=1 python -m pytest tests/e2e/http/test_audits.py

graphiql: explorer/node_modules/.stamp ## Put GraphiQL into the page of the GraphQL view; needs npm.

schema: $(ENV)/.stamp ## Write the published contracts of the example into schema/.
	examples/board/manage.py export_schema

clean: ## Remove the environments and everything else that can be made again.
	rm -rf .venv .venv-* tests/e2e/node_modules tests/e2e/*/node_modules tests/e2e/*/generated
	rm -rf explorer/node_modules dcrf_graph/transports/graphiql
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist var
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Environments. Each is made once, and again when what it is made of changes.

.venv/.stamp: pyproject.toml .ci/ends/oldest.txt
	test -x .venv/bin/python || { python=$$(.ci/find-python $(PYTHONS)) && "$$python" -m venv .venv; }
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c .ci/ends/oldest.txt
	touch $@

.venv-newest/.stamp: pyproject.toml .ci/ends/newest.txt
	test -x .venv-newest/bin/python || { python=$$(.ci/find-python $(PYTHONS)) && "$$python" -m venv .venv-newest; }
	.venv-newest/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c .ci/ends/newest.txt
	touch $@

# What the comparison suite compares with; apart, because it must be the published package alone.
.venv-upstream/.stamp: .ci/ends/upstream.txt
# Clients in Python that the end-to-end tests run, each beside nothing else.
.venv-ariadne-codegen/.stamp: tests/e2e/codegen/ariadne-codegen.txt
.venv-gql/.stamp: tests/e2e/python_gql/requirements.txt
# The other libraries that `make bench` measures.
$(PEERS): .venv-bench-%/.stamp: benchmarks/requirements/%.txt

.venv-upstream/.stamp .venv-ariadne-codegen/.stamp .venv-gql/.stamp $(PEERS):
	test -x $(@D)/bin/python || { python=$$(.ci/find-python $(PYTHONS)) && "$$python" -m venv $(@D); }
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

%/node_modules/.stamp: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	touch $@

explorer/node_modules/.stamp: explorer/package-lock.json explorer/build.py
	python3 explorer/build.py
	touch $@
