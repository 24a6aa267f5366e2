# Two commands for a newcomer: `make demo` and `make test`. Each works alone; `make help` lists the rest.
SERVE ?= 1
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: help demo test check lock clean
help:
	@echo "make demo          install, generate the sample ward, run its scenario, serve http://127.0.0.1:8050"
	@echo "make demo SERVE=0  the same without serving"
	@echo "make test          install and run the whole test suite"
	@echo "make check         ruff, mypy and the import contracts"
	@echo "make lock          resolve the lock files anew (needs uv)"
	@echo "make clean         remove the environment, caches, the sample ward and the runs"

demo: $(VENV)/.core
	$(VENV)/bin/osaka-twin demo $(if $(filter 0,$(SERVE)),--no-serve,)

test: $(VENV)/.dev
	$(PY) -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

lock:
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header -o requirements.lock
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --extra dev --extra pointcloud --extra sewer -o requirements-dev.lock

$(VENV)/.core: requirements.lock pyproject.toml
	@sh .ci/install requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	@sh .ci/install requirements-dev.lock
	@touch $@ $(VENV)/.core

clean:
	rm -rf $(VENV) runs sample_data/generated .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
