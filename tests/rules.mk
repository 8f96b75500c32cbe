# How things are built and tested; the top Makefile names the sources.
# Two trees: build/o is what ships, build/s the same with ASan and UBSan, which all tests use.

# The locale files are part of the program, as a C source of their bytes; English comes first.
LOCALES := locales/en.json $(filter-out locales/en.json,$(wildcard locales/*.json))
GEN     := $(BUILD)/gen/locales.c
$(GEN): lib/i18n/embed.sh $(LOCALES)
	@mkdir -p $(@D)
	@echo "gen $@"
	@sh lib/i18n/embed.sh $(LOCALES) >$@.new && mv $@.new $@

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
	@$$(CC) $$(SAN) $$^ -o $$@ $$(LIBS) -lcmocka
endef
$(foreach kind,unit story e2e,$(eval $(call test_rule,$(kind))))

unit: $(TEST_BIN)
	@tests/run $(TEST_BIN)

# make vectors KIND=links|payments|panel FILE=path; without them: all files of ours.
vectors: $(patsubst tests/vectors/%.c,$(BUILD)/v/%,$(if $(KIND),tests/vectors/$(KIND).c,$(wildcard tests/vectors/*.c)))
	@tests/vectors/run "$(KIND)" "$(FILE)"

# One program per kind of vector file: tests/vectors/KIND.c reads a file, prints each mismatch by name and, as its last
# line, "N passed, N failed".
VEC_BIN := $(patsubst tests/vectors/%.c,$(BUILD)/v/%,$(wildcard tests/vectors/*.c))
$(BUILD)/v/%: $(BUILD)/s/tests/vectors/%.o $(BUILD)/libsim-san.a $(BUILD)/libobol-san.a
	@mkdir -p $(@D)
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

.PHONY: tests
tests: $(TEST_BIN) $(VEC_BIN) $(BUILD)/tools/locales
