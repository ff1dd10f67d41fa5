# make quickstart  samples a pretrained GAN, then trains a small one (a few minutes)
# make test        ruff, then the whole suite once on each backend
# make lint        ruff alone
# make zoo-wheel   builds dist/keras_gans_zoo-*.whl from zoo/
# make clean       removes the environment and what was built; runs/ stays
#
# Needs Python 3.11 to 3.13: another interpreter with make PYTHON=python3.12 ...

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BACKENDS := tensorflow jax torch
# Tests marked `once` run on this one.
QUICKEST := torch
LINT := $(BIN)/ruff check . && $(BIN)/ruff format --check .
RUN := runs/quickstart
# What the metrics are compared with. Without dependencies: torch-fidelity would bring
# torchvision, of which its formulas and networks use nothing.
REFERENCES := torch-fidelity==0.4.0 prdc==0.2

# Tests run side by side, with one thread of OpenMP each: more would wait for each other.
WORKERS ?= 2

# On JAX most of the tests' time was XLA's: what is compiled is kept for all that compile
# the same, and optimized little, as networks this small run only a few times. The flags
# take 14 seconds of XLA's for a step of SAGAN to 6.
JAX_FOR_TESTS := JAX_DISABLE_MOST_OPTIMIZATIONS=1 \
	XLA_FLAGS="--xla_cpu_use_fusion_emitters=false \
		--xla_cpu_parallel_codegen_split_count=1 \
		--xla_llvm_enable_alias_scope_metadata=false \
		--xla_llvm_enable_noalias_metadata=false" \
	JAX_COMPILATION_CACHE_DIR=$(abspath $(VENV))/jax-cache \
	JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 \
	JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1 \
	JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES=none

export TF_CPP_MIN_LOG_LEVEL ?= 3
# Convolutions of oneDNN, which TensorFlow leaves off on CPUs without AVX-512: a training
# took 2.5 times as long without them.
export TF_ENABLE_ONEDNN_OPTS ?= 1

.PHONY: quickstart test lint zoo-wheel clean
.NOTPARALLEL:

quickstart: $(VENV)/installed-tensorflow
	KERAS_BACKEND=tensorflow $(BIN)/python recipes/sample.py \
		dcgan_fashion_mnist_32 --out $(RUN)/zoo_sample.png
	KERAS_BACKEND=tensorflow $(BIN)/python recipes/train_dcgan_fashion_mnist.py \
		--quick --out $(RUN)
	@echo "Samples of the pretrained GAN: $(RUN)/zoo_sample.png"
	@echo "What was trained here:         $(RUN)/"

# Runs everything even if a part fails, then fails.
test: $(VENV)/installed-test
	@failed=""; \
	{ $(LINT); } || failed="$$failed lint"; \
	for backend in $(BACKENDS); do \
		echo "== tests on $$backend"; \
		without="packaging or once"; \
		if [ $$backend = $(QUICKEST) ]; then without=packaging; fi; \
		KERAS_BACKEND=$$backend OMP_NUM_THREADS=1 $(JAX_FOR_TESTS) \
			$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal \
			-m "not ($$without)" --durations=10 || failed="$$failed $$backend"; \
	done; \
	echo "== packaging"; \
	$(BIN)/python -m pytest -q -m packaging || failed="$$failed packaging"; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi; \
	echo "passed: lint, $(BACKENDS), packaging"

lint: $(VENV)/installed-test
	$(LINT)

zoo-wheel: $(VENV)/installed-test
	$(BIN)/python -m build --no-isolation --wheel --outdir dist zoo

# One environment for all: each stamp says that the extra of that name is installed.
$(VENV)/installed-%: pyproject.toml
	@$(PYTHON) -c 'import sys; \
	ok = (3, 11) <= sys.version_info < (3, 14); \
	sys.exit(None if ok else "keras_gans needs Python 3.11 to 3.13. Received: " \
	+ sys.version.split()[0] + " ($(PYTHON)). Name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check \
		--editable '.[$*]'
	@if [ '$*' = test ]; then $(BIN)/python -m pip install -qq \
		--disable-pip-version-check --no-deps $(REFERENCES); fi
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache
