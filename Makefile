# Each target does all of its own set-up in .venv. Stamps in the environment make a second call quick.
#   PYTHON=python3.13     another interpreter
#   SETUP="-Ddebug_checks=true" VENV=.venv-debug     another build, in an environment of its own
PYTHON ?= python3
VENV ?= .venv
SETUP ?=
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check --quiet
# meson and ninja are looked for on PATH.
INSTALL := PATH="$(abspath $(VENV))/bin:$$PATH" $(PIP) install --no-build-isolation $(foreach option,$(SETUP),-Csetup-args=$(option))
PYTEST ?= $(RUN) -m pytest

SOURCES := $(shell find src examples tools meson.build meson.options -type f ! -name '*.so' ! -name '*.pyc')

.PHONY: tour test integration test-all test-debug test-asan pytest bench lint clean
.DELETE_ON_ERROR:

tour: $(VENV)/.plait
	$(VENV)/bin/plait tour --check

test: lint pytest

pytest: $(VENV)/.dev $(VENV)/.plait
	$(PYTEST)

lint: $(VENV)/.dev $(VENV)/.plait
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

integration: $(VENV)/.dev $(VENV)/.plait
	$(PYTEST) tests/integration

# The default Python, then every other supported one on this machine, each in its own environment.
test-all: test
	@set -e; $(RUN) tools/pythons.py | while read -r version path; do \
	  echo "== Python $$version ($$path)"; $(MAKE) pytest PYTHON="$$path" VENV=".venv-$$version" </dev/null; \
	done

test-debug:
	$(MAKE) pytest VENV=.venv-debug SETUP="-Ddebug_checks=true" PYTEST=".venv-debug/bin/python -m pytest tests/greenlet"

test-asan:
	$(MAKE) .venv-asan/.dev .venv-asan/.plait VENV=.venv-asan SETUP="-Ddebug_checks=true -Dsanitize_fibers=true"
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0:handle_segv=0 PYTHONMALLOC=malloc \
	  .venv-asan/bin/python -m pytest tests/greenlet -k 'not gdb'  # which would load the sanitizer too

bench: $(VENV)/.dev $(VENV)/.plait
	$(RUN) -m benchmarks

clean:
	rm -rf build .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("plait needs Python 3.11 or later; pass PYTHON=python3.X")'
	$(PYTHON) -m venv $(VENV)
	touch $@

# What builds the native parts, as pyproject.toml names it; older pips cannot pass settings to a build.
$(VENV)/.build: pyproject.toml Makefile | $(VENV)/.created
	$(PIP) install "pip>=24" $$($(RUN) tools/requirements.py build)
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.build
	$(PIP) install $$($(RUN) tools/requirements.py dev)
	touch $@

# A regular install: an editable one slows every interpreter start.
$(VENV)/.plait: $(SOURCES) $(VENV)/.build
	@mkdir -p build
	$(INSTALL) --force-reinstall --no-deps -Cbuild-dir=build/$(notdir $(VENV)) .
	$(PIP) install $$($(RUN) tools/requirements.py run)
	touch $@
