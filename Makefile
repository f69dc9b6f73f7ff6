# Every target works from a bare checkout with Python 3.11, git and make; nothing is made outside the checkout.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help setup lock dist release demo test unit check lint format ui docs docs-check pictures bench peer matrix access-matrix pythons chaos malformed tripwire tripwire-newest scaffold-matrix clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## Make .venv with Airflow, the package and its extras

# Every download is checked against the hashes of requirements-dev.txt; the package itself is built with what that holds.
# Byte-compiled once here, or every embedded job would compile scikit-learn and XGBoost again.
$(STAMP): pyproject.toml requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.txt \
	  || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

lock: ## Write the hashes of the versions in constraints.txt into requirements-dev.txt
	test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	$(BIN)/uv pip compile --quiet --system-certs --python-version 3.11 --extra local --extra sdk --extra dev --extra docs -c constraints.txt \
	  --generate-hashes --no-annotate --custom-compile-command "make lock" pyproject.toml -o requirements-dev.txt

demo: setup ## The story of the late flights on the embedded AWS: deploy only what is better
	$(BIN)/python dags/late_flights/demo.py

# Jobs and deployments mostly wait, so three processes keep two cores busy.  In the order of the folders the slow ones
# come first; by the number of their tests, which is pytest-xdist's own order, they would be last.
WORKERS ?= 3
test: setup check ## Format, lint, types and all tests
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests

# These compute and never wait, so a process for each of two cores is enough; a third would import everything once more.
UNIT_WORKERS ?= 2
unit: setup ## The tests that start no process, in less than a minute
	$(BIN)/python -m pytest -q -n $(UNIT_WORKERS) --dist loadfile --no-loadscope-reorder tests/unit

check: setup lint ## Format, lint and types
	$(BIN)/mypy

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo --no-cache

format: setup ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

ui: setup ## Airflow with the example and the embedded AWS on 127.0.0.1; Ctrl-C ends both
	$(BIN)/sagemaker-mlops ui

pictures: setup ## The pictures of the documentation, from real runs of the story; needs Chromium and playwright
	$(BIN)/python docs/pictures/make.py

bench: setup peer ## Measure against hand-written DAGs and the Amazon provider; writes build/bench.json
	$(BIN)/python -m benchmarks

# The Amazon provider's deferrable operators need aiobotocore, which pins another botocore.
peer: .venv-peer/.stamp
.venv-peer/.stamp: benchmarks/peer-constraints.txt
	test -x .venv-peer/bin/python || $(PYTHON) -m venv .venv-peer
	$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python .venv-peer/bin/python -r benchmarks/peer-constraints.txt
	touch .venv-peer/.stamp

STORY ?= jobs
RUNS ?= 200
KILLS ?= 100
SEED ?= 1
OUTAGE_S ?= 0
OUTAGE_OF ?= api-server
BUSY ?= 0
PATIENCE ?= 900

chaos: setup $(VENV)/.stamp-chaos ## Fault drill on PostgreSQL, Redis and Celery: make chaos RUNS=200 KILLS=100 SEED=1; writes build/chaos.json
	$(BIN)/python -m chaos --story $(STORY) --runs $(RUNS) --kills $(KILLS) --seed $(SEED) --outage-s $(OUTAGE_S) --outage-of $(OUTAGE_OF) --busy $(BUSY) --patience $(PATIENCE)

COUNT ?= 5000
malformed: setup ## Malformed requests to the embedded AWS: make malformed COUNT=5000 SEED=1
	$(BIN)/python -m chaos.malformed --count $(COUNT) --seed $(SEED)

$(VENV)/.stamp-chaos: $(STAMP)
	$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[local,sdk,dev,chaos]' \
	  || $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local,sdk,dev,chaos]'
	touch $@

# Newest patch of every minor version below the one in constraints.txt; each with the packages of its time, whose
# warnings about each other are nobody's any more.
OLDER_AIRFLOWS := 3.0.6 3.1.8 3.2.2
WHOLE_RUNS := tests/unit/factory/test_factory.py tests/unit/test_packaging.py tests/deployment/test_runs.py \
  tests/deployment/test_stopping.py tests/deployment/test_recording.py tests/deployment/test_parts_of_runs.py \
  tests/deployment/test_approvals_in_airflow.py tests/deployment/test_bridges.py tests/unit/runtime/test_skip_reasons.py \
  tests/embedded/operators/test_standalone_steps.py tests/embedded/operators/test_stop_jobs.py tests/unit/runtime/test_queue.py \
  tests/embedded/factory/test_parse_in_a_process.py
matrix: setup $(OLDER_AIRFLOWS:%=.venv-airflow-%/.stamp) ## The tests of DAGs and whole runs on every supported Airflow
	@failed=""; for python in $(OLDER_AIRFLOWS:%=.venv-airflow-%/bin/python) $(BIN)/python; do \
	  $$python -c "import airflow; print('== Airflow', airflow.__version__)"; \
	  case $$python in $(BIN)/*) warnings=error;; *) warnings=default;; esac; \
	  $$python -m pytest -q -n $(WORKERS) --dist loadfile -o filterwarnings=$$warnings $(WHOLE_RUNS) || failed="$$failed $$python"; \
	done; test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

.venv-airflow-%/.stamp: matrix/constraints-%.txt pyproject.toml
	test -x .venv-airflow-$*/bin/python || $(PYTHON) -m venv .venv-airflow-$*
	$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python .venv-airflow-$*/bin/python -c $< -e '.[local]' \
	  apache-airflow==$* pytest pytest-timeout pytest-xdist hypothesis
	touch $@

