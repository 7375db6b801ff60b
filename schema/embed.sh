#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Turns the numbered SQL files into one C table, so that the program carries its own schema.
set -eu
# A schema is longer than the 4095 characters that C99 promises for one string; both of our compilers take more.
printf '#pragma GCC diagnostic ignored "-Woverlength-strings"\n'
printf '#include "inventory/migrations.h"\n\nconst struct migration migrations[] = {\n'
for file in "$@"; do
    name=$(basename "$file" .sql)
    printf '\t{"%s",\n' "$name"
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t "/' -e 's/$/\\n"/' "$file"
    printf '\t},\n'
done
printf '\t{0, 0},\n};\n'
