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
	$(PINNED) tools/deploy.txt hadolint deploy/docker/Dockerfile .devcontainer/Dockerfile
	$(PINNED) tools/deploy.txt check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@for profile in '' simulated postgres monitoring simulated,postgres,monitoring; do \
		COMPOSE_PROFILES=$$profile $(PINNED) tools/deploy.txt docker-compose --env-file .env.example config --quiet || exit 1; \
	done
	$(PINNED) tools/deploy.txt docker-compose --env-file deploy/docker/simulated.env config --quiet

##@ Kubernetes

HELM = $(GO) -C tools/helm run .
CHART = $(CURDIR)/deploy/helm/ohfp

.PHONY: manifests
manifests: ## Write deploy/kubernetes/ohfp.yaml again, from the chart
	@{ echo '# Written by make manifests from the chart and values.yaml beside this file; kubectl apply -n ohfp -f ohfp.yaml'; \
		$(HELM) template -namespace ohfp -values $(CURDIR)/deploy/kubernetes/values.yaml $(CHART); } >$(CURDIR)/deploy/kubernetes/ohfp.yaml

.PHONY: check-kubernetes
check-kubernetes: ## Render the chart with each example and check all objects against the schemas of Kubernetes, strictly
	@mkdir -p $(BIN)/kubernetes
	@cp deploy/kubernetes/ohfp.yaml $(BIN)/kubernetes/before.yaml
	@$(MAKE) --no-print-directory manifests && diff $(BIN)/kubernetes/before.yaml deploy/kubernetes/ohfp.yaml || \
		{ echo "make check-kubernetes: deploy/kubernetes/ohfp.yaml was out of date; commit it" >&2; exit 1; }
	@set -e; for values in deploy/helm/examples/*.yaml; do \
		$(HELM) template -values $(CURDIR)/$$values $(CHART) >$(BIN)/kubernetes/$$(basename $$values); \
	done
	$(PINNED) tools/deploy.txt kubernetes-validate --strict --quiet -k 1.34 \
		deploy/kubernetes/ohfp.yaml $(patsubst deploy/helm/examples/%,$(BIN)/kubernetes/%,$(wildcard deploy/helm/examples/*.yaml))

.PHONY: chart
chart: ## Pack the Helm chart into dist
	@rm -rf $(BIN)/chart && mkdir -p $(BIN)/chart $(DIST)
	@$(HELM) package -version $(STAMP_VERSION) -destination $(CURDIR)/$(BIN)/chart $(CHART) >/dev/null
	@tar -xzf $(BIN)/chart/*.tgz -C $(BIN)/chart && mv $(BIN)/chart/*.tgz $(BIN)/chart.tgz
	@$(ARCHIVE) -output $(CURDIR)/$(BIN)/chart.tar.gz -date $(STAMP_DATE) $(CURDIR)/$(BIN)/chart
	@mv $(BIN)/chart.tar.gz $(DIST)/ohfp-$(patsubst v%,%,$(STAMP_VERSION)).tgz

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
				SOURCE_DATE_EPOCH=$$(date -u -d $(STAMP_DATE) +%s) $(NFPM) package -f deploy/packages/nfpm.yaml -p $$format \
				-t $(DIST)/ohfp_$(STAMP_VERSION)_linux_$$arch.$$format; \
		done; \
	done

.PHONY: test-packages
test-packages: ## Install, start, upgrade and remove the .deb in a minimal Debian, and read the .rpm (root on Linux)
	@rm -rf $(BIN)/test-packages
	@$(MAKE) --no-print-directory packages DIST=$(BIN)/test-packages PACKAGE_PLATFORMS=linux/$$($(GO) env GOARCH)
	tools/test-packages $(BIN)/test-packages/*.deb $(BIN)/test-packages/*.rpm

DIST_PLATFORMS ?= linux/amd64,linux/arm64,linux/ppc64le,linux/s390x,darwin/amd64,darwin/arm64,windows/amd64
ARCHIVE = $(GO) -C tools/release run . archive
SBOM = $(GO) tool -modfile=tools/sbom/go.mod cyclonedx-gomod
on = $(filter $(1)/%,$(subst $(comma), ,$(DIST_PLATFORMS)))
commas = $(subst $(subst ,, ),$(comma),$(strip $(1)))

.PHONY: archives
archives: $(BIN)/THIRD_PARTY_LICENSES.txt ## Pack programs, scripts and samples into dist, as .tar.gz or .zip, for DIST_PLATFORMS (default: all)
	@mkdir -p $(DIST)
	@set -e; for platform in $(subst $(comma), ,$(DIST_PLATFORMS)); do \
		os=$${platform%%/*} arch=$${platform##*/}; dir=$(BIN)/archive/$$os-$$arch; \
		rm -rf $$dir; mkdir -p $$dir/bin $$dir/scripts $$dir/conf; \
		case $$os in \
			windows) commands=./cmd/ohfp kind=zip scripts=bat ;; \
			*) commands=./cmd/... kind=tar.gz scripts=sh ;; \
		esac; \
		echo "$$os/$$arch"; \
		GOOS=$$os GOARCH=$$arch $(GOBUILD) -o $$dir/bin/ $$commands; \
		cp deploy/hostfactory/scripts/*.$$scripts $$dir/scripts/; cp deploy/hostfactory/conf/*.json $$dir/conf/; \
		cp deploy/hostfactory/README.md LICENSE CHANGELOG.md $(BIN)/THIRD_PARTY_LICENSES.txt $$dir/; \
		$(ARCHIVE) -output $(abspath $(DIST))/ohfp_$(STAMP_VERSION)_$${os}_$$arch.$$kind -prefix ohfp_$(STAMP_VERSION) -date $(STAMP_DATE) $(CURDIR)/$$dir; \
	done

.PHONY: sbom
sbom: build ## Write what the program consists of to dist, as CycloneDX
	@mkdir -p $(DIST)
	$(SBOM) bin -json -licenses -noserial -version $(STAMP_VERSION) -output $(DIST)/ohfp_$(STAMP_VERSION).cdx.json $(BIN)/ohfp
	sed -i.orig 's/"timestamp": "[^"]*"/"timestamp": "$(STAMP_DATE)"/' $(DIST)/ohfp_$(STAMP_VERSION).cdx.json && rm $(DIST)/*.orig

.PHONY: dist
dist: archives sbom chart ## Build all that a release has into dist: archives, packages, image, chart, SBOM, checksums
	@$(MAKE) --no-print-directory packages PACKAGE_PLATFORMS=$(call commas,$(call on,linux))
	@$(MAKE) --no-print-directory image IMAGE_PLATFORMS=$(call commas,$(call on,linux))
	@cp $(BIN)/ohfp-image.tar $(DIST)/ohfp_$(STAMP_VERSION)_image.tar
	cd $(DIST) && rm -f SHA256SUMS && sha256sum * > ../.SHA256SUMS && mv ../.SHA256SUMS SHA256SUMS

.PHONY: test-dist
test-dist: ## Build a release for this machine twice, compare them, and run a script from the archive
	@rm -rf $(BIN)/dist && mkdir -p $(BIN)
	@for time in 1 2; do $(MAKE) --no-print-directory dist DIST=$(BIN)/dist/$$time DIST_PLATFORMS=linux/$$($(GO) env GOARCH) >$(BIN)/dist.log 2>&1 || { cat $(BIN)/dist.log; exit 1; }; done
	cd $(BIN)/dist/1 && sha256sum --check SHA256SUMS
	diff $(BIN)/dist/1/SHA256SUMS $(BIN)/dist/2/SHA256SUMS
	@tar -xzf $(BIN)/dist/1/*.tar.gz -C $(BIN)/dist && echo '{}' >$(BIN)/dist/in.json && \
		$(BIN)/dist/ohfp_*/scripts/getAvailableTemplates.sh -f $(BIN)/dist/in.json 2>&1 | grep 'template'

