# obol: plain make. `make` builds build/obol, `make test` installs what is missing, builds and runs every test.

CC      ?= cc
BUILD   := build
PKGS    := libcurl json-c sqlite3 libqrencode openssl libmicrohttpd libpng
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
BASE    := -std=c17 -D_GNU_SOURCE -I. -include lib/base/banned.h -fno-common -fstack-protector-strong -pthread
SAN     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT     := -O2 -g -D_FORTIFY_SOURCE=2
LIBS     = $(shell pkg-config --libs $(PKGS)) -pthread

PRODUCT := $(filter-out bot/main.c,$(wildcard lib/*/*.c bot/*.c bot/*/*.c))
SIM     := $(filter-out tests/%/main.c,$(wildcard tests/sim/*.c)) $(filter-out tests/story/test_%,$(wildcard tests/story/*.c))
TESTS   := $(wildcard tests/unit/test_*.c tests/story/test_*.c tests/e2e/test_*.c)

.PHONY: all setup test unit vectors floors requirements clean run
all: setup
	@$(MAKE) --no-print-directory $(BUILD)/obol

# What is missing is installed from Debian's packages, where that is allowed; otherwise named.
setup:
	@tests/setup build

# Everything, without a token and, once the packages are there, without network.
test:
	@tests/setup test
	@tests/all

run: all
	@$(BUILD)/obol run

include tests/rules.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)
