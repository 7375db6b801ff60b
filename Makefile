# SPDX-License-Identifier: Apache-2.0
#
# make            the three programs, in build/gcc/bin
# make demo       a lab cluster, a rollout, a failure, the reports: about a minute
# make check      everything that must hold, under ten minutes on two cores
# make check-all  also what takes longer: for a night; most of it the mutants and 20,000 simulated rollouts
# make sim        random rollouts in the simulator, fleets of up to 10,000 agents, until it is stopped or an invariant breaks
# make sim-mutants  does a seed catch each wrong row of the machines' tables and each guard that is left out? (an hour; goes on where it was stopped)
# make crash      rollcall is killed at every commit of hundreds of simulated rollouts and of one in the lab, and resumed; chaos in the lab
# make deps       install what is missing from Debian's packages
# make fuzz       each fuzz target for FUZZ_SECONDS (600), from what the last time found
# make agentctl-arm64   agentctl for arm64 hosts, cross-compiled
#
# A variant is a compiler with its flags and its own folder: make VARIANT=gcc|clang|asan|tsan|fuzz|arm64. V=1 shows the commands.

VARIANT ?= gcc
BUILD := build/$(VARIANT)

# $(call say,WHAT) opens a recipe whose commands are not shown; make -s says nothing at all.
ifeq ($(V),)
Q := @
say = $(if $(QUIET),@:,@echo "  $(1)	$@")
QUIET := $(findstring s,$(firstword -$(MAKEFLAGS)))
else
say = @:
endif
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wundef -Wformat=2
CPPFLAGS := -I. -I$(BUILD)/gen -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -include base/banned.h
CFLAGS := -std=c11 -O2 -g $(WARNINGS) -fstack-protector-strong -ffunction-sections -fdata-sections
LDFLAGS := -Wl,--gc-sections -Wl,-z,relro,-z,now

ifeq ($(VARIANT),gcc)
CC := gcc
else ifeq ($(VARIANT),clang)
CC := clang
else ifeq ($(VARIANT),asan)
CC := clang
CFLAGS := -std=c11 -O1 -g $(WARNINGS) -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
LDFLAGS := -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
CC := clang
CFLAGS := -std=c11 -O1 -g $(WARNINGS) -fno-omit-frame-pointer -fsanitize=thread
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
LDFLAGS := -fsanitize=thread
else ifeq ($(VARIANT),fuzz)
CC := clang
CFLAGS := -std=c11 -O1 -g $(WARNINGS) -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
LDFLAGS := -fsanitize=address,undefined
else ifeq ($(VARIANT),arm64)
CC := aarch64-linux-gnu-gcc
AR := aarch64-linux-gnu-ar
ARM64 := build/arm64/root
CPPFLAGS += -isystem $(ARM64)/usr/include
LDFLAGS += -L$(ARM64)/usr/lib/aarch64-linux-gnu
else
$(error unknown VARIANT $(VARIANT): gcc, clang, asan, tsan, fuzz or arm64)
endif

# ---- the layers, lowest first; tests/checks/layers holds who may include whom

sources = $(sort $(wildcard $(1)/*.c) $(wildcard $(1)/*/*.c))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

GENERATED := $(BUILD)/gen/schema/mesos.pb-c.h $(BUILD)/gen/schema/scheduler.pb-c.h
PROTO_OBJECT := $(BUILD)/obj/gen/mesos.pb-c.o
SCHEDULER_OBJECT := $(BUILD)/obj/gen/scheduler.pb-c.o
MIGRATIONS_OBJECT := $(BUILD)/obj/gen/migrations.o
REPORT_OBJECT := $(BUILD)/obj/gen/report_assets.o

BASE := $(BUILD)/lib/base.a
MESOS := $(BUILD)/lib/mesos.a
PROTOCOL := $(BUILD)/lib/protocol.a
INVENTORY := $(BUILD)/lib/inventory.a
REMOTE := $(BUILD)/lib/remote.a
ORCHESTRATOR := $(BUILD)/lib/orchestrator.a
AGENTCTL := $(BUILD)/lib/agentctl.a
LAB := $(BUILD)/lib/lab.a
SIM := $(BUILD)/lib/tests/sim.a
SUPPORT := $(BUILD)/lib/tests/support.a

PROGRAMS := $(addprefix $(BUILD)/bin/,rollcall agentctl rollcall-lab rollcall-lab-host)

.PHONY: all deps demo check check-all build tests generated fuzz fuzzers flags clean format
all: build
build: $(PROGRAMS)

$(BUILD)/bin/rollcall: $(BUILD)/obj/orchestrator/main.o $(ORCHESTRATOR) $(INVENTORY) $(REMOTE) $(PROTOCOL) $(MESOS) $(BASE)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -Wl,--as-needed -lssh2 -lcurl -lzookeeper_st -lsqlite3 -ljansson -lprotobuf-c -lm

