# How things are built and tested; the top Makefile names the sources.
# Two trees: build/o is what ships, build/s the same with ASan and UBSan, which all tests use.

# The locale files are part of the program, as a C source of their bytes; English comes first.
LOCALES := locales/en.json $(filter-out locales/en.json,$(wildcard locales/*.json))
GEN     := $(BUILD)/gen/locales.c
$(GEN): lib/i18n/embed.sh $(LOCALES)
	@mkdir -p $(@D)
	@echo "gen $@"
	@sh lib/i18n/embed.sh $(LOCALES) >$@.new && mv $@.new $@

# What end-to-end tests and the bench share is linked like a simulator.
SIM += $(filter-out tests/e2e/test_% tests/e2e/obol_steps.c tests/e2e/slow_sync.c,$(wildcard tests/e2e/*.c))
# The disk in memory belongs to the seeded world, and stories use it too.
SIM += tests/world/disk.c
# The panel story is a program (make panel-story) and, without its main, part of what tests link.
SIM += $(filter-out %/main.c,$(wildcard tests/panel_story/*.c))

OBJ_O := $(PRODUCT:%.c=$(BUILD)/o/%.o) $(GEN:%.c=$(BUILD)/o/%.o)
OBJ_S := $(PRODUCT:%.c=$(BUILD)/s/%.o) $(GEN:%.c=$(BUILD)/s/%.o)
SIM_O := $(SIM:%.c=$(BUILD)/o/%.o)
SIM_S := $(SIM:%.c=$(BUILD)/s/%.o)

$(BUILD)/o/%.o: %.c
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(BASE) $(WARN) $(OPT) -MMD -MP -c $< -o $@
$(BUILD)/s/%.o: %.c
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(BASE) $(WARN) $(SAN) -MMD -MP -c $< -o $@

$(BUILD)/obol: $(BUILD)/o/bot/main.o $(OBJ_O)
	@echo "ld $@"
	@$(CC) $(OPT) $^ -o $@ $(LIBS)
$(BUILD)/obol-san: $(BUILD)/s/bot/main.o $(OBJ_S)
	@echo "ld $@"
	@$(CC) $(SAN) $^ -o $@ $(LIBS)

# Archives, so that a unit test links only what it uses.
$(BUILD)/libobol-san.a: $(OBJ_S)
	@rm -f $@
	@ar rcs $@ $^
$(BUILD)/libsim-san.a: $(SIM_S)
	@rm -f $@
	@ar rcs $@ $^

# unit: one module; story: the whole bot in memory; e2e: the real program over real sockets.
TEST_BIN := $(patsubst %,$(BUILD)/t/%,$(notdir $(TESTS:.c=)))
define test_rule
$(BUILD)/t/%: $(BUILD)/s/tests/$(1)/%.o $(BUILD)/libsim-san.a $(BUILD)/libobol-san.a
	@mkdir -p $$(@D)
	@echo "ld $$@"
	@$$(CC) $$(SAN) -Wl,--start-group $$^ -Wl,--end-group -o $$@ $$(WRAP) $$(LIBS) -lcmocka
endef
$(foreach kind,unit story e2e fuzz,$(eval $(call test_rule,$(kind))))

unit: $(TEST_BIN)
	@tests/run $(TEST_BIN)

# make vectors KIND=links|payments|panel FILE=path; without them: all files of ours.
vectors: $(patsubst tests/vectors/%.c,$(BUILD)/v/%,$(if $(KIND),tests/vectors/$(KIND).c,$(wildcard tests/vectors/*.c)))
	@tests/vectors/run "$(KIND)" "$(FILE)"

# One program per kind of vector file: tests/vectors/KIND.c reads a file, prints each mismatch by name and, as its last
# line, "N passed, N failed".
VEC_BIN := $(patsubst tests/vectors/%.c,$(BUILD)/v/%,$(wildcard tests/vectors/*.c))
$(BUILD)/v/payments: $(BUILD)/s/tests/vectors/shop/payments_business.o
$(BUILD)/v/%: $(BUILD)/s/tests/vectors/%.o $(BUILD)/libsim-san.a $(BUILD)/libobol-san.a
	@mkdir -p $(@D)
	@echo "ld $@"
	@$(CC) $(SAN) -Wl,--start-group $^ -Wl,--end-group -o $@ $(LIBS)

# make demo: the sandbox in the browser; SCRIPT=1: played in the terminal; SEED=n: other people, prices, panels;
# EMPTY=1: a shop that nobody has set up yet.
$(BUILD)/libobol.a: $(OBJ_O)
	@rm -f $@
	@ar rcs $@ $^
$(BUILD)/demo: $(patsubst %.c,$(BUILD)/o/%.o,$(wildcard tests/demo/*.c)) $(filter $(BUILD)/o/tests/sim/%,$(SIM_O)) $(BUILD)/libobol.a
	@echo "ld $@"
	@$(CC) $(OPT) $^ -o $@ $(LIBS)

# The life of a client on a real panel; without URL it says how. Variables of the command line reach it as its environment.
.PHONY: panel-story
panel-story:
	@tests/setup $(if $(filter-out 0,$(TRAFFIC)),$(if $(XRAY),build,proxy),build)
	@$(MAKE) -s --no-print-directory $(BUILD)/panel-story >&2
	@$(BUILD)/panel-story
$(BUILD)/panel-story: $(BUILD)/s/tests/panel_story/main.o $(BUILD)/libsim-san.a $(BUILD)/libobol-san.a
	@echo "ld $@"
	@$(CC) $(SAN) $^ -o $@ $(LIBS)

.SECONDARY:

# Checks of the source itself: floors (includes), sentences (texts only in locales/), locales (keys and arguments).
# `make requirements ROWS="R026-R060 B3"` says which rows have a test and fails when one of ROWS has none.
.PHONY: sentences locales checks
floors:
	@tests/tools/floors
sentences:
	@tests/tools/sentences
$(BUILD)/tools/%: $(BUILD)/s/tests/tools/%.o $(BUILD)/libobol-san.a
	@mkdir -p $(@D)
	@echo "ld $@"
	@$(CC) $(SAN) $^ -o $@ $(LIBS)
locales: $(BUILD)/tools/locales
	@LC_ALL=C awk -f tests/tools/literals.awk $$(find bot lib -name '*.[ch]' | sort) | $<
requirements:
	@tests/tools/requirements $(ROWS)
checks: floors sentences locales
	@tests/tools/selftest $(BUILD)/tools/locales

# What the real program costs: tests/bench/bench.c. The last line is one JSON object. RUNS="base tls" chooses; RUNS="blocks flood"
# one fault of those that RUNS=blocks has (tests/e2e/blocks_cases.c).
BENCH_O := $(patsubst %.c,$(BUILD)/o/%.o,$(wildcard tests/bench/*.c))
$(BUILD)/bench: $(BENCH_O) $(filter $(BUILD)/o/tests/sim/% %/harness.o %/prepare.o %/blocks.o %/blocks_cases.o %/flood.o,$(SIM_O)) $(OBJ_O)
	@echo "ld $@"
	@$(CC) $(OPT) $^ -o $@ $(LIBS)
.PHONY: bench
bench: $(BUILD)/bench $(BUILD)/obol $(BUILD)/t/slow_sync.so
	@$(BUILD)/bench $(RUNS)

# The program that ships, killed at random moments while people buy: make kills [COUNT=1000] [SEED=n].
.PHONY: kills
kills:
	@tests/setup test
	@$(MAKE) -s --no-print-directory $(BUILD)/obol $(BUILD)/t/test_random_kills
	@OBOL=$${OBOL:-$(BUILD)/obol} COUNT=$(or $(COUNT),1000) SEED=$(SEED) $(BUILD)/t/test_random_kills && echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; exit 1; }

# End-to-end tests start the program itself.
$(patsubst tests/e2e/%.c,$(BUILD)/t/%,$(wildcard tests/e2e/test_*.c)): | $(BUILD)/obol-san $(BUILD)/obol-steps

# The program that dies at named steps: its main is called by another one.
$(BUILD)/s/tests/e2e/obol_main.o: bot/main.c
	@mkdir -p $(@D)
	@$(CC) $(BASE) $(WARN) -Wno-missing-prototypes -Dmain=obol_main $(SAN) -MMD -MP -c $< -o $@
$(BUILD)/obol-steps: $(BUILD)/s/tests/e2e/obol_steps.o $(BUILD)/s/tests/e2e/obol_main.o $(OBJ_S)
	@echo "ld $@"
	@$(CC) $(SAN) $^ -o $@ $(LIBS)

# The nth failure: make nth [EVERY=k] [SEED=n] [STORY=…] [FAULT=…] [N=n] [TRACE=1]; without EVERY every single one. `make test`
# samples the same under the sanitizers. The program's allocations are met on their way to malloc.
NTH_WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=abort
$(BUILD)/t/test_nth: WRAP := $(NTH_WRAP)
$(BUILD)/nth: $(BUILD)/o/tests/story/test_nth.o $(BUILD)/libsim.a $(BUILD)/libobol.a
	@echo "ld $@"
	@$(CC) $(OPT) $^ -o $@ $(NTH_WRAP) $(LIBS) -lcmocka
.PHONY: nth
nth: $(BUILD)/nth
	@EVERY='$(or $(EVERY),1)' SEED='$(SEED)' STORY='$(STORY)' FAULT='$(FAULT)' N='$(N)' $(if $(TRACE),TRACE=1) $<

# A disk that takes its time, to be loaded before the program that ships.
$(BUILD)/t/slow_sync.so: tests/e2e/slow_sync.c
	@mkdir -p $(@D)
	@echo "ld $@"
	@$(CC) -std=c17 -D_GNU_SOURCE $(WARN) -Wno-missing-prototypes -O2 -fPIC -shared $< -o $@
$(BUILD)/t/test_blocks: | $(BUILD)/obol $(BUILD)/t/slow_sync.so

.PHONY: tests
tests: $(TEST_BIN) $(VEC_BIN) $(BUILD)/tools/locales
$(BUILD)/t/test_demo_browser: | $(BUILD)/demo

# The seeded world: make world SEEDS=1-200 [TRACE=1] [LEAST=n]; SAN_WORLD=1 under the sanitizers.
WORLD_SRC := $(filter-out %/disk.c,$(wildcard tests/world/*.c))
$(BUILD)/world: $(WORLD_SRC:%.c=$(BUILD)/o/%.o) $(BUILD)/libsim.a $(BUILD)/libobol.a
	@echo "ld $@"
	@$(CC) $(OPT) $^ -o $@ $(LIBS) -lcmocka
$(BUILD)/world-san: $(WORLD_SRC:%.c=$(BUILD)/s/%.o) $(BUILD)/libsim-san.a $(BUILD)/libobol-san.a
	@echo "ld $@"
	@$(CC) $(SAN) $^ -o $@ $(LIBS) -lcmocka
$(BUILD)/libsim.a: $(SIM_O)
	@rm -f $@
	@ar rcs $@ $^
.PHONY: world
world: $(BUILD)/world$(if $(SAN_WORLD),-san)
	@SEEDS='$(SEEDS)' TRACE='$(TRACE)' LEAST='$(LEAST)' $<

# Breaks the product on purpose and says who notices: tests/breaks/run.
.PHONY: breaks
breaks:
	@tests/setup test
	@tests/breaks/run

# make fuzz SECONDS=n [TARGET=name]: tests/fuzz under libFuzzer, which is clang's. Whatever they say, the same functions run
# over seeds and earlier findings in make test, under gcc (test_fuzz_seeds): there each has a name of its own.
FUZZ_CC      ?= clang
FUZZ_TARGETS := $(patsubst tests/fuzz/target/%.c,%,$(wildcard tests/fuzz/target/*.c))
FUZZ_SHARED  := tests/fuzz/fuzz.c tests/fuzz/shop.c
OBJ_F        := $(PRODUCT:%.c=$(BUILD)/f/%.o) $(GEN:%.c=$(BUILD)/f/%.o)
$(BUILD)/f/%.o: %.c
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(FUZZ_CC) $(BASE) $(WARN) $(SAN) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@
$(BUILD)/libobol-fuzz.a: $(OBJ_F)
	@rm -f $@
	@ar rcs $@ $^
$(BUILD)/fuzz/%: $(BUILD)/f/tests/fuzz/target/%.o $(FUZZ_SHARED:%.c=$(BUILD)/f/%.o) $(BUILD)/libobol-fuzz.a
	@mkdir -p $(@D)
	@echo "ld $@"
	@$(FUZZ_CC) $(SAN) -fsanitize=fuzzer $^ -o $@ $(LIBS)
$(BUILD)/s/tests/fuzz/target/%.o: tests/fuzz/target/%.c
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(BASE) $(WARN) $(SAN) -DLLVMFuzzerTestOneInput=fuzz_$* -MMD -MP -c $< -o $@
FUZZ_S := $(FUZZ_TARGETS:%=$(BUILD)/s/tests/fuzz/target/%.o) $(FUZZ_SHARED:%.c=$(BUILD)/s/%.o) $(BUILD)/s/tests/fuzz/seeds.o
$(BUILD)/t/test_fuzz_seeds: $(FUZZ_S)
$(BUILD)/fuzz-seeds: $(BUILD)/s/tests/fuzz/write_seeds.o $(FUZZ_S) $(BUILD)/libsim-san.a $(BUILD)/libobol-san.a
	@echo "ld $@"
	@$(CC) $(SAN) $^ -o $@ $(LIBS)
.PHONY: fuzz
fuzz:
	@tests/setup fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) $(BUILD)/fuzz-seeds $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%)
	@tests/fuzz/run "$(SECONDS)" "$(TARGET)"
