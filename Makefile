# What to type. Every target first installs what it needs (tools/install.sh), quickly when it is there.

.PHONY: help demo test test-builds test-installs other-tests deploy-test deploy-tests docs coverage lint build sbom tools bench pieces instructions soak fleet faults attacks fuzz fuzz-smoke clean

SHELL_SCRIPTS := tools/install.sh .ci/run tests/fixtures/next-app/build.sh bench/peers/build.sh bench/node/next/build.sh fuzz/instrument $(wildcard tools/release/*.sh)
PYTHON_FILES := $(wildcard bench/run/*.py fuzz/*.py tools/*.py tools/demo/*.py examples/*/*.py examples/*/*/*.py tests/deploy/*.py tests/docs/*.py bench/fleet/*.py)
NODE_FILES := $(wildcard bench/node/authjs/*.mjs bench/peers/*.mjs examples/authjs-express/*.mjs examples/authjs-express/*.js examples/upstreams/node/*.mjs tests/fixtures/*/*.mjs tests/docs/*.mjs tests/docs/browser/*.mjs)

help:
	@echo 'make demo    run Envoy, sessiongate, an Auth.js application and a Python service on this machine'
	@echo 'make test    every test, with a real Envoy, the real Auth.js and a browser'
	@echo 'make deploy-test   what is under deploy/, docs/ and .github/; part of make test'
	@echo 'make docs    the book, to target/book'
	@echo 'make coverage   what the tests reach of the modules that decide, by line and by region'
	@echo 'make lint    formatting, clippy, and a check of the scripts'
	@echo 'make build   target/release/sessiongate'
	@echo 'make sbom    the same with a record of what is in it, and its bill of materials beside it'
	@echo 'make bench   what a check costs, beside doing nothing, Auth.js in Node.js and other gates: bench/results'
	@echo 'make pieces  what the pieces of a check cost in time, with Criterion'
	@echo 'make instructions   what they cost in instructions, held against what is noted'
	@echo 'make soak    ten minutes under load through Envoy, with reloads and outages'
	@echo 'make fleet   replicas rolled out, in the loss of a zone, through the rotation of a secret: bench/results/fleet.md'
	@echo 'make faults  every fault for some seconds, and the table of what they did'
	@echo 'make attacks AGAINST=host:port   the attack corpus, against another ext_authz server'
	@echo 'make fuzz    every fuzz target for an hour, or for SECONDS=… each, and the table of what they did'
	@echo 'make tools   only install what all of these need'
	@echo 'make clean   remove everything that was built or installed here'

demo:
	@tools/install.sh build envoy example
	@python3 tools/demo

# Where two things are mostly waiting, for a download, a process or one core, they are done at once. What measures time
# has the machine for itself.
test:
	@tools/install.sh build upstreams browser servers faults proxies
	@$(MAKE) --no-print-directory --jobs=2 test-builds test-installs
	cargo test --locked $(TIMED)
	@$(MAKE) --no-print-directory --jobs=2 deploy-tests other-tests

TIMED := --test envoy --test faults --bench soak
UNTIMED := $(filter-out envoy faults,$(patsubst tests/%.rs,%,$(wildcard tests/*.rs)) $(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))
OTHERS := --lib --bins --examples $(addprefix --test ,$(UNTIMED)) --bench door --bench gate --bench providers --bench server

test-builds:
	cargo build --locked --bin sessiongate --example upstream
	cargo test --locked --no-run $(TIMED) $(OTHERS)

test-installs:
	@tools/install.sh envoy envoys xds example fixture deploy supply workflows docs

other-tests:
	cargo test --locked $(OTHERS)
	python3 -m unittest discover -s tools/demo -p '*_test.py'
	@$(MAKE) --no-print-directory instructions fuzz-smoke

# With an example the dependencies are those of the tests, and nothing is built twice.
deploy-test:
	@tools/install.sh build envoy example servers proxies browser deploy supply workflows docs
	cargo build --locked --bin sessiongate --example upstream
	@$(MAKE) --no-print-directory deploy-tests

# ONLY=istio for the files that begin so, or the pages that have it in their path.
deploy-tests:
	python3 tests/deploy $(ONLY)
	python3 tests/docs $(ONLY)

docs:
	@tools/install.sh docs
	.tools/docs/bin/mdbook build docs

coverage:
	@tools/install.sh build envoy xds example fixture upstreams browser servers proxies coverage
	python3 tools/coverage.py

lint:
	@tools/install.sh build lint
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target -- -D warnings
	shellcheck $(SHELL_SCRIPTS)
	python3 -m py_compile $(PYTHON_FILES)
	@for file in $(NODE_FILES); do node --check $$file || exit 1; done

build:
	@tools/install.sh build
	cargo build --release --locked

sbom:
	@tools/install.sh build auditable supply
	PATH=$(CURDIR)/.tools/cargo/bin:$$PATH cargo auditable build --release --locked
	python3 tools/sbom.py target/release/sessiongate >target/release/sessiongate.cdx.json

tools:
	@tools/install.sh build envoy envoys xds example fixture upstreams browser servers faults proxies deploy supply workflows docs lint

bench:
	@tools/install.sh build envoy xds bench peers bench-node plots
	cargo build --locked --release
	CARGO_TARGET_DIR=target/noop cargo build --locked --release --manifest-path bench/noop/Cargo.toml
	@python3 bench/run

pieces:
	@tools/install.sh build fixture servers
	cargo bench --locked --bench gate --bench door --bench providers --bench server
	node tests/fixtures/authjs/bench.mjs

# Our own crate is optimised for it; what it stands on is what the tests have built.
instructions:
	@tools/install.sh build instructions
	GUNGRAUN_RUNNER=$(CURDIR)/.tools/cargo/bin/gungraun-runner cargo bench --locked --profile dev \
		--config 'profile.dev.opt-level=3' --config 'profile.dev.debug=1' --bench instructions

soak:
	@tools/install.sh build envoy fixture servers
	cargo bench --locked --bench soak

fleet:
	@tools/install.sh build envoy xds servers bench plots
	cargo build --locked --release
	python3 bench/fleet

faults:
	@tools/install.sh build envoy fixture servers faults
	SESSIONGATE_FAULT_SECONDS=$${SESSIONGATE_FAULT_SECONDS:-10} SESSIONGATE_FAULT_TABLE=bench/results/faults.md \
		cargo test --locked --test faults

# Without AGAINST it is asked of sessiongate itself, through every Envoy.
attacks:
	@tools/install.sh build envoy envoys fixture proxies
	ATTACKS_AGAINST='$(AGAINST)' cargo test --locked --test attacks -- --nocapture $(if $(AGAINST),--ignored)

fuzz:
	@tools/install.sh build
	python3 fuzz/run.py --seconds $(or $(SECONDS),3600) --keep --table bench/results/fuzz.md

# What `make test` does of it.
fuzz-smoke:
	@tools/install.sh build
	python3 fuzz/run.py --seconds 10 --jobs 2

clean:
	cargo clean
	rm -rf .tools fuzz/target fuzz/corpus fuzz/artifacts examples/authjs-express/node_modules examples/upstreams/node/node_modules tests/fixtures/*/node_modules tests/fixtures/*/built tests/deploy/node_modules tests/docs/browser/node_modules
	rm -rf bench/node/*/node_modules bench/node/next/.next
