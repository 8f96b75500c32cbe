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
TESTS   := $(wildcard tests/unit/test_*.c tests/story/test_*.c tests/e2e/test_*.c tests/fuzz/test_*.c)

.PHONY: all setup test unit vectors floors requirements clean run demo
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

# The real bot against simulators, nothing leaves this machine: in the browser, or with SCRIPT=1 in the terminal.
demo:
	@tests/setup $(if $(SCRIPT),demo,build)
	@$(MAKE) --no-print-directory -j$$(nproc) $(BUILD)/obol $(BUILD)/demo
	@SEED='$(SEED)' $(BUILD)/demo $(if $(SCRIPT),--script) $(if $(EMPTY),--panels 0)

include tests/rules.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)

# For packages and for deploy/README.md: program, unit, sample of settings. DESTDIR and PREFIX are honoured.
PREFIX ?= /usr/local
.PHONY: install
install: $(BUILD)/obol
	install -D -m 755 $(BUILD)/obol $(DESTDIR)$(PREFIX)/bin/obol
	install -D -m 644 deploy/obol.service $(DESTDIR)/etc/systemd/system/obol.service
	install -D -m 644 deploy/README.md $(DESTDIR)$(PREFIX)/share/doc/obol/README.md
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/obol deploy/obol.env deploy/Caddyfile deploy/nginx.conf
