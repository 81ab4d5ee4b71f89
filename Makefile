# make help says what there is. Every target installs what it needs, into .venv and node_modules.

# What .venv is made from: Python 3.11 or newer.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000

# Found before .venv comes onto the PATH: it must not be made from itself.
BASE_PYTHON := $(shell command -v $(PYTHON) 2>/dev/null)
BIN := $(abspath $(VENV))/bin
NPM := node_modules/.bin
export PATH := $(BIN):$(PATH)
# Small matrices: threads of one process would only wait for those of another.
export OPENBLAS_NUM_THREADS := 1
# Dozens of processes import the same modules: each is compiled once.
unexport PYTHONDONTWRITEBYTECODE

INSTALLED := $(VENV)/.installed
MODULES := node_modules/.installed
SITE := _build/html/index.html
PDF := _build/html/gradients-through-batch-normalization.pdf
SOURCES := _config.yml _toc.yml requirements.lock $(shell find chapters locale _static _ext code/batchnorm \
	-type f -not -name '*.pyc' -not -path '*/.*' 2>/dev/null)

# A test in a browser waits for its frames: one worker more than cores keeps them busy.
WORKERS = $(shell $(BIN)/python -c "import os; print((os.cpu_count() or 1) + 1)")
PYTEST = $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder --durations=10
SCRIPTS := $(shell find code/batchnorm -name '*.js' -not -name built.js)

.PHONY: help book pdf serve lab test readers engines lint lock notebooks pictures goldens nbval claims bench stock scripts catalogues figure clean
.DELETE_ON_ERROR:

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r name what; do \
		printf '%-16s%s\n' "$$name" "$$what"; done

book: $(SITE) ## Build the book into _build/html
	@echo "The book is built: $$(find _build/html/chapters -name '*.html' | wc -l | tr -d ' ') pages in $$(du -sh _build/html | cut -f1)."
	@echo "Open _build/html/index.html in a browser, or run: make serve"

serve: $(SITE) ## Serve the built book on this machine (PORT=8000)
	@echo "The book: localhost:$(PORT) (stop with Ctrl-C)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

lab: $(INSTALLED) ## Open the chapters in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=chapters

test: $(SITE) lint ## Check style, formulas, chapters, figures, and each page of the built book in a browser
	$(PYTEST) -m "not readers"

readers: $(SITE) ## Go through the built book as its readers do: each control, Python, links (CI does it, too)
	$(PYTEST) -m readers

engines: $(SITE) ## Try the built book in Firefox and WebKit, too, where they are installed
	ENGINES=1 $(BIN)/python -m pytest tests/test_engines.py tests/test_engines_taken.py --numprocesses=2 --dist=loadgroup

lint: $(INSTALLED) $(MODULES) ## Check style and types of Python, notebooks, scripts, style sheets
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(NPM)/biome format --log-level=warn _ext _static *.json $(SCRIPTS)
	@$(NPM)/biome lint --log-level=warn --diagnostic-level=warn
	@$(NPM)/tsc --pretty false

notebooks: $(INSTALLED) ## Run every chapter in place and strip what must not be committed
	$(BIN)/ruff format chapters
	$(BIN)/python _ext/tools/notebooks.py chapters/*.ipynb

pictures: $(SITE) ## Take the README's picture and each page's preview card again
	$(BIN)/python _ext/tools/pictures.py
	$(BIN)/python _ext/tools/sheet.py

pdf: $(PDF) ## Print the whole book into one file, in Chromium
	@echo "The book is printed: $(PDF), $$(du -h $(PDF) | cut -f1)."

$(PDF): $(SITE)
	@$(BIN)/python -m _ext.tools.pdf

scripts: $(MODULES) ## Join each figure's script with what it imports: figures/*/built.js
	$(BIN)/python -m _ext.site.bundle

catalogues: $(SITE) ## Bring the catalogues of other languages up to date with the book: locale/
	@$(BIN)/python -m _ext.tools.catalogues

