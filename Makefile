# GuideX: `make help` lists the targets. Needs python3 and make; everything else goes into .venv.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# PyTorch comes first, in the build that suits the machine. Without a GPU, the small one:
#   make install TORCH='torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu'
TORCH  ?= torch==2.13.0

.DEFAULT_GOAL := help
.PHONY: help install browser demo demo-train test test-slow check format docs screenshots clean

help:  ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/demo.ok: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing GuideX into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local]'
	@touch $@

$(VENV)/torch.ok: $(VENV)/demo.ok
	@echo "Installing PyTorch into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local,finetune]'
	@touch $@

$(VENV)/dev.ok: $(VENV)/torch.ok
	@echo "Installing the development tools into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local,view,otel,finetune,inputs,dev]'
	@touch $@

install: $(VENV)/dev.ok  ## Make .venv with GuideX and the development tools

browser:  ## Install Chromium for the tests of the viewer, by apt-get (asks for root)
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
	  { root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	    $$root apt-get update -q && $$root apt-get install -qy --no-install-recommends chromium; }

demo: $(VENV)/demo.ok  ## Run six quickstart documents on the embedded model (minutes; 90 MB once)
	@$(BIN)/guidex run examples/quickstart/guidex.toml --limit 6 --name "quickstart-$$(date +%Y%m%d-%H%M%S)"

demo-train: $(VENV)/torch.ok  ## From the quickstart's documents to an adapter, measured before and after (minutes)
	@$(BIN)/guidex run examples/train/guidex.toml --name demo-train --through evaluate

test: $(VENV)/dev.ok  ## Run the tests; those of the viewer in a browser where Chromium is found
	$(BIN)/python -m pytest -q -m "not slow"

test-slow: $(VENV)/dev.ok  ## Run the slow tests as well
	$(BIN)/python -m pytest -q

check: $(VENV)/dev.ok  ## Lint, format check, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.ok  ## Format the code and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/dev.ok  ## Generate the reference pages in docs/
	$(BIN)/python -m guidex.reference

screenshots: $(VENV)/dev.ok browser  ## Take the pictures of the viewer in docs/images
	$(BIN)/python -m benchmarks.screenshots

clean:  ## Remove the virtual environment and caches; runs are kept
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
