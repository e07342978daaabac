#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds if need be and starts the broker with etc/isthmus.conf; further words go to `isthmus run`.
set -eu
cd "$(dirname "$0")/.."
scripts/build.sh run
exec .build/release/isthmus run --config etc/isthmus.conf --plugin-dir .build/release --data-dir data "$@"