# What is compiled for CROSS_PLATFORMS: the programs, and by vet all packages with their tests.
CROSS_PLATFORMS ?= $(DIST_PLATFORMS)

.PHONY: cross
cross: ## Compile the programs, and vet all packages and tests, for CROSS_PLATFORMS (default: all of DIST_PLATFORMS)
	@set -e; for platform in $(subst $(comma), ,$(CROSS_PLATFORMS)); do \
		echo "$$platform"; export GOOS=$${platform%%/*} GOARCH=$${platform##*/} CGO_ENABLED=0; \
		$(GO) build -trimpath -o /dev/null ./cmd/...; $(GO) vet ./...; \
	done

EMULATED ?= arm64 ppc64le s390x

.PHONY: test-emulated
test-emulated: ## Request and return machines with programs for other processors (EMULATED), run by qemu (installed by apt-get if root)
	@tools/test-emulated $(EMULATED)

##@ Releases (docs/releases.md; DRY_RUN=true changes nothing)

RELEASE_BRANCH ?= main
RELEASE_CHECK ?= make lint test
RELEASE = $(GO) -C tools/release run . -dir $(CURDIR) -branch $(RELEASE_BRANCH) -check '$(RELEASE_CHECK)' $(if $(filter-out false no 0,$(DRY_RUN)),-dry-run)

