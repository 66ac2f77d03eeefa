# `make` lists the targets. Each makes .venv first, with uv or python3-venv, whichever is there.
.DEFAULT_GOAL := help
.PHONY: help setup demo check test test-slow bench lock clean

# Tests wait for processes more than they compute: two workers a core.
WORKERS := $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
PYTEST = .venv/bin/pytest -n $(WORKERS) --dist worksteal -q

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 18

setup: ## make .venv/bin/rp, and what its tests need
	@sh scripts/setup.sh

demo: setup ## see rp do its main job on a simulator: no key, no cost
	@.venv/bin/rp demo

check: setup ## formatting, lint, strict types
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy

test: check ## check, and every test but the slow ones
	$(PYTEST) -m 'not slow'

test-slow: setup ## real kills of real deploys, and other long tests
	$(PYTEST) -m slow

bench: setup ## start-up time, deploy latency, API calls, placement
	.venv/bin/python bench/run.py

lock: ## renew requirements/dev.lock (needs uv)
	uv pip compile pyproject.toml --extra sim --extra notify --group dev --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-emit-index-url --quiet -o requirements/dev.lock

clean: ## remove .venv and caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
