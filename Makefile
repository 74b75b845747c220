# SPDX-License-Identifier: MIT
# Two commands are all: `make run` and `make test`. Each sets up what it needs first (see packaging/setup.sh).

# The Python to build .venv with, 3.11 to 3.14; empty means that one is looked for.
PYTHON ?=
export PYTHON

.DEFAULT_GOAL := help
# In as many processes as there are cores, and two for those that wait; each takes the next test that is left.
PYTEST := .venv/bin/python -m pytest -n auto --dist worksteal

.PHONY: help run lint unit integration system test sim mutants soak tsan fuzz vm-test desktops deb rpm arch wheel release translations clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Start vramswap from the checkout, on a private bus; with no display, show the whole job on the terminal
	@packaging/setup.sh run
	@exec .venv/bin/python -m tests.demo

lint: ## Run the linters: ruff, mypy, codespell, shellcheck and those of the desktop's files
	@packaging/setup.sh test
	@$(PYTEST) -m lint $(ARGS)

unit: ## Run the tests of single parts: a minute at most
	@packaging/setup.sh test
	@$(PYTEST) tests/unit -m "not lint and not release" $(ARGS)

integration: ## Run the tests of real programs on real buses, with a simulated GPU
	@packaging/setup.sh test
	@$(PYTEST) tests/integration $(ARGS)

system: ## Run the tests on a real kernel that swaps
	@packaging/setup.sh test
	@$(PYTEST) tests/system $(ARGS)

test: ## Run all of these: every test that can run here
	@packaging/setup.sh test
	@$(PYTEST) $(ARGS)

SEEDS ?= 10000
sim: ## Simulate the life cycle with SEEDS seeds, on all cores (about ten milliseconds each)
	@packaging/setup.sh run
	@.venv/bin/python -m tests.sim.run --seeds $(SEEDS)

mutants: ## Break the product in every way that tests/sim/mutants.py and tests/mutants.py know, and see that it is noticed
	@packaging/setup.sh run
	@.venv/bin/python -m tests.sim.mutants
	@.venv/bin/python -m tests.mutants

KILLS ?= 100
TRANSPORT ?= nbd
COMPRESSION ?= off
soak: ## Kill engine, keeper and helper KILLS times under load in a real kernel, and verify every page (ten seconds each; TRANSPORT=ublk, COMPRESSION=lz4)
	@packaging/setup.sh test
	@.venv/bin/python -m tests.system.soak $(KILLS) --transport $(TRANSPORT) --compression $(COMPRESSION) $(ARGS)

tsan: ## Look for data races in the engine, with gcc's ThreadSanitizer
	@packaging/setup.sh test
	@.venv/bin/python -m tests.tsan

SECONDS ?= 300
fuzz: ## Feed the data path anything for SECONDS: packed pages under AddressSanitizer, clients' bytes with libFuzzer (needs clang)
	@packaging/setup.sh test
	@.venv/bin/python -m tests.fuzz $(SECONDS)

vm-test: ## Try the Debian package in a virtual machine: install, reboot, upgrade, remove (needs root; ARGS=openrc for the one without systemd)
	@packaging/setup.sh test
	@.venv/bin/python -m tests.vm.run $(ARGS)

desktops: ## Try the Debian package on Plasma, GNOME, Xfce, MATE, LXQt and sway, with pictures in build/desktops/pictures (needs root)
	@packaging/setup.sh test
	@.venv/bin/python -m tests.desktops $(ARGS)

deb: ## Build the Debian package for this release into dist/
	@packaging/deb.sh

rpm: ## Build the RPM for this release of Fedora into dist/
	@packaging/rpm.sh $(ARGS)

arch: ## Build the package for this machine's Arch Linux into dist/ (not as root)
	@packaging/arch.sh $(ARGS)

wheel: ## Build the wheel, one for every distribution and Python, into dist/
	@packaging/setup.sh run
	@PYTHON=$(CURDIR)/.venv/bin/python packaging/wheel.sh

release: ## Check that all versions agree, then test and build everything into dist/
	@packaging/setup.sh test
	@.venv/bin/python packaging/versions.py --released
	@$(MAKE) --no-print-directory test
	@$(PYTEST) -m release
	@$(MAKE) --no-print-directory wheel deb
	@cd dist && sha256sum vramswap[_-]*"$$(sed -n 's/^__version__ = "\(.*\)"$$/\1/p' ../vramswap_gui/__init__.py)"* >SHA256SUMS && cat SHA256SUMS

translations: ## Bring the tray's catalogues up to date with the texts in the code
	@packaging/setup.sh run
	@.venv/bin/python packaging/translations.py

clean: ## Remove what the commands made inside the checkout
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find vramswap_gui \( -name "*.cpp" -o -name "*.so" \) -delete
	find vramswap_gui tests -name __pycache__ -type d -exec rm -rf {} +
