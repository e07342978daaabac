#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the release broker and its plugins, unless no source is newer than the last build: then it does nothing, not
# even ask Swift, so that `make run` starts in a moment. With `run` only what `make run` needs is built, else examples
# and the tools of tests and benchmarks, too.
set -eu
cd "$(dirname "$0")/.."

what=${1:-all}
all=.build/release/.built
stamp=$all
if [ "$what" = run ]; then stamp=.build/release/.built-run; fi
for made in "$all" "$stamp"; do
    if [ -f "$made" ] && [ -x .build/release/isthmus ]; then
        newer=$(find Package.swift Sources Plugins -newer "$made" \( -type f -o -type d \) -print -quit)
        if [ -z "$newer" ]; then exit 0; fi
    fi
done
scripts/setup.sh
printf 'building isthmus (the first time takes some minutes)\n'
started=$(mktemp)
trap 'rm -f "$started"' EXIT
build() {
    if ! swift build -c release "$@"; then
        printf 'the build failed; what Swift said is above\n' >&2
        exit 1
    fi
}
if [ "$what" = run ]; then
    for product in isthmus ClusterLink FileACL PasswordAuth; do build --product "$product"; done
else
    build
fi
# Sources that change during the build are newer than its beginning, and so are built the next time.
touch -r "$started" "$stamp"
