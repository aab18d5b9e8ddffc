# What to type. Every target first installs what it needs (tools/install.sh), quickly when it is there.

.PHONY: help demo test lint build tools bench soak clean

SHELL_SCRIPTS := tools/install.sh .ci/run tests/fixtures/next-app/build.sh
PYTHON_FILES := $(wildcard tools/*.py tools/demo/*.py examples/*/*.py examples/*/*/*.py)
NODE_FILES := $(wildcard examples/authjs-express/*.mjs examples/authjs-express/*.js examples/upstreams/node/*.mjs tests/fixtures/*/*.mjs)

help:
	@echo 'make demo    run Envoy, sessiongate, an Auth.js application and a Python service on this machine'
	@echo 'make test    every test, with a real Envoy, the real Auth.js and a browser'
	@echo 'make lint    formatting, clippy, and a check of the scripts'
	@echo 'make build   target/release/sessiongate'
	@echo 'make bench   what one check costs'
	@echo 'make soak    ten minutes under load through Envoy, with reloads and outages'
	@echo 'make tools   only install what all of these need'
	@echo 'make clean   remove everything that was built or installed here'

demo:
	@tools/install.sh build envoy example
	@python3 tools/demo

test:
	@tools/install.sh build envoy xds example fixture upstreams browser servers proxies
	cargo build --locked --example upstream
	cargo test --locked --all-targets
	python3 -m unittest discover -s tools/demo -p '*_test.py'

lint:
	@tools/install.sh build lint
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck $(SHELL_SCRIPTS)
	python3 -m py_compile $(PYTHON_FILES)
	@for file in $(NODE_FILES); do node --check $$file || exit 1; done

build:
	@tools/install.sh build
	cargo build --release --locked

tools:
	@tools/install.sh build envoy xds example fixture upstreams browser servers proxies lint

bench:
	@tools/install.sh build fixture servers
	cargo bench --locked --bench gate --bench door --bench providers --bench server
	node tests/fixtures/authjs/bench.mjs

soak:
	@tools/install.sh build envoy fixture servers
	cargo bench --locked --bench soak

clean:
	cargo clean
	rm -rf .tools examples/authjs-express/node_modules examples/upstreams/node/node_modules tests/fixtures/*/node_modules tests/fixtures/*/built
