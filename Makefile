# Every target sets itself up: a machine with Python 3.11+, pip, make and git needs nothing else.
PYTHON ?= python3
VENV := .venv
# Processes that share the tests.
WORKERS ?= auto
BIN := $(VENV)/bin
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --quiet
export PYTHONDONTWRITEBYTECODE ?=

.PHONY: lock clouds nginx slurm pango chromium promtool screenshots run peers policy-peers places test test-all check bench format clean help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'

run: $(VENV)/.run  ## run the demo: a sample cloud behind the gate, five requests, then keep serving
	@$(BIN)/kyc-gate demo $(ARGS)

test: $(VENV)/.test postgresql nginx slurm pango chromium  ## run lint, types, import contracts, policy cases and the tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/kyc-gate policy lint
	@$(BIN)/kyc-gate policy fmt --check
	@$(BIN)/kyc-gate policy test
	@$(BIN)/python -m pytest -m "not long" -n $(WORKERS) --dist worksteal $(ARGS)

test-all: $(VENV)/.test promtool  ## the same, with the long tests: a thousand kills, racing jobs by the hundred
	@HYPOTHESIS_PROFILE=anew $(MAKE) --no-print-directory test
	@$(BIN)/python -m pytest -m long $(ARGS)

check: $(VENV)/.test  ## format, lint, types, import contracts and tests
	@$(BIN)/ruff format .
	@$(MAKE) --no-print-directory test

bench: $(VENV)/.test  ## measure the cost of the gate beside its peers, in one run
	@$(BIN)/python -m benchmarks $(ARGS)

peers:  ## set up the open matchers that `make bench` measures beside, in an environment of their own
	@$(PYTHON) -m venv --without-pip $(VENV)-peers
	@$(PYTHON) -m pip --python $(VENV)-peers/bin/python --disable-pip-version-check --quiet install 'nomenklatura>=4.17' 'rapidfuzz>=3.13' || echo "peers: pyicu is built from source: it needs a compiler, pkg-config and libicu-dev"

policy-peers:  ## set up the policy engines that `make bench` measures beside, in an environment of their own
	@$(PYTHON) -m venv --without-pip $(VENV)-policy
	@$(PYTHON) -m pip --python $(VENV)-policy/bin/python --disable-pip-version-check --quiet install 'cel-python>=0.5' 'cedarpy>=4.12' 'regopy>=1.5' 'pycasbin>=2.8' 'common-expression-language>=0.10'

clouds: $(VENV)/.test  ## try the doors with the clients that are too large for every run: Google's of Compute Engine, Oracle's, SkyPilot
	@$(PIP) install --editable '.[clouds]'
	@$(PYTHON) -m venv --without-pip $(VENV)-skypilot
	@$(PYTHON) -m pip --python $(VENV)-skypilot/bin/python --disable-pip-version-check --quiet install 'skypilot>=0.14'
	@$(PYTHON) -m venv --without-pip $(VENV)-aiobotocore
	@$(PYTHON) -m pip --python $(VENV)-aiobotocore/bin/python --disable-pip-version-check --quiet install --editable '.[aiobotocore]' 'aiobotocore==3.10.*' 'boto3==1.43.50' pytest pytest-asyncio pytest-timeout hypothesis
	@$(VENV)-aiobotocore/bin/python -m pytest tests/client/test_botocore.py -k aiobotocore
	@$(BIN)/python -m pytest tests/clouds $(ARGS)

screenshots: $(VENV)/.test chromium  ## take the pictures of docs/console.md anew
	@PYTHONPATH=tests $(BIN)/python tools/screenshots.py

lock:  ## pin every package of the gate and its extras by the hashes of its files
	@$(PYTHON) -m venv --without-pip $(VENV)-lock
	@$(PYTHON) -m pip --python $(VENV)-lock/bin/python --disable-pip-version-check --quiet install 'pip-tools>=7.5' pip
	@PYTHON=$(VENV)-lock/bin/python tools/lock

format: $(VENV)/.test  ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

places:  ## bake the table of places anew from published data, in an environment of its own
	@$(PYTHON) -m venv --without-pip $(VENV)-places
	@$(PYTHON) -m pip --python $(VENV)-places/bin/python --disable-pip-version-check --quiet install -r tools/bake-requirements.txt
	@PYTHONPATH=. $(VENV)-places/bin/python tools/bake_places.py $(ARGS)

clean:  ## remove what the other targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# $(call debian,name,whether it is there,packages): where it is missing, Debian's packages are tried; without them the
# tests that need it skip.
APT := apt-get install -y -qq --no-install-recommends
define debian
	@$(2) || { \
	  echo "installing $(1) ..."; \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  { $(APT) $(3) >/dev/null 2>&1 || { apt-get update -qq >/dev/null 2>&1 && $(APT) $(3) >/dev/null 2>&1; }; } || \
	  echo "$(1) could not be installed; its tests will be skipped"; }
endef

# The tests start a PostgreSQL server of their own.
postgresql:
	$(call debian,PostgreSQL,{ command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1,postgresql)

# A test puts nginx in front of the gateway.
nginx:
	$(call debian,nginx,{ command -v nginx || [ -x /usr/sbin/nginx ]; } >/dev/null 2>&1,nginx-light)

# Tests ask a real slurmctld.
SLURM := slurmctld slurm-client slurmrestd slurm-wlm-basic-plugins slurm-wlm-jwt-plugin munge curl
slurm:
	$(call debian,Slurm,{ command -v slurmctld || [ -x /usr/sbin/slurmctld ]; } >/dev/null 2>&1,$(SLURM))

# Papers as PDF are laid out with Pango.
pango:
	$(call debian,Pango,ldconfig -p | grep -q libpangoft2,libpango-1.0-0 libpangoft2-1.0-0 fonts-dejavu-core)

# Tests look at the console with a browser.
chromium:
	$(call debian,Chromium,command -v chromium >/dev/null,chromium)

# Long tests have Prometheus' own tool check metrics and alerts.
promtool:
	$(call debian,promtool,command -v promtool >/dev/null,prometheus)

# Without ensurepip (Debian's python3 without python3-venv) the environment is made bare and filled from outside.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("kyc_gate needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) ..."
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) with the test tools ..."
	@$(PIP) install --editable '.[test]'
	@touch $@ $(VENV)/.run