# agentctl is carried to hosts whose libraries nobody knows: one static file (the sanitizers cannot be).
ifneq ($(filter $(VARIANT),gcc clang arm64),)
AGENTCTL_LDFLAGS := -static -s
endif
$(BUILD)/bin/agentctl: $(BUILD)/obj/agentctl/main.o $(AGENTCTL) $(PROTOCOL) $(MESOS) $(BASE)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $(AGENTCTL_LDFLAGS) -o $@ $^ -ljansson -lprotobuf-c -lm

$(BUILD)/bin/rollcall-lab: $(BUILD)/obj/lab/main.o $(LAB) $(REMOTE) $(PROTOCOL) $(MESOS) $(BASE) | $(BUILD)/bin/rollcall-lab-host
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -Wl,--as-needed -lmicrohttpd -lgnutls -lssh2 -lcurl -lzookeeper_st -ljansson -lprotobuf-c -lm

# What the lab's hosts run, thousands of processes: static, so that each has no more memory of its own than it needs.
$(BUILD)/bin/rollcall-lab-host: $(BUILD)/obj/lab/host/main.o $(LAB) $(PROTOCOL) $(MESOS) $(BASE)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $(AGENTCTL_LDFLAGS) -o $@ $^ -ljansson -lprotobuf-c -lm

# agentctl for hosts of another kind, with Debian's cross compiler: build/arm64/bin/agentctl
agentctl-arm64:
	@tests/checks/deps-arm64 build/arm64/root
	@$(MAKE) --no-print-directory VARIANT=arm64 build/arm64/bin/agentctl
.PHONY: agentctl-arm64

# ---- how things are compiled

# 1: the archive, 2: its folder, 3: further objects. What holds a main() stays out.
define archive
$(1): $(call objects,$(filter-out %/main.c tests/sim/simulate.c,$(call sources,$(2)))) $(3)
	$$(call say,AR)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(eval $(call archive,$(BASE),base,))
$(eval $(call archive,$(MESOS),mesos,$(PROTO_OBJECT)))
$(eval $(call archive,$(PROTOCOL),protocol,))
$(eval $(call archive,$(INVENTORY),inventory,$(MIGRATIONS_OBJECT)))
$(eval $(call archive,$(REMOTE),remote,))
$(eval $(call archive,$(ORCHESTRATOR),orchestrator,$(REPORT_OBJECT)))
$(eval $(call archive,$(AGENTCTL),agentctl,))
$(eval $(call archive,$(LAB),lab,$(SCHEDULER_OBJECT)))
$(eval $(call archive,$(SIM),tests/sim,))
$(eval $(call archive,$(SUPPORT),tests/support,))

$(BUILD)/obj/%.o: %.c | $(GENERATED)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# 1: the messages' file, schema/NAME.proto
define messages
$(BUILD)/gen/schema/$(1).pb-c.c $(BUILD)/gen/schema/$(1).pb-c.h &: schema/$(1).proto
	$$(call say,GEN)
	@mkdir -p $(BUILD)/gen
	$$(Q)protoc-c --c_out=$(BUILD)/gen $$<

$(BUILD)/obj/gen/$(1).pb-c.o: $(BUILD)/gen/schema/$(1).pb-c.c $(BUILD)/gen/schema/mesos.pb-c.h
	$$(call say,CC)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -I$(BUILD)/gen -O2 -g -w -ffunction-sections -fdata-sections -c -o $$@ $$<
endef
$(eval $(call messages,mesos))
$(eval $(call messages,scheduler))