# The SDK cannot be installed beside Airflow there: they want different importlib-metadata.
PYTHONS ?= 3.12 3.13
pythons: setup $(PYTHONS:%=.venv-python-%/.stamp) ## All tests on newer Pythons, where the SageMaker SDK is not installed
	@failed=""; for version in $(PYTHONS); do \
	  echo "== Python $$version"; \
	  .venv-python-$$version/bin/python -m pytest -q -n $(WORKERS) --dist loadfile tests || failed="$$failed $$version"; \
	done; test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

.venv-python-%/.stamp: constraints.txt pyproject.toml
	test -x .venv-python-$*/bin/python || python$* -m venv .venv-python-$*
	grep -v '^importlib-metadata==' constraints.txt > .venv-python-$*/constraints.txt
	$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python .venv-python-$*/bin/python \
	  -c .venv-python-$*/constraints.txt -e '.[local,dev]'
	touch $@

# FAB's auth manager brings some thirty packages that nothing else here needs.
access-matrix: setup .venv-fab/.stamp ## Who may read what, under the simple and the FAB auth manager; fails where Airflow decides otherwise
	.venv-fab/bin/python matrix/access.py

.venv-fab/.stamp: constraints.txt pyproject.toml
	test -x .venv-fab/bin/python || $(PYTHON) -m venv .venv-fab
	$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python .venv-fab/bin/python -c constraints.txt -e '.[local]' \
	  apache-airflow-providers-fab==3.10.2 psutil
	touch $@

docs: setup ## Write the tables, pages and JSON Schema that follow from the entries of step types, and the site into build/site
	$(BIN)/python -m airflow_sagemaker_mlops.steps.language_tables
	$(BIN)/python -m airflow_sagemaker_mlops.steps.table > docs/step-types.md
	$(BIN)/python -m airflow_sagemaker_mlops.settings_table > docs/settings.md
	mkdir -p build && $(BIN)/python -m airflow_sagemaker_mlops.steps.editor_schema.document > build/definition.schema.json
	mv build/definition.schema.json airflow_sagemaker_mlops/steps/editor_schema/
	$(BIN)/python -m docsite

docs-check: docs ## Look at pages of the site in Chromium, and run the code blocks of all pages; needs Chromium and playwright
	$(BIN)/python -m docsite.browser
	$(BIN)/python -m docsite.tutorial
	$(BIN)/python -m docsite.run_snippets

# The bill of materials lists what a wheel needs to run, in the versions that the tests ran with; in the wheel (PEP 770) and beside it.
dist: setup .venv-dist/.stamp ## Wheel and sdist with a CycloneDX bill of materials and checksums, in dist/
	rm -rf dist build/dist && mkdir -p build/dist
	$(BIN)/uv pip compile --quiet --system-certs --python-version 3.11 -c constraints.txt --generate-hashes --no-annotate --no-header \
	  pyproject.toml -o build/dist/runtime.txt
	version=$$($(BIN)/python -c "import airflow_sagemaker_mlops as package; print(package.__version__)") && \
	  sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml > build/dist/pyproject.toml
	.venv-dist/bin/cyclonedx-py requirements --pyproject build/dist/pyproject.toml --output-reproducible -o build/dist/sbom.cdx.json build/dist/runtime.txt
	$(BIN)/uv build --quiet --system-certs --out-dir build/dist
	.venv-dist/bin/wheel unpack --dest build/dist/wheel build/dist/*.whl
	for info in build/dist/wheel/*/*.dist-info; do mkdir "$$info/sboms" && cp build/dist/sbom.cdx.json "$$info/sboms/"; done
	mkdir dist && .venv-dist/bin/wheel pack --dest-dir dist build/dist/wheel/*
	cp build/dist/*.tar.gz build/dist/sbom.cdx.json dist/ && cd dist && sha256sum -- *.whl *.tar.gz *.json > SHA256SUMS

SITE ?= $(shell $(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")
tripwire: setup ## What the SageMaker SDK and botocore have and this package does not know: make tripwire SITE=.venv-newest/lib/python3.11/site-packages
	$(BIN)/python -m tripwire --site $(SITE)

# Only their files are read, so nothing that they depend on is needed.
tripwire-newest: setup ## The same for the newest versions, downloaded into build/newest
	rm -rf build/newest && $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target build/newest \
	  botocore sagemaker sagemaker-core sagemaker-mlops sagemaker-train
	$(BIN)/python -m tripwire --site build/newest

release: setup ## The checklist before a release, ending with checked distributions: make release TAG=v0.1.0
	$(BIN)/python -m release --tag $(or $(TAG),$(error Say which: make release TAG=v0.1.0)) \
	  --repository "$(REPOSITORY)" --documentation "$(DOCUMENTATION)"

.venv-dist/.stamp: Makefile
	test -x .venv-dist/bin/python || $(PYTHON) -m venv .venv-dist
	.venv-dist/bin/pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0 wheel==0.45.1
	touch $@

PART ?= all
MOST ?= 1000
RESUME ?=
scaffold-matrix: setup ## Every combination of answers of `new`: rendered, linted, tested and run; PART=lint, PART=run MOST=5 RESUME=1
	$(BIN)/python matrix/scaffold.py --part $(PART) --most $(MOST) $(if $(RESUME),--resume)

clean: ## Remove what the targets made
	rm -rf $(VENV) .venv-* build dist .airflow .mypy_cache .ruff_cache .pytest_cache .hypothesis
