# make demo    sets up everything and runs the main job on the embedded example
# make test    sets up everything and passes the tests          make test-long   the tests that take minutes
# make check   format, lint, strict types, layout
#
# torch is installed first and pinned. Another build, such as CPU only from PyTorch's own index:
#   make demo TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
VENV   ?= .venv
TORCH  ?= torch==2.13.0
RUN    ?= runs/atlas
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: demo test test-long check
.DELETE_ON_ERROR:

demo: $(VENV)/.train
	$(BIN)/autoact learn examples/atlas/task.yaml --out $(RUN)
	$(BIN)/autoact ask $(RUN) "What is the currency of the country whose capital is Vienna?" --trace
	$(BIN)/autoact ask $(RUN) "What is the longest river of Cuba?" --trace
	$(BIN)/autoact eval $(RUN) --benchmark atlas --split dev --methods zero-shot,autoact

test: $(VENV)/.dev
	$(BIN)/pytest -m "not long"

# beside pip's packages it needs the programs of PostgreSQL and bubblewrap (apt install postgresql bubblewrap)
test-long: $(VENV)/.long
	$(BIN)/pytest -m long

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layout.py

$(VENV)/.torch:
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH)
	touch $@

$(VENV)/.train: $(VENV)/.torch pyproject.toml constraints.txt
	$(PIP) --constraint constraints.txt --editable '.[train]'
	touch $@

$(VENV)/.dev: $(VENV)/.train
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	touch $@

$(VENV)/.long: $(VENV)/.dev
	$(PIP) --constraint constraints.txt --editable '.[dev,ocr]'
	touch $@
