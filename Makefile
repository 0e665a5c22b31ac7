# make demo   run the whole gateway on this machine
# make test   lint, types, import rules and all tests
# make bench  the engine against a conventional executor and against hand-written code; what tokens, the door and
#             partners cost
# make graphiql  bundle anew what the page at /graphql uses of other people's software; needs npm
# make screenshots  take README's pictures of the page anew; needs chromium
# make clean  forget all state

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

# Nothing is compiled when it is installed; what is used is compiled once, and not by each process again.
unexport PYTHONDONTWRITEBYTECODE

LOCK = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links pyproject.toml

GRAPHIQL := gateway/graphiql/build

# Other people's software for Node, which the tests run where Node is there and leave out where it is not.
NODE := $(if $(shell command -v npm),$(patsubst %package-lock.json,%node_modules/.installed,$(wildcard tests/*/package-lock.json)) $(GRAPHIQL)/node_modules/.installed)

.PHONY: demo test bench lock schema graphiql screenshots clean

demo: .venv/run.installed
	PORT=$(PORT) $(BIN)/python -m gateway demo

test: .venv/test.installed $(NODE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 3 --dist loadfile

bench: .venv/test.installed
	$(BIN)/python -m tests.benchmarks

schema: .venv/run.installed
	$(BIN)/python -m gateway schema > schema.graphql
	$(BIN)/python -m tests.views

lock: .venv/test.installed
	$(LOCK) --extra demo -o requirements.txt
	$(LOCK) --extra demo --extra test -o requirements-test.txt

.venv/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say PYTHON=python3.x")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/run.installed: .venv/python requirements.txt
	$(BIN)/python -m pip install -q --no-compile --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/test.installed: .venv/python requirements-test.txt tests/attacks/requirements.txt
	$(BIN)/python -m pip install -q --no-compile --disable-pip-version-check --require-hashes -r requirements-test.txt
	$(BIN)/python -m pip install -q --no-compile --disable-pip-version-check --no-deps --require-hashes -r tests/attacks/requirements.txt
	touch $@ .venv/run.installed

graphiql: $(GRAPHIQL)/node_modules/.installed
	node $(GRAPHIQL)/build.mjs gateway/graphiql/static

screenshots: .venv/test.installed
	$(BIN)/python -m tests.graphiql.screenshots

%/node_modules/.installed: %/package-lock.json
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@ \
		|| echo "npm could not install the packages of $*; the tests that need them are left out"

clean:
	rm -rf .gateway .venv tests/*/node_modules $(GRAPHIQL)/node_modules
