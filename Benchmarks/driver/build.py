# SPDX-License-Identifier: Apache-2.0
"""The programs in C of this folder, compiled when a source is newer than the program."""

import os
import pathlib
import subprocess

BENCHMARKS = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = BENCHMARKS.parent / ".build/bench"
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE")


class BuildError(Exception):
    """A program that did not compile, in one sentence."""


def load() -> pathlib.Path:
    """The load generator."""
    return _program("load", ("-pthread",), ("-lssl", "-lcrypto"))


def reference() -> pathlib.Path:
    """The reference broker."""
    return _program("reference", (), ())


def _program(name: str, flags: tuple[str, ...], libraries: tuple[str, ...]) -> pathlib.Path:
    folder, binary = BENCHMARKS / name, PROGRAMS / name
    sources = sorted(map(str, folder.glob("*.c")))
    if not sources:
        raise BuildError(f"{folder} holds no source in C.")
    newest = max(path.stat().st_mtime for path in folder.iterdir())
    if not binary.exists() or binary.stat().st_mtime < newest:
        binary.parent.mkdir(parents=True, exist_ok=True)
        command = [os.environ.get("CC", "cc"), *FLAGS, *flags, "-o", str(binary), *sources, *libraries]
        if subprocess.run(command, check=False).returncode != 0:
            raise BuildError(f"{folder} did not compile; see above.")
    return binary
