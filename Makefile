# `make tutor` and `make test` do all the set-up that a fresh machine needs: Python 3.11 or later and make are enough.

VENV := .venv
BIN := $(VENV)/bin
# The tutor's dependencies or the developer's: a stamp tells which are installed, and pyproject.toml makes it stale.
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev
FRESH := build/wheel-check

.PHONY: tutor test test-slow lint course wheel speed readme readme-check ci rest clean

tutor: $(BASE)
	@trap : INT; $(BIN)/microgpt tutor || [ $$? -eq 130 ] # Ctrl-C is a way to leave, and no error

test: $(DEV)
	$(BIN)/pytest -n 2 -m "not slow"

test-slow: $(DEV)
	$(BIN)/pytest -n 2 -m slow

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo

course: $(BASE)
	$(BIN)/microgpt course lint
	$(BIN)/microgpt course lock --check

# What a user gets: the wheel, in an environment of its own, away from the checkout.
wheel: $(DEV)
	rm -rf $(FRESH)
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir $(FRESH) .
	$(BIN)/python -m venv $(FRESH)/venv
	$(FRESH)/venv/bin/pip install --quiet $(FRESH)/*.whl
	cd $(FRESH) && venv/bin/microgpt --version && venv/bin/microgpt course lint

speed: $(DEV)
	$(BIN)/microgpt bench --check

# What the README shows is what its commands print; `make readme` writes it anew.
readme-check: $(DEV)
	$(BIN)/python tools/readme.py --check
	$(BIN)/python tools/benchmarks.py --check
	$(BIN)/python tools/simulation.py --check
	$(BIN)/python tools/vocabulary.py --check

readme: $(DEV)
	$(BIN)/python tools/vocabulary.py
	$(BIN)/python tools/readme.py

# Everything. The slow tests come last, so that a summary is the last thing on the screen.
ci: test rest
rest: lint course wheel readme-check test-slow

clean:
	rm -rf $(VENV) build dist

$(BASE): pyproject.toml | $(BIN)/pip
	$(call install,.)
	@touch $@

$(DEV): pyproject.toml | $(BIN)/pip
	$(call install,.[dev])
	@touch $@ $(BASE)

define install
@echo "Installing into $(VENV) ..."
@$(BIN)/python -m pip install --quiet --editable '$(1)' || { echo "make: pip could not install microgpt's packages\
 (see above). They come from the network: check the connection, then run the same command again.\
 If $(VENV) is from another Python, first: make clean" >&2; exit 1; }
endef

# pip stands there last: a half-made environment, without it, is made again.
$(BIN)/pip:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Creating $(VENV) with $$($$python --version) ..."; \
	    $$python -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "make: $$python cannot make a virtual environment (see above)." \
	      "On Debian or Ubuntu, try: sudo apt install python3-venv" >&2; exit 1; \
	  fi; \
	done; \
	echo "make: microgpt needs Python 3.11 or later, and $$( (python3 --version) 2>/dev/null || echo no python3) is what is here." \
	  "Install one from https://www.python.org/downloads/, then: make tutor PYTHON=/path/to/python3" >&2; exit 1
