# What can be done with this repository: `make help` lists it.
# Needs Go, make, git and a POSIX shell. The linter and the formatter are pinned in tools/go.mod and built on first use;
# `make race` also needs a C compiler.

SHELL := /bin/sh
.DEFAULT_GOAL := help

GO      ?= go
BIN     ?= bin
FUZZTIME ?= 20s
FUZZ    ?= .

# Tools have a module of their own, so that what they depend on never reaches the product's go.mod.
TOOL := $(GO) tool -modfile=tools/go.mod
LINT := $(TOOL) golangci-lint

# The version is the nearest tag. The date is the commit's, not the clock's: one commit always builds to the same bytes.
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' 2>/dev/null)
COMMIT  ?= $(shell git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null)
DATE    ?= $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
STAMP   := github.com/openhostfactory/ohfp/internal/version
LDFLAGS = -s -w -X $(STAMP).linkedVersion=$(VERSION) -X $(STAMP).linkedCommit=$(COMMIT) -X $(STAMP).linkedDate=$(DATE)

# No C in the binary: one file that runs on any Linux, container or not.
GOBUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'

##@ Everyday

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z0-9-]*:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/ohfp with version, commit and date
	@mkdir -p $(BIN)
	$(GOBUILD) -o $(BIN)/ ./cmd/...

.PHONY: install
install: ## Build and install into Go's bin directory (go env GOBIN)
	CGO_ENABLED=0 $(GO) install -trimpath -ldflags '$(LDFLAGS)' ./cmd/...

.PHONY: demo
demo: ## Watch the Host Factory scripts request, follow and return machines from a simulated AWS
	$(GO) run ./cmd/ohfp demo

.PHONY: clean
clean: ## Remove what build, tests, test-coverage and profiling left behind
	rm -rf $(BIN) .cache coverage.out coverage.html
	find . -type f \( -name '*.test' -o -name '*.prof' \) -not -path './.git/*' -exec rm -f {} +

##@ Tests

.PHONY: test
test: ## Run all tests
	$(GO) test ./...

.PHONY: race
race: ## Run the tests with the race detector, but the lives of internal/chaos and what is many processes (needs a C compiler)
	@command -v "$$(CGO_ENABLED=1 $(GO) env CC | cut -d' ' -f1)" >/dev/null || \
		{ echo "make race: no C compiler: install gcc or clang, or name one in CC" >&2; exit 1; }
	CGO_ENABLED=1 $(GO) test -race -timeout 30m -skip '^Test(DocumentsRun|Scripts|SeedCommands)$$' $$($(GO) list ./... | grep -v /internal/chaos$$)

.PHONY: test-throttle
test-throttle: ## Launch 10,000 machines against EC2's default rates, in simulated time (minutes)
	OHFP_TEST_LONG=1 $(GO) test -count=1 -v -timeout 30m -run TestThrottle ./provider/aws

.PHONY: test-fresh
test-fresh: ## Run README's two commands in a minimal Debian with Go, make and git alone (root on Linux; some ten minutes)
	@tools/test-fresh

