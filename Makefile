# The commands of the house. Each does all the set-up that it needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
export VITRINE_BIN := $(TARGET)/debug

.PHONY: help setup wasm-build wasm web binaries everything demo docs test check check-cuda bench bench-web bench-server bench-pytorch fuzz clean

help: ## List the commands.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install what the build needs beside Rust, Node and make.
	@scripts/setup.sh

wasm-build: setup
	cargo build -p vitrine-wasm-build

wasm: wasm-build ## Build the browser modules.
	$(TARGET)/debug/vitrine-wasm-build

web: wasm ## Build the npm package and the demo storefront.
	npm --prefix web run build

binaries: wasm-build ## Build vitrine and vitrine-server.
	cargo build -p vitrine-trainer -p vitrine-server

# One build for all tests and for the binaries that they run: with other features chosen, cargo
# would compile half of the dependencies twice.
everything: wasm-build
	cargo build --workspace --all-targets

# The browser modules are linked on one core, so the other one compiles meanwhile.
demo: ## Run the main job on a shop (VITRINE_DATA=folder for a real one) and serve it.
	@$(MAKE) --no-print-directory -j2 web binaries
	@scripts/demo.sh

docs: setup ## Make the npm package's reference from its types: web/vitrine/reference.
	@scripts/setup.sh packaging
	npm --prefix web run docs

test: ## Run every test.
	@$(MAKE) --no-print-directory -j2 web everything
	@scripts/setup.sh postgres
	@scripts/setup.sh strace
	@scripts/setup.sh browser
	@scripts/setup.sh firefox
	@scripts/setup.sh packaging
	cargo test --workspace
	npm --prefix web test
	npm --prefix web/packaging test
	node --test --test-concurrency=1 tests/browser/*.test.mjs

check: setup ## Format, lints, licences and types.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	@scripts/setup.sh deny
	cargo deny --log-level error check bans licenses sources
	@if cargo deny --log-level off fetch db; then cargo deny --log-level error check advisories; \
	else echo 'advisories: not checked, the database is out of reach'; fi
	@$(MAKE) --no-print-directory wasm
	npm --prefix web run check

check-cuda: ## Check that the trainer builds with CUDA (no toolkit needed).
	cargo clippy -p vitrine-trainer --features cuda --quiet -- -D warnings

bench: ## Measure quality, the closed loop and the noise: docs/results (VITRINE_DATA=folder of public data).
	@$(MAKE) --no-print-directory -j2 web everything
	node benches/quality.mjs
	node tests/browser/loop.mjs --out docs/results/loop.md
	node benches/windows.mjs --out docs/results/windows.md
	node tests/browser/wire.mjs
	cargo run --release -p vitrine-privacy --example audit -- docs/results/privacy.md

bench-web: ## Measure bytes, time and memory in the browser beside two rivals: docs/results/web.md.
	@$(MAKE) --no-print-directory -j2 web everything
	@scripts/setup.sh browser
	@scripts/setup.sh bench-web
	npm --prefix benches/web test
	node benches/web/run.mjs --out docs/results/web.md

bench-server: setup ## Measure the server under load: docs/results/feedback.md.
	@scripts/setup.sh postgres
	cargo build --release -p vitrine-server -p vitrine-bench-server
	$(TARGET)/release/vitrine-bench-server --server $(TARGET)/release/vitrine-server --out docs/results/feedback.md

fuzz: ## Fuzz what reads bytes of strangers, SECONDS (default 600) a target.
	@scripts/setup.sh fuzz
	@cd fuzz && for target in feedback oblivious budget manifest bundle delta encoder; do \
	  mkdir -p corpus-work/$$target; \
	  cargo +nightly fuzz run --fuzz-dir . $$target corpus-work/$$target corpus/$$target -- \
	    -max_total_time=$(or $(SECONDS),600) -timeout=25 -rss_limit_mb=3000; \
	done

bench-pytorch: setup ## Measure training speed beside PyTorch (PYTHON with torch, numpy, pyarrow): docs/results/training-speed.md.
	cargo build --release -p vitrine-trainer
	VITRINE_BIN=$(TARGET)/release node benches/pytorch/run.mjs

clean: ## Remove what was built and what the demo made.
	cargo clean
	rm -rf .demo .bench web/*/dist web/vitrine/{wasm,reference} web/packaging/.work
