# hailong: everything that a newcomer, a developer or a machine types. `make` alone lists it.

PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
HAILONG := $(BIN)/hailong

.DEFAULT_GOAL := help
.PHONY: help run test check bench fuzz audit first-paint office game kills durability tampering migrating load coverage drill round format lock clean wheel

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## install everything, set up the demonstration and serve it at 127.0.0.1:8000 (PORT= moves it)
	@$(HAILONG) demo prepare --port $(PORT)
	@exec $(HAILONG) serve --port $(PORT) --workers $(WORKERS)

test: $(VENV)/.test ## install what the tests need, then run all of them
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(VENV)/.check ## the gate of every commit: format, lint, types, import walls, fast tests
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/bandit --quiet --recursive --severity-level medium analysis questionnaires survey migrations
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadgroup -q -m "not slow"

bench: $(VENV)/.test ## the side-by-side measurements, each a table with ratios; a quarter of an hour
	@for script in $(filter-out benchmarks/whole_round.py benchmarks/synthetic.py benchmarks/archives.py,$(wildcard benchmarks/*.py)); do echo "== $$script"; PYTHONPATH=. $(BIN)/python $$script || exit 1; done

load: $(VENV)/.test ## complete responses a second, their processor time and latency, beside a bare endpoint; then ten minutes each of steady and of mixed load
	PYTHONPATH=. $(BIN)/python -m benchmarks.collection --write
	PYTHONPATH=. $(BIN)/python -m benchmarks.collection.steady --write
	PYTHONPATH=. $(BIN)/python -m benchmarks.collection.steady --mixed --write
	PYTHONPATH=. $(BIN)/python -m benchmarks.collection.scale --write

game: $(VENV)/.test ## the unlinkability game at full size: five rounds on each database, every adversary, careless recorders and changes; a quarter of an hour
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.unlinkability --write

audit: $(VENV)/.check ## known holes in libraries, code and scripts of others; needs a network once
	@.ci/audit $(VENV)

fuzz: $(VENV)/.test ## a hundred thousand random requests to every route and form, none of which may be answered with a failure
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.fuzzing --write

floods: $(VENV)/.test ## strangers in numbers: 500 slow connections and twenty times the load, a million guessed codes, ten thousand scripts on an open link; three quarters of an hour
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.floods --write

pictures: $(VENV)/.test ## make the pictures of the officers' guide again, by leading a whole round in a browser
	PICTURES=docs/pictures/guide $(BIN)/python -m pytest -q tests/browser/test_a_province_round_from_nothing.py

drill: $(VENV)/.test ## lose a machine on both engines while a round is open and make it anew from a backup: seconds, data lost, the same index
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.durability.drill --write

kills: $(VENV)/.test ## try to lose an acknowledged answer or to count one twice: kills, full disks, three at once; half an hour
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.durability kills concurrent faults sealings --write

durability: $(VENV)/.test ## trace that each acknowledgement comes after its own sync, and cut the power at random moments
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.durability durability --write

tampering: $(VENV)/.test ## edit a sealed round in a thousand ways
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.durability tampering --write

migrating: $(VENV)/.test ## migrate a million rows up and down while answers come in
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.durability migrating --write

first-paint: $(VENV)/.test ## weigh and time the first load of the citizen's form and of published results on a slow phone
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.first_paint --write

office: $(VENV)/.test ## the numbers of a round without a programmer: screens to an open round, the monitor under load, the editor, a list of half a million people
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.office --write

coverage: $(VENV)/.test ## a thousand simulated rounds: how often intervals and rank sets hold the truth; begins again where it was stopped
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python -m benchmarks.coverage

round: $(VENV)/.run ## a whole round of 54 units and 10,000 practice people in an instance of its own, with the seconds of each step
	@$(BIN)/python benchmarks/whole_round.py

format: $(VENV)/.check ## put the code into its one format
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

lock: $(VENV)/.check ## resolve the dependencies of setup.cfg anew into the three lock files
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile $(LOCK) setup.cfg -o requirements.txt
	$(BIN)/uv pip compile $(LOCK) --extra dev setup.cfg -o requirements-dev.txt
	$(BIN)/uv pip compile $(LOCK) --extra spark setup.cfg -o requirements-spark.txt
LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

wheel: $(VENV)/.check ## build the source distribution and the wheel into dist/
	$(BIN)/python -m build --quiet

clean: ## remove what was installed and built, but not var/
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# Three stamps: what running needs, what the gate needs, what all tests need. Each is made again when its lock file changes.
$(VENV)/bin/python:
	@PYTHON=$(PYTHON) .ci/system-packages run
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt setup.cfg pyproject.toml .ci/system-packages | $(VENV)/bin/python
	@PYTHON=$(PYTHON) .ci/system-packages run
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.check: requirements-dev.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.txt
	@touch $@

$(VENV)/.test: .ci/system-packages requirements-spark.txt $(VENV)/.check
	@PYTHON=$(PYTHON) .ci/system-packages test
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-spark.txt
	@touch $@
