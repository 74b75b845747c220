# Two commands are all: `make run` and `make test`. Each sets up what it needs first (see packaging/setup.sh).

# The Python to build .venv with, 3.11 to 3.14; empty means that one is looked for.
PYTHON ?=
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test check deb clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Start vramswap from the checkout, on a private bus; with no display, show the whole job on the terminal
	@packaging/setup.sh run
	@exec .venv/bin/python -m tests.demo

test: ## Run every test that can run here
	@packaging/setup.sh test
	@.venv/bin/python -m pytest $(ARGS)

check: ## Run the quick linters alone (ruff, mypy)
	@packaging/setup.sh run
	@.venv/bin/ruff check .
	@.venv/bin/mypy

deb: ## Build the Debian package for this release into dist/
	@packaging/deb.sh

clean: ## Remove what the commands made inside the checkout
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f vramswap_gui/*/*.cpp vramswap_gui/*/*.so
	find vramswap_gui tests -name __pycache__ -type d -exec rm -rf {} +
