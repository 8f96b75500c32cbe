#!/bin/sh
# Writes the locale files as a C source on standard output. Usage: embed.sh FILE… (English first)
set -e
echo '#include "lib/i18n/i18n_private.h"'
for file in "$@"; do
	language=$(basename "$file" .json)
	echo "static const unsigned char bytes_$language[] = {"
	od -An -v -tu1 "$file" | sed 's/\([0-9][0-9]*\)/\1,/g'
	echo '};'
done
echo 'const struct i18n_builtin i18n_builtins[] = {'
for file in "$@"; do
	language=$(basename "$file" .json)
	echo "	{ \"$language\", \"$language.json\", bytes_$language, sizeof bytes_$language },"
done
echo '};'
echo 'const size_t i18n_builtins_count = countof(i18n_builtins);'