figure: $(MODULES) ## Write the skeleton of a new figure (NAME=…)
	@$(BIN)/python _ext/tools/figure.py $(NAME)
	@$(BIN)/python -m _ext.site.bundle

goldens: $(INSTALLED) ## Draw the pictures that the figures are compared with
	$(BIN)/python tests/test_goldens.py

nbval: $(INSTALLED) ## Run each chapter once more, and compare what each cell shows (CI does it, too)
	$(BIN)/python -m pytest --nbval --nbval-current-env --numprocesses=$(WORKERS) --dist=loadfile chapters

claims: $(INSTALLED) ## Try what the chapters claim over more seeds, sizes and rates than they print
	CLAIMS=all $(BIN)/python -m pytest tests/claims --durations=5

bench: $(SITE) stock ## Measure the layer, figures, pages, Python in the page, each against a peer
	$(BIN)/python bench

stock: $(INSTALLED) ## Build some chapters as Jupyter Book does by itself, for make bench
	@test -f _build/stock/_build/html/whitening.html || $(BIN)/python bench/stock.py

clean: ## Remove the built book and every cache (.venv and node_modules stay)
	rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# Chapters or catalogues alone changed: their pages are built again. Anything else: all of them.
# What the build writes goes to _build/book.log, and is shown when it fails; to 3, how far it is.
$(SITE): $(INSTALLED) $(SOURCES)
	@$(MAKE) --no-print-directory -j3 $(MODULES) parts chapters
	@$(if $(filter-out chapters/% locale/%,$?),rm -rf _build/html)
	@PROGRESS=3 $(BIN)/jupyter-book build . $(if $(filter-out chapters/% locale/%,$?),--all) -W --keep-going -n -q \
		3>&1 >_build/book.log 2>&1 || { status=$$?; echo; cat _build/book.log; exit $$status; }
	@touch $@

# While the chapters run, npm's packages and Python for the pages come in.
.PHONY: chapters parts
chapters: $(INSTALLED)
	@mkdir -p _build
	@$(BIN)/python -m _ext.site.execution 2>_build/chapters.log # kernels warn there of what is as it should be

parts: $(MODULES)
	@$(BIN)/python -m _ext.site.parts

# Where rfc3987-syntax is there, jsonschema compiles 38 grammars (by lark) in every process: 1.2 s.
lock: $(INSTALLED) ## Write requirements.lock from requirements.txt
	@$(BIN)/uv pip compile requirements.txt --universal --python-version 3.11 --generate-hashes \
		--no-emit-package rfc3987-syntax --no-emit-package lark \
		--no-annotate --no-emit-package batchnorm --custom-compile-command 'make lock' \
		--quiet --output-file requirements.lock

# .installed holds what was installed: a file that is newer, but the same, installs nothing.
$(INSTALLED): requirements.lock code/pyproject.toml
	@cat $^ | cmp -s - $@ || $(MAKE) --no-print-directory install
	@cat $^ >$@

.PHONY: install
install:
	@test -n "$(BASE_PYTHON)" || { echo "make: no $(PYTHON) here. Install Python 3.11 or newer, or name one: make PYTHON=…"; exit 1; }
	@$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: the book needs Python 3.11 or newer; $(BASE_PYTHON) is $$($(BASE_PYTHON) -V 2>&1). Name another: make PYTHON=…"; exit 1; }
	@echo "Installing the pinned parts into $(VENV) (once; about twenty seconds)"
	@test -x $(BIN)/python || $(BASE_PYTHON) -m venv $(VENV)
	@$(BIN)/python _ext/tools/install.py >$(VENV)/install.log 2>&1 || { cat $(VENV)/install.log; exit 1; }

# npm comes with .venv: nobody installs Node.js.
$(MODULES): package-lock.json package.json .npmrc | $(INSTALLED)
	@cmp -s package-lock.json $@ || $(BIN)/npm ci --silent || $(BIN)/npm ci
	@cp package-lock.json $@
