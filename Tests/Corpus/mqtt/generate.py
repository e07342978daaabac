#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes valid.txt and malformed.txt, the wire samples that unit tests, fuzzers and conformance tests share.

A line is `name | version | direction | hex | expectation`: the version is 3.1, 3.1.1 or 5, the direction c2s, s2c or
both, the expectation `ok` or the MQTT 5 reason code of the fault. Names are unique in a file. A valid sample whose name
ends in "-noncanonical" is one that an encoder would write in another form.
"""

import pathlib
import sys

sys.dont_write_bytecode = True

import malformed  # noqa: E402
import valid  # noqa: E402

HEAD = {
    "valid.txt": "Packets that every decoder must accept.",
    "malformed.txt": "Complete packets that a decoder must refuse, each for the one fault its name tells.",
}


def write(name, samples):
    names = [sample[0] for sample in samples]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "# " + HEAD[name] + " Written by generate.py; do not edit.",
        "# name | version | direction | hex | expectation",
    ]
    lines += [f"{n} | {version} | {way} | {data.hex()} | {expected}" for n, version, way, data, expected in samples]
    pathlib.Path(__file__).with_name(name).write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(samples)} samples")


write("valid.txt", valid.samples())
write("malformed.txt", malformed.samples())
