#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Turns the page's style and script into two C strings: embed.sh report.css report.js
set -eu
# They are longer than the 4095 characters that C99 promises for one string; both of our compilers take more.
printf '#pragma GCC diagnostic ignored "-Woverlength-strings"\n'
printf 'extern const char report_css[], report_js[];\n'
for file in "$@"; do
    if grep -n -e '??' -e '</' "$file" >&2; then
        echo "$file: a trigraph, or the end of the element it will stand in" >&2
        exit 1
    fi
    printf 'const char %s[] =\n' "$(basename "$file" | tr . _)"
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$file"
    printf '\t;\n'
done
