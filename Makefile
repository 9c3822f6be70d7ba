# Everything here sets up what it needs from a fresh checkout: Python 3.11 or later and make suffice.
# A stamp file stands for each finished step, so that a repeated run costs nothing.

PYTHON ?= python3
export UV_PYTHON_DOWNLOADS := never

ROOM := src/suanli/adapters/engines/local/supervise
SUPERVISOR := $(ROOM)/suanli-supervise
KERNEL := $(shell find src/suanli/kernel/replay src/suanli/kernel/scheduling -name "*.py")
PY := .venv/bin/python
UV := .tools/bin/uv
# What links the kernel: the machine's C compiler or, where it has none, one beside uv
CC_WORDS = CC="$(shell .tools/bin/python scripts/supervisor.py --compiler)"
INSTALL := $(UV) pip install --quiet --python $(PY)
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DELETE_ON_ERROR:
.PHONY: demo up test check specs bench chaos centers mixed fuzz mutants lines lock clean

demo: .venv/server $(SUPERVISOR)
	$(CC_WORDS) $(PY) -m demo

up: .venv/kernel $(SUPERVISOR)
	.venv/bin/suanli up

# As many at a time as there are processors; a file's tests follow each other, for they share what it starts.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# T chooses: make test T=tests/unit
test: .venv/dev .venv/kernel $(SUPERVISOR)
	$(PYTHON) scripts/test_machine.py
ifdef T
	$(PY) -m pytest -m "not live and not demo" $(T)
else
	NUMBA_DISABLE_JIT=1 $(PY) -m pytest $(SIDE_BY_SIDE) -m step tests/unit/kernel/scheduling
	$(PY) -m pytest $(SIDE_BY_SIDE) -m "not live and not demo and not step"
endif

check: .venv/dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	$(PY) -m mypy
	.venv/bin/lint-imports
	.venv/bin/lint-imports --config laws/at_run_time.ini
	$(PY) laws/lengths.py
	$(PY) laws/addresses.py
	$(PY) scripts/specs.py --check

# The published schemas, made from the code that answers; `make check` compares them.
specs: .venv/dev
	$(PY) scripts/specs.py

# make bench B=submit-bulk; without B it says which there are
bench: .venv/dev .venv/kernel $(SUPERVISOR) $(if $(filter replay,$(B)),.peers/ready)
	$(PY) -m bench$(if $(B),.$(subst -,_,$(B)))

chaos: .venv/dev .venv/kernel $(SUPERVISOR)
	SUANLI_CHAOS_KILLS=500 $(PY) -m pytest -m chaos --timeout=0

# 2,000 random centers, whose every plan and reason is judged by a checker that knows no array
centers: .venv/dev
	SUANLI_CENTERS=2000 $(PY) -m pytest -n auto --maxprocesses 8 --timeout=0 tests/unit/kernel/scheduling/test_at_random.py

# 10,000 requests of all forms in a simulated center of 500 nodes, every turn judged by the same; some five minutes
mixed: .venv/dev .venv/kernel
	SUANLI_MIXED_NODES=500 SUANLI_MIXED_REQUESTS=10000 $(PY) -m pytest --timeout=0 -s tests/mixed

# Whether the kernel's tests notice small changes of it; make mutants M=reserve
mutants: .venv/dev .mutants/ready
	$(PY) scripts/mutants.py $(M)

# Lines of code of the kernel and of its tests
lines: .venv/dev
	$(PY) scripts/lines.py

# Every parser of devices' outputs, 100,000 texts each
fuzz: .venv/dev
	SUANLI_FUZZ_CASES=100000 $(PY) -m pytest --timeout=0 tests/dialogues/test_at_random.py

# make lock UPGRADE=--upgrade takes newer versions; without it only what pyproject.toml asks anew changes
lock: .tools/ready
	$(COMPILE) $(UPGRADE) --group tools -o requirements/tools.txt
	$(COMPILE) $(UPGRADE) --group compiler -o requirements/compiler.txt
	$(COMPILE) $(UPGRADE) --group build -o requirements/build.txt
	$(COMPILE) $(UPGRADE) --group peers -o requirements/peers.txt
	$(COMPILE) $(UPGRADE) --group mutants -o requirements/mutants.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra server -o requirements/server.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra nvidia -c requirements/server.txt -o requirements/nvidia.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra replay -c requirements/server.txt -o requirements/replay.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra server --group dev -c requirements/server.txt -o requirements/dev.txt

clean:
	rm -rf .venv .tools .peers .mutants build dist .import_linter_cache .hypothesis .mypy_cache .pytest_cache .ruff_cache $(SUPERVISOR)*
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

.tools/ready: scripts/bootstrap.py requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Suanli needs Python 3.11 or later, and %s is %s; try: make PYTHON=python3.11" % (sys.executable, sys.version.split()[0]))'
	$(PYTHON) scripts/bootstrap.py .tools requirements/tools.txt
	touch $@

.venv/server: .tools/ready pyproject.toml hatch_build.py requirements/server.txt requirements/build.txt
	$(UV) venv --quiet --allow-existing --python .tools/bin/python .venv
	$(INSTALL) --require-hashes -r requirements/server.txt
	$(INSTALL) --no-deps --build-constraints requirements/build.txt --editable .
	touch $@

.venv/dev: .venv/server requirements/dev.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt
	touch $@

.peers/ready .mutants/ready: .%/ready: .tools/ready requirements/%.txt
	$(UV) venv --quiet --allow-existing --python .tools/bin/python .$*
	$(UV) pip install --quiet --python .$* --require-hashes -r requirements/$*.txt
	touch $@

# Without it the first plan of a server would wait for the kernel's machine code, minutes; and so the first replay, of
# which most is the same code: to make both at once takes far less than each by itself.
.venv/kernel: .venv/server $(KERNEL) $(wildcard src/suanli/wiring/link*.py src/suanli/wiring/*.c)
	$(CC_WORDS) .venv/bin/suanlid compile --replays
	touch $@

$(SUPERVISOR): $(wildcard $(ROOM)/*.c $(ROOM)/*.h) scripts/supervisor.py | .tools/ready
	.tools/bin/python scripts/supervisor.py