.PHONY: test-coverage
test-coverage: ## Run all tests, write coverage.out and coverage.html, print the total
	$(GO) test -covermode=atomic -coverprofile=coverage.out ./...
	$(GO) tool cover -html=coverage.out -o coverage.html
	@$(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: test-integration
test-integration: ## Run the suites that drive the built binary, its scripts and its processes; none may be skipped
	@OHFP_TEST_DISALLOW_SKIP=1 $(GO) test -count=1 -v -run 'BlackBox|Script|Crash|Process' ./... 2>&1 | awk ' \
		/^(=== |PASS$$|\?)/ || /no tests to run/ { next } \
		/^ *--- SKIP/ { skipped = 1 } \
		/^FAIL/ { failed = 1 } \
		/^ok/ { passed = 1 } \
		{ print } \
		END { if (skipped) print "make test-integration: skipped tests count as failed"; exit failed || skipped || !passed }'

.PHONY: test-postgres
test-postgres: ## Run the tests of the store in PostgreSQL beside a server of their own (installed by apt-get if root; none may be skipped)
	@OHFP_TEST_DISALLOW_SKIP=1 tools/with-postgres $(GO) test -count=1 -run Postgres ./store/sqlstore ./store/transfer ./internal/daemon

.PHONY: store-chaos
store-chaos: ## Kill one process a second of 64 that do 200 operations each on 10,000 machines, in every store (minutes; DynamoDB on dynalite: 16, 50, 1,000)
	OHFP_CHAOS_PROCESSES=64 OHFP_CHAOS_OPERATIONS=200 OHFP_CHAOS_MACHINES=10000 \
		$(GO) test -count=1 -v -p 1 -timeout 60m -run '^TestChaos$$' ./store/jsonfile ./store/sqlstore
	@OHFP_TEST_DISALLOW_SKIP=1 OHFP_CHAOS_PROCESSES=64 OHFP_CHAOS_OPERATIONS=200 OHFP_CHAOS_MACHINES=10000 \
		tools/with-postgres $(GO) test -count=1 -v -timeout 60m -run PostgresChaos ./store/sqlstore
	@OHFP_TEST_DISALLOW_SKIP=1 OHFP_CHAOS_PROCESSES=16 OHFP_CHAOS_OPERATIONS=50 OHFP_CHAOS_MACHINES=1000 \
		tools/with-dynalite $(GO) test -count=1 -v -timeout 60m -run ServerChaos ./store/dynamodb

.PHONY: test-takeover
test-takeover: ## Stop daemons that share a store for longer than their leases, RUNS times over (default 200), and real ones RUNS/10 times
	@OHFP_TEST_DISALLOW_SKIP=1 OHFP_SWITCHES=$(or $(RUNS),200) OHFP_STOPS=$$(( $(or $(RUNS),200) / 10 )) \
		tools/with-postgres tools/with-dynalite $(GO) test -count=1 -v -timeout 90m -run 'LeaderSwitches|StoppedDaemons|GracefulStop' ./internal/daemon

.PHONY: test-moto
test-moto: ## Run the provider suite against moto, another emulator of AWS (installed with pip unless there; none may be skipped)
	@OHFP_TEST_DISALLOW_SKIP=1 tools/with-moto $(GO) test -count=1 -timeout 30m -run MotoConformance ./provider/aws

.PHONY: test-aws
test-aws: ## Run the provider suite on real AWS, which costs money (docs/testing.md says what it needs; RUN=regexp chooses)
	@OHFP_TEST_DISALLOW_SKIP=1 OHFP_TEST_AWS=1 $(GO) test -count=1 -v -timeout 24h -run 'AWSConformance/$(RUN)' ./provider/aws

.PHONY: conformance
conformance: ## Print the table of the provider suite: way to launch, case, cloud; with reasons for all that is not supported
	@OHFP_TEST_DISALLOW_SKIP=1 tools/with-moto $(GO) test -json -count=1 -timeout 30m -run '^Test(Moto)?Conformance$$' ./provider/... | \
		$(GO) run ./provider/providertest/table

.PHONY: test-dynalite
test-dynalite: ## Run the tests of the store in DynamoDB, and commands on it, beside dynalite (installed by npm; none may be skipped)
	@OHFP_TEST_DISALLOW_SKIP=1 tools/with-dynalite $(GO) test -count=1 -timeout 15m -run 'Server|OnDynamoDB' ./store/dynamodb ./store/transfer ./internal/cli ./internal/daemon

.PHONY: test-mcp
test-mcp: build ## Drive bin/ohfp through the Python SDK and the inspector of the Model Context Protocol (installed unless there)
	@tools/test-mcp $(BIN)/ohfp

.PHONY: test-openapi
test-openapi: build ## Have schemathesis make up calls of REST from its document, with and without a token (OHFP_TEST_OPENAPI=N: more of them)
	@tools/test-openapi $(BIN)/ohfp

.PHONY: test-outside
test-outside: ## Build examples/pool in a module of its own, as a provider from outside, and run the provider suite there
	OHFP_TEST_LONG=1 $(GO) test -count=1 -v -timeout 20m -run TestOutside ./examples/pool

.PHONY: test-dynamodb-moto
test-dynamodb-moto: ## Run the tests of the store in DynamoDB beside moto (docs/storage.md says which not, and why; none may be skipped)
	@OHFP_TEST_DISALLOW_SKIP=1 tools/with-moto sh -c 'OHFP_TEST_DYNAMODB=$$OHFP_TEST_MOTO exec "$$@"' sh \
		$(GO) test -count=1 -timeout 15m -run ServerStore ./store/dynamodb

.PHONY: test-performance
test-performance: bench ## Run the performance tests (same as bench)

.PHONY: crash
crash: ## Kill the program at every step and lose its replies, RUNS times over (default 300)
	OHFP_CRASH_RUNS=$(or $(RUNS),300) $(GO) test -count 1 -timeout 60m -run 'Crash|Fault' ./internal/fakehf

.PHONY: chaos
chaos: ## Play RUNS lives of an installation in which everything goes wrong (default 2000), from SEED on (default: the time)
	OHFP_CHAOS_RUNS=$(or $(RUNS),2000) OHFP_CHAOS_SEED=$(or $(SEED),$(shell date +%s)) $(GO) test -count 1 -v -timeout 6h ./internal/chaos

.PHONY: chaos-short
chaos-short: ## The same as CI does it, in less than three minutes
	OHFP_CHAOS_RUNS=$(or $(RUNS),60) OHFP_CHAOS_SEED=$(or $(SEED),1) $(GO) test -count 1 -v -timeout 10m ./internal/chaos

.PHONY: histories
histories: ## Play requests and returns by every launch API with answers lost, RUNS of each (default 20)
	OHFP_HISTORIES=$(or $(RUNS),20) $(GO) test -count 1 -timeout 60m -run 'Histories' ./provider/aws

.PHONY: orphans-test
orphans-test: ## Collect orphans in 10,000 random histories in which nothing that somebody answers for may be touched
	$(GO) test -count 1 -timeout 60m -run 'NoHistoryTouches|ThousandOrphans' ./internal/command -rapid.checks=2500 -v

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each (default 20s); FUZZ=regexp chooses
	@listing=$$($(GO) test -list '^Fuzz' ./...) || { echo "$$listing"; exit 1; }; \
	targets=$$(echo "$$listing" | awk '/^Fuzz/ { name[n++] = $$1 } /^ok/ { while (n) print $$2, name[--n] }' | grep -E '$(FUZZ)') || \
		{ echo "make fuzz: no fuzz target matches $(FUZZ)" >&2; exit 1; }; \
	echo "$$targets" | while read -r package target; do \
		echo "== $$package $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null || exit 1; \
	done

##@ Benchmarks

.PHONY: bench
bench: bench-scripts bench-calls ## Run all benchmarks
	$(GO) test -run '^$$' -bench . -benchmem $$($(GO) list ./... | grep -v /internal/fakehf$$)

.PHONY: bench-scripts
bench-scripts: ## Time the five scripts, --version and templates list against /bin/true, with 10, 1,000 and 10,000 machines stored
	$(GO) test -run '^$$' -bench 'Scripts' -benchtime 20x ./internal/fakehf/... ./internal/daemon

.PHONY: bench-interruptions
bench-interruptions: ## Interrupt 10,000 machines in a minute and time each from the event to the answer that names it
	$(GO) test -run '^$$' -bench Interruptions -benchtime 1x -timeout 20m ./internal/daemon

.PHONY: bench-postgres
bench-postgres: ## Time the store in PostgreSQL beside a server of its own
	@OHFP_TEST_DISALLOW_SKIP=1 tools/with-postgres $(GO) test -run '^$$' -bench Postgres -benchmem ./store/sqlstore

.PHONY: bench-store
bench-store: ## Print what each store takes: a fresh process, requests and machines a second, 10,000 machines; SQLite beside its driver
	OHFP_TEST_LONG=1 $(GO) test -count=1 -v -p 1 -parallel 1 -timeout 30m -run '^TestFigures' ./store/sqlstore ./store/jsonfile
	@OHFP_TEST_DISALLOW_SKIP=1 OHFP_TEST_LONG=1 tools/with-postgres $(GO) test -count=1 -v -timeout 30m -run PostgresFigures ./store/sqlstore
	@OHFP_TEST_DISALLOW_SKIP=1 OHFP_TEST_LONG=1 tools/with-dynalite $(GO) test -count=1 -v -timeout 30m -run ServerFigures ./store/dynamodb

.PHONY: bench-rest
bench-rest: build ## Time REST on SQLite beside a bare handler that answers the same bytes, server and client each on a core of its own; 1,000 streams
	$(GO) test -c -o .cache/figures.test ./internal/rest/figures
	cd internal/rest/figures && OHFP_RESILIENCE_PACING_ENABLED=false OHFP_BENCH=$(abspath $(BIN))/ohfp GOMAXPROCS=1 taskset -c 1 $(CURDIR)/.cache/figures.test -test.v -test.run TestFigures

.PHONY: bench-calls
bench-calls: ## Count the AWS calls that each operation makes
	$(GO) test -run '^$$' -bench 'Calls' -benchtime 1x ./internal/fakehf/...

##@ Quality

.PHONY: format
format: ## Format the code (gofumpt, import groups)
	$(LINT) fmt

.PHONY: lint
lint: ## Check the code and its formatting (.golangci.yml says what and why)
	$(LINT) config verify
	$(LINT) run ./...

.PHONY: generate
generate: ## Write generated files again
	$(GO) generate ./...

# What git sees of the working tree, reduced to one hash: names, changes, and the content of files it does not know.
TREE = { git status --porcelain && git diff && git ls-files --others --exclude-standard -z | xargs -0 -r git hash-object --; } | git hash-object --stdin

.PHONY: verify
verify: ## Check that generated files, go.mod and checksums are current and the tree stays as it was (CI=true: clean)
	@git rev-parse --git-dir >/dev/null 2>&1 || { echo "make verify: needs a git checkout" >&2; exit 1; }
	@before=$$($(TREE)) && \
	$(MAKE) --no-print-directory generate && \
	$(GO) mod tidy -diff && $(GO) mod verify && \
	$(GO) -C tools mod tidy -diff && \
	after=$$($(TREE)) && \
	if [ "$$before" != "$$after" ]; then \
		echo "make verify: generated files were out of date; commit what make generate wrote:" >&2; \
		git status --short >&2; exit 1; \
	fi
	@if [ "$${CI:-}" = true ] && [ -n "$$(git status --porcelain)" ]; then \
		echo "make verify: the tree is not clean:" >&2; git status --short >&2; exit 1; \
	fi

.PHONY: pre-commit
pre-commit: format lint test ## Run before committing: format, lint, test

##@ Documents

.PHONY: docs
docs: ## Build the documentation site into bin/site (the generator is installed with pip unless there; a warning is an error)
	@tools/mkdocs build --strict --quiet
	@! grep -rlE '<(script|img|iframe)[^>]* src="https?://|<link[^>]* rel="stylesheet"[^>]* href="https?://' $(BIN)/site --include='*.html' || \
		{ echo "make docs: these pages load something from elsewhere" >&2; exit 1; }
	@echo "$(BIN)/site/index.html"

.PHONY: docs-serve
docs-serve: ## Show the documentation on http://127.0.0.1:8001 while you write it
	tools/mkdocs serve --strict --dev-addr 127.0.0.1:8001

include tools/ship.mk

##@ Set-up (the pip and uv names are kept for those who know them)

.PHONY: dev-install
dev-install: ## Download modules, build the pinned tools, compile everything once
	$(GO) mod download
	$(LINT) version
	$(TOOL) gofumpt -version
	$(GO) build ./...

.PHONY: dev-install-pip
dev-install-pip: dev-install ## Same as dev-install: Go needs no package installer

.PHONY: dev-install-uv
dev-install-uv: dev-install ## Same as dev-install: Go needs no package installer

.PHONY: uv-lock
uv-lock: ## Bring go.mod and go.sum, Go's lock files, in line with the code and verify checksums
	$(GO) mod tidy
	$(GO) -C tools mod tidy
	@set -e; for module in tools/*/go.mod; do $(GO) -C $$(dirname $$module) mod tidy; done
	$(GO) mod verify

.PHONY: uv-sync-dev
uv-sync-dev: ## Download exactly the module versions that go.mod and go.sum lock, and verify them
	$(GO) mod download
	$(GO) -C tools mod download
	$(GO) mod verify
