# SPDX-License-Identifier: Apache-2.0
# Each target sets up what it needs (.ci/setup); `make demo` and `make test` work on a fresh clone.

BIN := .venv/bin
# Two workers: the contract tests start libvirt, more of them gain nothing.
PYTEST_FLAGS ?= -n 2

.PHONY: demo test lab lab-isolation lab-full format lint types layers schemas man examples pictures check bench lock clean docs

demo:  ## The plan of the bundled example on the terminal; changes nothing.
	@.ci/setup run
	@$(BIN)/kvmrt plan -f examples/two-socket.yaml --host examples/two-socket.json

test: dev  ## All tests, and the samples in the docstrings; with libvirtd, where it can be started.
	$(BIN)/python .ci/with_libvirtd.py $(BIN)/pytest $(PYTEST_FLAGS) --doctest-modules kvmrt_plan tests

# CMD='any shell command', KERNEL=cloud, LAB_FLAGS for the rest (make lab LAB_FLAGS=--help).
lab: dev  ## A real-time host in QEMU: shows a real-time VM come and go there, or runs CMD as root.
	@PYTHONPATH=tests $(BIN)/python -m lab --kernel $(or $(KERNEL),rt) $(if $(CMD),--command "$$CMD") $(LAB_FLAGS)

lab-isolation: dev  ## What runs on the CPUs of an RT guest: untouched, with TuneD, with kvmrt.
	@PYTHONPATH=tests $(BIN)/python -m lab.isolation $(LAB_FLAGS)

lab-full: dev  ## Everything that is tested in the lab: all kernels, 30 killed runs.
	KVMRT_LAB_REQUIRED=1 KVMRT_LAB_KILLS=30 $(BIN)/pytest -m lab -p no:cacheprovider tests/lab

.PHONY: dev
dev:
	@.ci/setup dev

format: dev  ## Formats the sources.
	$(BIN)/ruff format .

lint: dev
	$(BIN)/ruff check .

types: dev
	$(BIN)/mypy

layers: dev
	$(BIN)/lint-imports --no-cache --no-logo

schemas: dev  ## Generates schemas/ from the models.
	@for name in config plan snapshot events topology; do \
		$(BIN)/kvmrt schema $$name > schemas/$$name.schema.json || exit 1; \
	done

docs: dev  ## Builds the documentation into build/site/, without network and without warnings.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

man: dev  ## Generates docs/man/ from the parsers.
	@rm -f docs/man/*.1
	@$(BIN)/kvmrt man docs/man

examples: dev  ## Writes the example host, and the README's plan of it.
	$(BIN)/python examples/make_two_socket.py
	$(BIN)/python examples/make_redhawk.py
	$(BIN)/python examples/make_fleet.py
	$(BIN)/python .ci/readme_plan.py

pictures: dev  ## Draws docs/pictures/ from the example.
	$(BIN)/python .ci/pictures.py

check:  ## What CI runs.
	.ci/run

bench: dev  ## Speed of plan, views and apply; see CONTRIBUTING.
	$(BIN)/python tests/benchmarks/plan_cold.py
	$(BIN)/python tests/benchmarks/plan_large.py
	$(BIN)/python tests/benchmarks/views_speed.py
	$(BIN)/python tests/benchmarks/apply_irqs.py
	$(BIN)/python tests/benchmarks/apply_nothing.py
	$(BIN)/python tests/benchmarks/top_frame.py
	$(BIN)/python tests/benchmarks/check_fleet.py

lock: dev  ## Pins the newest versions that requirements/*.in allow.
	.ci/lock

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