.PHONY: release-patch
release-patch: ## Release the next patch version
	@$(RELEASE) patch
.PHONY: release-patch-alpha
release-patch-alpha: ## Release an alpha of the next patch version
	@$(RELEASE) patch-alpha
.PHONY: release-patch-beta
release-patch-beta: ## Release a beta of the next patch version
	@$(RELEASE) patch-beta
.PHONY: release-patch-rc
release-patch-rc: ## Release an rc of the next patch version
	@$(RELEASE) patch-rc
.PHONY: release-minor
release-minor: ## Release the next minor version
	@$(RELEASE) minor
.PHONY: release-minor-alpha
release-minor-alpha: ## Release an alpha of the next minor version
	@$(RELEASE) minor-alpha
.PHONY: release-minor-beta
release-minor-beta: ## Release a beta of the next minor version
	@$(RELEASE) minor-beta
.PHONY: release-minor-rc
release-minor-rc: ## Release an rc of the next minor version
	@$(RELEASE) minor-rc
.PHONY: release-major
release-major: ## Release the next major version
	@$(RELEASE) major
.PHONY: release-major-alpha
release-major-alpha: ## Release an alpha of the next major version
	@$(RELEASE) major-alpha
.PHONY: release-major-beta
release-major-beta: ## Release a beta of the next major version
	@$(RELEASE) major-beta
.PHONY: release-major-rc
release-major-rc: ## Release an rc of the next major version
	@$(RELEASE) major-rc
.PHONY: promote-alpha
promote-alpha: ## Release the newest pre-release again as an alpha
	@$(RELEASE) promote-alpha
.PHONY: promote-beta
promote-beta: ## Release the newest pre-release again as a beta
	@$(RELEASE) promote-beta
.PHONY: promote-rc
promote-rc: ## Release the newest pre-release again as an rc
	@$(RELEASE) promote-rc
.PHONY: promote-stable
promote-stable: ## Release the newest pre-release for good
	@$(RELEASE) promote-stable
.PHONY: release-version
release-version: ## Release the version that RELEASE_VERSION says
	@$(RELEASE) -version '$(RELEASE_VERSION)' version

.PHONY: test-release
test-release: ## Make a dry run of every release target in a clone of what is committed
	@tools/test-release

##@ Security

.PHONY: licenses
licenses: ## Check the licences of all that the programs link
	$(GO) -C tools/licenses run . -dir $(CURDIR) ./cmd/...

.PHONY: secrets
secrets: ## Look for secrets in all that was ever committed
	$(GO) tool -modfile=tools/gitleaks/go.mod gitleaks git --no-banner --redact --verbose --log-level warn .

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities that the code reaches (asks Go's database of them)
	$(GO) tool -modfile=tools/vulncheck/go.mod govulncheck ./...

.PHONY: security
security: licenses secrets ## Check licences and look for secrets; gosec runs with make lint, and make vulncheck needs the network

##@ Workflows

.PHONY: check-workflows
check-workflows: ## Check the workflows of .github: their form, shell commands, pinned actions, rights
	$(GO) tool -modfile=tools/actionlint/go.mod actionlint
	$(PINNED) tools/deploy.txt zizmor --offline --quiet --no-progress .github
	$(PINNED) tools/deploy.txt check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(PINNED) tools/deploy.txt pre-commit validate-config .pre-commit-config.yaml

##@ Tools

.PHONY: test-tools
test-tools: ## Vet and test the tools that are modules of their own
	@set -e; for module in tools/*/go.mod; do \
		dir=$$(dirname $$module); echo "== $$dir"; \
		$(GO) -C $$dir mod tidy -diff; \
		[ -z "$$(ls $$dir/*.go 2>/dev/null)" ] || { $(GO) -C $$dir vet ./... && $(GO) -C $$dir test ./...; }; \
	done

.PHONY: check-ship
check-ship: test-tools security check-workflows test-release test-dist check-compose check-kubernetes $(ROOTED) ## Check all that goes to those who run ohfp, as CI does
