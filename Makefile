# Every target sets up what it needs; a second run finds the stamps and starts at once.

PORT ?= 8000
DATA ?= var
MAP ?=
T ?= tests
PYTEST_ARGS ?=

PYTHON := .venv/bin/python
LOCKED := uv pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null)
# The machine code of the search, half a minute on a machine that never made it: no test shall wait for that.
COMPILE := $(PYTHON) -m scheduler.engines.warm
RUN_STAMP := .venv/.run-stamp
DEV_STAMP := .venv/.dev-stamp
TOOLS_STAMP := .venv/.tools-stamp
BENCH := .venv-bench/bin/python -m bench
BENCH_STAMP := .venv-bench/.stamp
STATIC_STAMP := fieldservice/static/vendor/manifest.json

.PHONY: help setup setup-tests demo run test races chaos chaos-messages hostile bench bench-messages bench-smoke check format messages lock clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(RUN_STAMP) $(STATIC_STAMP)  ## virtual environment and front-end build

demo: setup  ## a demo company, planned for today, on PORT= with DATA= and optionally MAP=file.osm.pbf
	@exec .venv/bin/fieldservice demo --port $(PORT) --data "$(DATA)" $(if $(MAP),--map "$(MAP)")

run: setup  ## the product on PORT= with DATA=, without demo data
	@exec .venv/bin/fieldservice run --port $(PORT) --data "$(DATA)"

setup-tests: setup $(TOOLS_STAMP)  ## what the tests need beside that: tools, Chromium, Redis

test: setup-tests  ## all tests, or T=path; PYTEST_ARGS= for more
	@$(COMPILE)
	$(PYTHON) -m pytest -n 2 -m "not alone" $(PYTEST_ARGS) $(T) || [ $$? = 5 ]
	$(PYTHON) -m pytest -m alone -rx $(PYTEST_ARGS) $(T) || [ $$? = 5 ]

races: setup-tests  ## the bounds of the last slot and the second start, missed or kept; needs a quiet machine
	TEST_BOUNDS=strict RACE_ROUNDS=$(or $(RACE_ROUNDS),20) $(PYTHON) -m pytest -s tests/stories/test_last_slot.py tests/setup/test_supervisor.py

chaos: setup-tests  ## kill -9 under load for some minutes, CHAOS_CYCLES= times
	CHAOS_CYCLES=$(or $(CHAOS_CYCLES),60) $(PYTHON) -m pytest -s tests/chaos

chaos-messages: setup-tests  ## CHAOS_MESSAGES= messages with CHAOS_KILLS= kills, some ten minutes on each database
	CHAOS_MESSAGES=$(or $(CHAOS_MESSAGES),24000) CHAOS_KILLS=$(or $(CHAOS_KILLS),40) $(PYTHON) -m pytest -s --timeout 7200 tests/fieldservice/messages/test_side_by_side.py -k killed

hostile: setup-tests  ## a thousand hostile posts to every form, 200 requests to every operation of the API
	HOSTILE_POSTS=$(or $(HOSTILE_POSTS),1000) $(PYTHON) -m pytest -n 2 tests/stories/test_hostile_input.py -k many_posts --timeout 3600
	API_EXAMPLES=$(or $(API_EXAMPLES),200) $(PYTHON) -m pytest tests/fieldservice/api/test_anything.py

bench: $(BENCH_STAMP)  ## every benchmark beside other solvers, some hours; writes docs/benchmarks.md
	$(BENCH) all

bench-messages: setup-tests  ## messages a second and worker, 10,000 that are due at once; needs a quiet machine
	$(PYTHON) -m bench.messages

bench-smoke: $(BENCH_STAMP)  ## small versions of the benchmarks in less than a minute
	$(BENCH) smoke

check: setup $(DEV_STAMP)  ## format, lint, types, import rules, templates, documentation
	@$(COMPILE)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m pytest tests/setup/test_templates.py tests/setup/test_documentation.py tests/setup/test_repository.py tests/docs

format: $(DEV_STAMP)  ## let ruff arrange the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

messages: $(RUN_STAMP)  ## write the texts for translators to fieldservice/translations/messages.pot
	$(PYTHON) scripts/messages.py

lock:  ## pin the dependencies of pyproject.toml again (needs uv)
	$(LOCKED) --output-file requirements.lock
	$(LOCKED) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCKED) --group bench --constraint requirements.lock --output-file requirements-bench.lock

clean:  ## remove what the other targets made, except DATA
	rm -rf .venv .venv-bench build dist frontend/node_modules fieldservice/static/vendor
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The developers' packages contain the product's: whoever has them keeps them.
$(RUN_STAMP): requirements.lock requirements-dev.lock scripts/python-env scripts/lib.sh scripts/requirements-uv.lock
	@scripts/python-env $(if $(wildcard $(DEV_STAMP)),requirements-dev.lock,requirements.lock)
	@touch $@ $(wildcard $(DEV_STAMP))

$(DEV_STAMP): $(RUN_STAMP)
	@scripts/python-env requirements-dev.lock
	@touch $(RUN_STAMP) $@

# The other solvers stay out of the product's environment.
$(BENCH_STAMP): requirements-bench.lock scripts/bench-env scripts/lib.sh scripts/requirements-uv.lock
	@scripts/bench-env
	@touch $@

# A tool that is still missing afterwards fails the tests that need it, with a sentence.
$(TOOLS_STAMP): $(DEV_STAMP) scripts/test-tools scripts/lib.sh
	@scripts/test-tools
	@touch $@

$(STATIC_STAMP): $(FRONTEND) scripts/frontend scripts/lib.sh scripts/requirements-node.lock
	@scripts/frontend
	@touch $@
