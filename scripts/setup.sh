#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what building Isthmus needs on Debian; with --demo what the demo needs as well, with --tests also what the
# tests need. Calls apt-get only if something is missing, so that a second run takes no time. It does not install the
# Swift toolchain.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

missing=""
# need COMMAND-THAT-SUCCEEDS-IF-IT-IS-THERE PACKAGE
need() { sh -c "$1" >/dev/null 2>&1 || missing="$missing $2"; }

need 'command -v cc' gcc
need 'command -v pkg-config' pkg-config
need 'echo "#include <stdlib.h>" | cc -E -' libc6-dev
need 'pkg-config --exists openssl' libssl-dev
need 'pkg-config --exists libpcre2-8' libpcre2-dev
need 'pkg-config --exists zlib' zlib1g-dev
need 'pkg-config --exists libcrypt' libcrypt-dev
if [ "${1:-}" = --demo ] || [ "${1:-}" = --tests ]; then
    need 'command -v python3' python3
    need 'command -v mosquitto_sub && command -v mosquitto_pub' mosquitto-clients
fi
if [ "${1:-}" = --tests ]; then
    need 'python3 -c "import ensurepip"' python3-venv
    need 'command -v mosquitto || test -x /usr/sbin/mosquitto' mosquitto
    need 'command -v erl' erlang-base
    need 'command -v openssl' openssl
    need 'command -v valgrind' valgrind
    need 'command -v haproxy || test -x /usr/sbin/haproxy' haproxy
    need 'command -v ip || test -x /usr/sbin/ip' iproute2
fi

if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || fail "these Debian packages are missing, and there is no apt-get here:$missing"
    if [ "$(id -u)" = 0 ]; then as_root=""
    elif command -v sudo >/dev/null; then as_root="sudo"
    else fail "these packages are missing; as root, run: apt-get install$missing"
    fi
    say "installing$missing"
    log=$(mktemp)
    install() {
        DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1
    }
    # The lists of a fresh image are empty, those of an old one name files that are gone: then fetch them and try again.
    if ! install; then
        $as_root apt-get update -qq >>"$log" 2>&1 || true
        install || { tail -n 20 "$log" >&2; fail "apt-get install$missing failed; its last lines are above"; }
    fi
    rm -f "$log"
    # Installing these starts them as services, mosquitto on port 1883; the tests start their own.
    for service in mosquitto haproxy; do
        case "$missing" in *" $service"*)
            if [ -d /run/systemd/system ]; then $as_root systemctl disable --now -q $service 2>/dev/null || true; fi ;;
        esac
    done
fi

command -v swift >/dev/null || fail "swift is not on the PATH: install Swift 6.3, see https://swift.org/install"

if [ "${1:-}" = --tests ]; then
    venv=Tests/.venv
    if [ ! -x $venv/bin/python ] || ! cmp -s Tests/requirements.txt $venv/installed.txt; then
        say "installing the Python client libraries into $venv"
        python3=$(command -v /usr/bin/python3 || command -v python3)
        "$python3" -m venv $venv || fail "python3 -m venv $venv failed; remove that folder and try again"
        $venv/bin/pip install -q --disable-pip-version-check -r Tests/requirements.txt \
            || fail "pip could not install Tests/requirements.txt; is there a network?"
        cp Tests/requirements.txt $venv/installed.txt
    fi
fi
