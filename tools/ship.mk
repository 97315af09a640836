# What goes to those who run ohfp: images, charts, packages, releases, and the checks of all that. Part of the Makefile.

# Builds that somebody else depends on are of one commit; a stamp of nothing would not be accepted by package formats.
STAMP_DATE = $(or $(DATE),1970-01-01T00:00:00Z)
STAMP_VERSION = $(or $(VERSION),0.0.0-dev)

# What only root on Linux can check. CI has to be root; elsewhere the parts that need nothing are checked.
ROOTED := $(if $(filter 0Linux,$(shell id -u)$(shell uname -s)),test-image test-packages,image packages)

# Tools of Python are pinned in files of requirements and installed below .cache on first use.
PINNED = tools/with-pip

##@ Containers

IMAGE_PLATFORMS ?= linux/$(shell $(GO) env GOARCH)
comma := ,

$(BIN)/THIRD_PARTY_LICENSES.txt: go.sum tools/licenses/main.go
	@mkdir -p $(BIN)
	$(GO) -C tools/licenses run . -dir $(CURDIR) -output $(CURDIR)/$@ ./cmd/...

.PHONY: image-root
image-root: $(BIN)/THIRD_PARTY_LICENSES.txt ## Lay out the files of the image in bin/image, for IMAGE_PLATFORMS (default: this machine's)
	@set -e; for platform in $(subst $(comma), ,$(IMAGE_PLATFORMS)); do \
		dir=$(CURDIR)/$(BIN)/image/$${platform%%/*}-$${platform##*/}; \
		rm -rf "$$dir"; mkdir -p "$$dir/usr/bin"; \
		GOOS=$${platform%%/*} GOARCH=$${platform##*/} $(GOBUILD) -o "$$dir/usr/bin/" ./cmd/...; \
		$(GO) -C tools/image run . root -output "$$dir" -docs $(CURDIR)/LICENSE,$(CURDIR)/$(BIN)/THIRD_PARTY_LICENSES.txt; \
	done

.PHONY: image
image: image-root ## Build the image for IMAGE_PLATFORMS without an engine, as bin/ohfp-image.tar (docker load, podman load)
	$(GO) -C tools/image run . pack -dockerfile $(CURDIR)/deploy/docker/Dockerfile -context $(CURDIR) \
		-platforms $(IMAGE_PLATFORMS) -output $(CURDIR)/$(BIN)/ohfp-image.tar -name ohfp:$(STAMP_VERSION) \
		-arg ROOT=prebuilt -arg VERSION=$(STAMP_VERSION) -arg COMMIT=$(COMMIT) -arg DATE=$(STAMP_DATE)
	@ls -lh $(BIN)/ohfp-image.tar

.PHONY: test-image
test-image: image ## Start the image's program in its own files, read-only and not as root, and run its health check (root on Linux)
	OHFP_TEST_DISALLOW_SKIP=1 OHFP_IMAGE=$(CURDIR)/$(BIN)/ohfp-image.tar $(GO) -C tools/image test -count=1 -v -run '^TestImage$$' .

.PHONY: check-compose
check-compose: ## Lint the Dockerfile and check docker-compose.yml with each of its profiles (tools installed with pip unless there)
	$(PINNED) tools/deploy.txt hadolint deploy/docker/Dockerfile
	$(PINNED) tools/deploy.txt check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@for profile in '' simulated postgres monitoring simulated,postgres,monitoring; do \
		COMPOSE_PROFILES=$$profile $(PINNED) tools/deploy.txt docker-compose --env-file .env.example config --quiet || exit 1; \
	done
	$(PINNED) tools/deploy.txt docker-compose --env-file deploy/docker/simulated.env config --quiet

##@ Packages

PACKAGE_PLATFORMS ?= linux/$(shell $(GO) env GOARCH)
DIST ?= dist
NFPM = $(GO) tool -modfile=tools/nfpm/go.mod nfpm

.PHONY: packages
packages: build $(BIN)/THIRD_PARTY_LICENSES.txt ## Build a .deb and an .rpm into dist, for PACKAGE_PLATFORMS (default: this machine's)
	@mkdir -p $(DIST)
	@set -e; for platform in $(subst $(comma), ,$(PACKAGE_PLATFORMS)); do \
		arch=$${platform##*/}; stage=$(BIN)/package/$$arch; mkdir -p $(BIN)/programs/linux-$$arch; \
		GOOS=linux GOARCH=$$arch $(GOBUILD) -o $(BIN)/programs/linux-$$arch/ ./cmd/...; \
		tools/stage $(BIN)/programs/linux-$$arch $$stage $(BIN)/ohfp; \
		for format in deb rpm; do \
			VERSION=$(STAMP_VERSION) DATE=$(STAMP_DATE) ARCH=$$arch STAGE=$$stage \
				SOURCE_DATE_EPOCH=$$(date -u -d $(STAMP_DATE) +%s) $(NFPM) package -f deploy/packages/nfpm.yaml -p $$format -t $(DIST)/; \
		done; \
	done

.PHONY: test-packages
test-packages: ## Install, start, upgrade and remove the .deb in a minimal Debian, and read the .rpm (root on Linux)
	@rm -rf $(BIN)/test-packages
	@$(MAKE) --no-print-directory packages DIST=$(BIN)/test-packages PACKAGE_PLATFORMS=linux/$$($(GO) env GOARCH)
	tools/test-packages $(BIN)/test-packages/*.deb $(BIN)/test-packages/*.rpm

##@ Tools

.PHONY: test-tools
test-tools: ## Vet and test the tools that are modules of their own
	@set -e; for module in tools/*/go.mod; do \
		dir=$$(dirname $$module); echo "== $$dir"; \
		$(GO) -C $$dir mod tidy -diff; \
		[ -z "$$(ls $$dir/*.go 2>/dev/null)" ] || { $(GO) -C $$dir vet ./... && $(GO) -C $$dir test ./...; }; \
	done

.PHONY: check-ship
check-ship: test-tools check-compose $(ROOTED) ## Check all that goes to those who run ohfp, as CI does
