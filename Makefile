# Two commands do all the set-up on a fresh Debian 12: `make demo` and `make test`.
SHELL := /bin/bash
BUILD := build
JOBS ?= $(shell nproc)
SIM_SEEDS ?= 1000
FUZZ_SECONDS ?= 30
# Test programs that `make asan` runs: all of them, or those of the rooms that read what strangers have written.
ASAN_PROGRAMS ?= unit_tests
READERS := medic_base_test medic_wire_test medic_world_real_test medic_collectors_test medic_trace_test medic_rules_test \
           medic_diagnosis_test medic_store_test medic_config_test medic_journal_test
empty :=
space := $(empty) $(empty)
# What the demo shows; `medic drill --all` knows more. The one that needs a lab of its own comes last.
DEMO_DRILLS ?= bad-deployment disk-fill node-frozen node-lost stuck-connector stuck-flink-connector load-growth
LIVE_DATA ?= $(HOME)/.local/share/streammedic/live
LIVE_REPORT_DATA ?= $(HOME)/.local/share/streammedic/live-report
LIVE_PAIR ?= 3.9.1+1.20.1
# The report's page; docs/live-report.md is the published one (docs/real-clusters.md).
LIVE_PAGE ?= $(BUILD)/live-report.md
LIVE := $(BUILD)/tests/live/medic-live
PREFIX ?= /usr/local

.PHONY: help build demo test bench fuzz format lint check-full asan asan-readers tsan simulate release package install clean packages-% \
        live-up live-down live-status live-report test-live

help:  ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

packages-%:
	@tools/install_packages $(subst +, ,$*)

build: packages-build  ## build/medic and build/medic-engine
	@test -f $(BUILD)/build.ninja || cmake --preset dev
	@cmake --build $(BUILD) -j $(JOBS)

demo: build  ## The main job on the embedded platform: faults injected, found, healed and proven
	@$(BUILD)/medic drill $(DEMO_DRILLS)

test: packages-build+test build  ## All tests (ctest)
	@ctest --preset dev -j $(JOBS) || { tools/show_failed $(BUILD); exit 1; }

live-up: packages-live build  ## Real Kafka, Connect and Flink on this machine (LIVE_PAIR, LIVE_DATA); jars from Maven Central
	@$(LIVE) up --pair $(LIVE_PAIR) --data $(LIVE_DATA) $(LIVE_ARGS)

live-down:  ## Stop them and remove their files
	@$(LIVE) down --data $(LIVE_DATA)

live-status:  ## Their processes and ports
	@$(LIVE) status --data $(LIVE_DATA)

live-report: packages-live+live-friends build  ## Faults on the real products, with the agent and without it: build/live-report.json, .md (LIVE_FAULTS, LIVE_ARGS, LIVE_PAGE)
	@$(LIVE) report $(LIVE_FAULTS) --pair $(LIVE_PAIR) --data $(LIVE_REPORT_DATA) --resume --file $(BUILD)/live-report.json \
	    --page $(LIVE_PAGE) $(LIVE_ARGS); faults=$$?; \
	$(LIVE) report --false-friends --pair $(LIVE_PAIR) --data $(LIVE_REPORT_DATA) --resume --file $(BUILD)/live-report.json \
	    --page $(LIVE_PAGE) && exit $$faults

test-live: packages-live build  ## Facts, Kafka's own tools and faults on the real products, started for it
	@tests/live/run_tests $(BUILD) $(LIVE_PAIR)

bench: build  ## Benchmarks, each beside its peer where one is installed
	@for bench in $(BUILD)/tests/bench/*_bench; do echo "== $$bench"; $$bench || exit 1; done

fuzz: packages-build+clang  ## Every parser's fuzz target, FUZZ_SECONDS each
	@test -f $(BUILD)/fuzz/build.ninja || cmake --preset fuzz
	@cmake --build $(BUILD)/fuzz -j $(JOBS) --target fuzzers
	@tools/run_fuzzers $(BUILD)/fuzz $(FUZZ_SECONDS)

format: packages-lint  ## clang-format over the whole tree
	@git ls-files '*.cc' '*.h' | xargs clang-format-19 -i

lint: packages-build+lint  ## Formatting and clang-tidy; the house rules (tests/tidy) are one of the tests
	@tools/lint $(BUILD)

asan: packages-build+test+clang  ## Unit tests under the address and undefined-behaviour sanitizers (ASAN_PROGRAMS)
	@test -f $(BUILD)/asan-ubsan/build.ninja || cmake --preset asan-ubsan
	@cmake --build $(BUILD)/asan-ubsan -j $(JOBS) --target $(ASAN_PROGRAMS)
	@ctest --preset asan-ubsan -j $(JOBS) -L unit --no-tests=error \
	    $(if $(filter unit_tests,$(ASAN_PROGRAMS)),,-R '^($(subst $(space),|,$(strip $(ASAN_PROGRAMS))))$$')

asan-readers:  ## Those of them that parse what others have written: a quarter of the time
	@$(MAKE) --no-print-directory asan ASAN_PROGRAMS="$(READERS)"

tsan: packages-build+test  ## Unit tests under the thread sanitizer
	@test -f $(BUILD)/tsan/build.ninja || cmake --preset tsan
	@cmake --build $(BUILD)/tsan -j $(JOBS) --target unit_tests
	@ctest --preset tsan -j $(JOBS) -L unit

simulate: build  ## SIM_SEEDS fresh seeds of the deterministic simulation
	@$(BUILD)/medic-sim --first $$(date +%s) --seeds $(SIM_SEEDS) --jobs $(JOBS)

check-full: test lint asan tsan fuzz simulate demo  ## Everything: takes an hour or more

release: packages-build  ## What is shipped, in build/release
	@test -f $(BUILD)/release/build.ninja || cmake --preset release
	@cmake --build $(BUILD)/release -j $(JOBS)

package: packages-build+package  ## A tarball and a Debian package, in build/release
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr >/dev/null
	@cmake --build $(BUILD)/release -j $(JOBS) --target shipped
	@cd $(BUILD)/release && cpack

install: packages-build  ## Into PREFIX (/usr/local), below DESTDIR when given
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build $(BUILD)/release -j $(JOBS) --target shipped
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD)/release

clean:  ## Remove the build folder
	@rm -rf $(BUILD)
