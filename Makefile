# Gatewright. `make` alone prints the targets.

GO      ?= go
FUZZ    ?= 30s
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 freebsd/amd64 freebsd/arm64

# nft, ipset and squid live where a user's PATH may not look.
export PATH := $(PATH):/usr/sbin:/sbin

# The packages that have expected files.
GOLDEN = ./cmd/gatewright ./generators $(addprefix ./generators/,nftables iptables pac squid trustedsites)

# Tests make network namespaces, so they need root.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo -E env "PATH=$$PATH")

.PHONY: help build demo dist reproduce package deps test prove check golden fuzz bench clean

help: ## print the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

build: ## build bin/gatewright, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/gatewright ./cmd/gatewright

demo: build ## write the rule files for the default catalogue to out/
	bin/gatewright generate -o out

dist: ## build static binaries and Debian packages in bin/dist/, with their SHA-256 sums
	.ci/dist bin/dist $(PLATFORMS)

reproduce: dist ## build them again in another place, and compare every byte
	.ci/reproduce bin/dist $(PLATFORMS)

package: ## build the Debian package, run lintian on it, and test it in Debian 12 and 13; needs root or sudo
	.ci/package

deps: ## install the system packages that the tests need and that are missing
	@.ci/deps

test: ## run every test with the real engines; needs root or sudo, and `make deps`
	@echo "the tests load rules in network namespaces of their own, which needs root or sudo"
	$(SUDO) $(GO) test -timeout 40m -parallel 4 ./... # engines wait more than they work

prove: ## ask the engines millions of flows; lines with "proved:" show the counts
	$(SUDO) env GATEWRIGHT_PROVE=all $(GO) test ./generators/... -count 1 -timeout 60m -v
	env GATEWRIGHT_PROVE=all $(GO) test ./cmd/gatewright -run 'DiffProof|ExpectProof' -count 1 -timeout 60m -v
	$(SUDO) env GATEWRIGHT_PROVE=all $(GO) test ./cmd/gatewright -run 'Drift|KilledApply|KilledConfirm' -count 1 -timeout 60m -v

check: ## gofmt, vet, dependencies, layers, and builds for other platforms
	@test -z "$$(gofmt -l cmd generators templates catalog)" || { gofmt -d cmd generators templates catalog; exit 1; }
	$(GO) vet ./...
	$(GO) mod verify
	$(GO) test ./cmd/gatewright -run 'TestLayers|TestDependencies|TestTopLevel'
	@for p in $(PLATFORMS); do echo "build $$p"; \
		CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -o /dev/null ./cmd/gatewright || exit 1; done

golden: ## rewrite the expected files of the tests and the examples' outputs
	$(SUDO) $(GO) test $(GOLDEN) -run 'Golden|Script|BadInput|Examples' -update

fuzz: ## run every fuzz target for FUZZ (default 30s) each
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test $$p -list '^Fuzz' | grep '^Fuzz'); do \
		echo "$$p $$f"; $(GO) test $$p -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZ) -fuzzminimizetime 20x || exit 1; done; done

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

clean: ## remove bin/ and out/
	rm -rf bin out