$(BUILD)/gen/migrations.c: schema/embed.sh $(wildcard schema/migrations/*.sql)
	$(call say,GEN)
	@mkdir -p $(@D)
	$(Q)sh schema/embed.sh schema/migrations/*.sql > $@

$(MIGRATIONS_OBJECT): $(BUILD)/gen/migrations.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(filter-out -Wmissing-prototypes,$(CFLAGS)) -c -o $@ $<

# The style and the script of the HTML report.
REPORT_ASSETS := orchestrator/report/html/report.css orchestrator/report/html/report.js
$(BUILD)/gen/report_assets.c: orchestrator/report/html/embed.sh $(REPORT_ASSETS)
	$(call say,GEN)
	@mkdir -p $(@D)
	$(Q)sh orchestrator/report/html/embed.sh $(REPORT_ASSETS) > $@

$(REPORT_OBJECT): $(BUILD)/gen/report_assets.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(CFLAGS) -c -o $@ $<

# ---- tests: each tests/unit/**/test_X.c is a program of its own; what several share is in tests/support

UNIT_TESTS := $(patsubst %.c,$(BUILD)/bin/%,$(sort $(wildcard tests/unit/*/test_*.c) $(wildcard tests/unit/*/*/test_*.c)))
SIM_PROGRAM := $(patsubst %.c,$(BUILD)/bin/%,$(wildcard tests/sim/simulate.c))
FUZZERS := $(patsubst %.c,$(BUILD)/bin/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
LIBRARIES := -Wl,--as-needed -lcmocka -lmicrohttpd -lgnutls -lssh2 -lcurl -lzookeeper_st -lsqlite3 -ljansson -lprotobuf-c -lm

# What tests load into a program (LD_PRELOAD) to end it at a chosen moment.
HALT := $(BUILD)/lib/tests/halt.so
$(HALT): tests/preload/halt.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARNINGS) -fPIC -shared -o $@ $<

# Makes databases for the reports' tests.
MAKE_RUN := $(BUILD)/bin/tests/report/make_run

tests: build $(UNIT_TESTS) $(SIM_PROGRAM) $(HALT) $(MAKE_RUN)

# Only remote/ has a thread of its own (and libcurl's): what VARIANT=tsan looks at.
tests-with-threads: $(filter $(BUILD)/bin/tests/unit/remote/%,$(UNIT_TESTS))
.PHONY: tests-with-threads

# 1: a folder below tests/, 2: the archives its programs may use, highest layer first
define test_programs
$(BUILD)/bin/tests/$(1)/%: $(BUILD)/obj/tests/$(1)/%.o $(SUPPORT) $(2)
	$$(call say,LINK)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $(LIBRARIES)
endef
EVERYTHING := $(ORCHESTRATOR) $(AGENTCTL) $(LAB) $(INVENTORY) $(REMOTE) $(PROTOCOL) $(MESOS) $(BASE)
$(eval $(call test_programs,unit/base,$(BASE)))
$(eval $(call test_programs,unit/mesos,$(MESOS) $(BASE)))
$(eval $(call test_programs,unit/protocol,$(PROTOCOL) $(MESOS) $(BASE)))
$(eval $(call test_programs,unit/inventory,$(INVENTORY) $(MESOS) $(BASE)))
$(eval $(call test_programs,unit/remote,$(REMOTE) $(PROTOCOL) $(MESOS) $(BASE)))
$(eval $(call test_programs,unit/orchestrator,$(ORCHESTRATOR) $(INVENTORY) $(REMOTE) $(PROTOCOL) $(MESOS) $(BASE)))
$(eval $(call test_programs,unit/agentctl,$(AGENTCTL) $(PROTOCOL) $(MESOS) $(BASE)))
$(eval $(call test_programs,unit/lab,$(LAB) $(REMOTE) $(PROTOCOL) $(MESOS) $(BASE)))
$(eval $(call test_programs,sim,$(SIM) $(ORCHESTRATOR) $(INVENTORY) $(REMOTE) $(PROTOCOL) $(MESOS) $(BASE)))
$(eval $(call test_programs,report,$(SIM) $(ORCHESTRATOR) $(INVENTORY) $(REMOTE) $(PROTOCOL) $(MESOS) $(BASE)))
$(eval $(call test_programs,fuzz,$(EVERYTHING)))
$(eval $(call test_programs,bench,$(INVENTORY) $(MESOS) $(BASE)))

# libFuzzer brings the main() of these. With VARIANT=fuzz it sees which ways the code took; with VARIANT=asan it does not, but needs nothing
# that the other tests do not have.
fuzzers: $(FUZZERS)
$(BUILD)/bin/tests/fuzz/%: LDFLAGS += -fsanitize=fuzzer
$(BUILD)/obj/tests/fuzz/%.o: CFLAGS += -fsanitize=fuzzer-no-link

# The objects of tests would otherwise be deleted as intermediate files and built again each time.
.PRECIOUS: $(BUILD)/obj/%.o

# What a tool that reads the sources needs: the generated headers, and the flags.
generated: $(GENERATED)
flags:
	@echo $(CPPFLAGS) $(filter -std=% -W%,$(CFLAGS))

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

deps:
	@tests/checks/deps

demo: deps
	@$(MAKE) --no-print-directory -j2 build
	@docs/demo.sh

check: deps
	@tests/run check

check-all: deps
	@tests/run check-all

fuzz: deps
	@tests/run fuzz

sim: $(SIM_PROGRAM)
	$(SIM_PROGRAM) --for-ever --largest 10000 --failures 1 --first $$(date +%s)

sim-mutants: $(SIM_PROGRAM)
	tests/sim/mutants.py --build $(BUILD)

crash: $(SIM_PROGRAM) build $(HALT)
	$(SIM_PROGRAM) --crash-everywhere --seeds 400 --largest 30
	ROLLCALL_BIN=$(abspath $(BUILD)/bin) tests/system/crash_everywhere.py
	ROLLCALL_BIN=$(abspath $(BUILD)/bin) tests/system/chaos.py --seeds 20
	ROLLCALL_BIN=$(abspath $(BUILD)/bin) tests/system/chaos.py --seeds 5 --crashes
.PHONY: sim sim-mutants crash

format:
	clang-format -i $(shell git ls-files --cached --others --exclude-standard '*.c' '*.h')

clean:
	rm -rf build
