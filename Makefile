# From a fresh clone, with nothing but python3 (3.11 or newer, with venv) and make: `make demo`, `make test`.
# ARGS reaches pytest: make test ARGS="tests/config -x". WORKERS: its processes, which mostly wait.
WORKERS = 4
ARGS =
N = 200
BIN = .venv/bin

.PHONY: demo test slow lint types contract bench-smoke check lab campaign cuts interleavings worlds clean

demo:
	@scripts/venv.sh run
	@$(BIN)/nimwrap demo

# In the files' own order: xdist's would keep those with few tests, the longest, for the end.
test:
	@scripts/venv.sh dev
	TMPDIR=$$(scripts/tmp.sh) $(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# What `make test` takes samples of: every step of an image's replacement killed, fifty pairs of fleets, the installs.
slow:
	@scripts/venv.sh dev
	TMPDIR=$$(scripts/tmp.sh) $(BIN)/python -m pytest -m slow -rs -n $(WORKERS) --dist worksteal $(ARGS)

lint:
	@scripts/venv.sh dev
	$(BIN)/ruff check nimwrap tests benchmarks scripts
	$(BIN)/ruff format --check nimwrap tests benchmarks scripts

types:
	@scripts/venv.sh dev
	$(BIN)/mypy

contract:
	@scripts/venv.sh dev
	$(BIN)/lint-imports --no-logo

bench-smoke:
	@scripts/venv.sh dev
	$(BIN)/python benchmarks/smoke.py

# Everything that needs no network lab.
check: test lint types contract bench-smoke

# Root on Linux: hosts as network namespaces, real NFS and SSH. Says why when it cannot run.
lab:
	@scripts/venv.sh dev
	$(BIN)/python -m pytest -m lab -rs -n $(WORKERS) --dist loadfile $(ARGS)

campaign:
	@scripts/venv.sh dev
	$(BIN)/python -m tests.campaign -n $(N) $(ARGS)

# Every round trip of every act lost or not understood: N of them, spread over acts and export behaviours; N=0 is all.
cuts:
	@scripts/venv.sh dev
	$(BIN)/python -m tests.campaign.cuts -n $(N) $(ARGS)

# Every schedule with at most two switches of every scenario, and random ones: N in all.
interleavings:
	@scripts/venv.sh dev
	$(BIN)/python -m tests.campaign.interleavings -n $(N) $(ARGS)

# Our commands and foreign hands in any order: N worlds of 30 steps. A violation prints its story and its seed.
worlds:
	@scripts/venv.sh dev
	$(BIN)/python -m tests.worlds -n $(N) $(ARGS)

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
