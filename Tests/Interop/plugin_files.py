# SPDX-License-Identifier: Apache-2.0
# Plugin files, good and bad. One that cannot be used is refused with a sentence that names the file and the cause, and
# the broker runs without it, unless it guards the broker. The examples, and plugins in C that are built here against
# Sources/PluginAPI/include, do what they say.
import pathlib
import re
import shutil
import struct

from Support import mqtt
from Support.broker import BINARY, Isthmus, config, scratch
from Support.suite import ROOT, behaviour, check
from Support.tools import command, isthmus
from Support.wait import equal, until

OPEN = """
#include "isthmus_plugin.h"
%s
ISTH_EXPORT int32_t isth_plugin_open(const isth_host *host, isth_plugin *out) {
    (void)host;
    %s
    out->size = sizeof *out; out->abi = ISTH_ABI; out->name = "Sample"; out->version = "1.0.0";
    %s
    return ISTH_OK;
}
"""


def folder_with(source=None, data=None, name="libSample.so", flags=()):
    """A plugin directory with one file: C source that is compiled, or bytes as they are."""
    folder = scratch("plugins")
    if source is not None:
        path = folder / "sample.c"
        path.write_text(source)
        command("cc", "-shared", "-fPIC", "-std=c11", "-Wall", "-I", ROOT / "Sources/PluginAPI/include", *flags, "-o",
                folder / name, path)
    else:
        (folder / name).write_bytes(data)
    return folder


def good(start="", body="", head="ISTH_PLUGIN_STAMP"):
    return OPEN % (head, start, body)


def refused(case, folder, *patterns):
    """The plugin is refused with these words, and the broker serves its clients without it."""
    broker = Isthmus("plugin", lambda port: config(port, plugins=["Sample"]), plugin_dir=folder)
    case.finally_(broker.kill)
    broker.start().client("c").ping()
    for pattern in ("libSample.so", *patterns):
        check(re.search(pattern, broker.log, re.I), f"nothing like {pattern!r} in:\n{broker.log}")
    checked = isthmus("check", "--config", broker.conf_path, "--plugin-dir", folder, status=None)
    check(checked.status == 1, f"isthmus check: {checked.status} {checked.said}")
    broker.kill()
    listed = isthmus("plugins", "--plugin-dir", folder, status=None)
    check(listed.status != 0 and "libSample.so" in listed.said, f"isthmus plugins: {listed.status} {listed.said}")


@behaviour()
def text_file(case):
    """A text file as a plugin is refused as such."""
    refused(case, folder_with(data=b"#!/bin/sh\necho hello\n"), "text")


@behaviour()
def empty_file(case):
    """An empty file as a plugin is refused as such."""
    refused(case, folder_with(data=b""), "empty")


@behaviour()
def truncated_library(case):
    """A library that is cut short anywhere is refused, without a crash."""
    whole = (folder_with(good()) / "libSample.so").read_bytes()
    for size in (10, 64, 1000, len(whole) // 2, len(whole) - 700):
        refused(case, folder_with(data=whole[:size]), "cut short|damaged|not a shared library")


@behaviour()
def other_architecture(case):
    """A library for another processor is refused with its name."""
    whole = bytearray((folder_with(good()) / "libSample.so").read_bytes())
    whole[18:20] = struct.pack("<H", 183 if whole[18] == 62 else 62)
    refused(case, folder_with(data=bytes(whole)), "AArch64|x86-64")


@behaviour()
def library_of_32_bits(case):
    """A 32-bit library is refused as such."""
    whole = bytearray((folder_with(good()) / "libSample.so").read_bytes())
    whole[4] = 1
    refused(case, folder_with(data=bytes(whole)), "32")


@behaviour()
def missing_symbol(case):
    """A library without isth_plugin_open is refused with the symbol's name."""
    refused(case, folder_with('#include "isthmus_plugin.h"\nISTH_PLUGIN_STAMP\n'), "isth_plugin_open")


@behaviour()
def library_that_is_no_plugin(case):
    """A library without any of the two symbols is refused as no plugin."""
    refused(case, folder_with("int answer(void) { return 42; }\n"), "isth_plugin_abi")


@behaviour()
def wrong_abi_major(case):
    """A plugin of another ABI major is refused with both numbers."""
    head = "ISTH_EXPORT uint32_t isth_plugin_abi(void) { return 9u << 16; }"
    refused(case, folder_with(good(head=head)), r"9\.0", r"1\.0")


@behaviour()
def newer_abi_minor(case):
    """A plugin of a newer ABI minor is refused with both numbers."""
    head = "ISTH_EXPORT uint32_t isth_plugin_abi(void) { return ISTH_ABI + 7; }"
    refused(case, folder_with(good(head=head)), r"1\.7", r"1\.0")


@behaviour()
def open_fails(case):
    """A plugin whose open answers an error is refused with that."""
    refused(case, folder_with(good(start="return ISTH_E_STATE;")), "ISTH_E_STATE|open")


@behaviour()
def undefined_symbol(case):
    """A plugin that uses a symbol nobody defines is refused with the symbol's name."""
    source = good(head="ISTH_PLUGIN_STAMP\nextern int nobody_defines_me(void);", start="nobody_defines_me();")
    refused(case, folder_with(source), "nobody_defines_me")


@behaviour()
def crash_while_loading(case):
    """A plugin whose constructor crashes is refused, and the broker is not the one that crashed."""
    head = "ISTH_PLUGIN_STAMP\n__attribute__((constructor)) static void boom(void) { __builtin_trap(); }"
    refused(case, folder_with(good(head=head)), "crash|SIG")


@behaviour()
def crash_in_open(case):
    """isthmus plugins names a plugin that crashes in its open function, and is not the one that crashed."""
    listed = isthmus("plugins", "--plugin-dir", folder_with(good(start="__builtin_trap();")), status=1)
    check(re.search("libSample.so.*(crash|SIG)", listed.said), listed.said)


FAILING_START = """ISTH_PLUGIN_STAMP
static int32_t start(void *self, isth_hooks *hooks) { (void)self; (void)hooks; return ISTH_E_ARG; }"""


@behaviour()
def start_fails(case):
    """A plugin whose start answers an error is told, and the broker runs without it."""
    broker = Isthmus("plugin", lambda port: config(port, plugins=["Sample"]),
                     plugin_dir=folder_with(good(head=FAILING_START, body="out->start = start;")))
    case.finally_(broker.kill)
    broker.start().client("c").ping()
    check(re.search("Sample.*ISTH_E_ARG", broker.log), broker.log)


@behaviour()
def start_of_a_guard_fails(case):
    """A plugin that guards, and cannot start, stops the broker's start."""
    source = good(head=FAILING_START, body="out->start = start; out->flags = ISTH_GUARDS;")
    broker = Isthmus("plugin", lambda port: config(port, plugins=["Sample"]), plugin_dir=folder_with(source))
    case.finally_(broker.kill)
    check(broker.launch().wait() > 0, "exit status 0")
    check(re.search("Sample.*ISTH_E_ARG", broker.log), broker.log)


@behaviour()
def damaged_authentication_plugin(case):
    """An authentication plugin whose file is damaged stops the broker's start."""
    folder = folder_with(data=b"not a library", name="libPasswordAuth.so")
    broker = Isthmus("plugin", lambda port: config(port, plugins=["PasswordAuth"]), plugin_dir=folder)
    case.finally_(broker.kill)
    check(broker.launch().wait() > 0, "exit status 0")
    check("libPasswordAuth.so" in broker.log, broker.log)


@behaviour()
def good_plugin_in_c(case):
    """A plugin of thirty lines of C denies a topic, and the broker obeys."""
    head = """#include <string.h>
ISTH_PLUGIN_STAMP
static isth_result may(void *self, const isth_client *c, isth_id ticket, int32_t access, isth_str topic, uint8_t qos,
                       uint8_t retain) {
    (void)self; (void)c; (void)ticket; (void)access; (void)qos; (void)retain;
    return topic.len == 6 && !memcmp(topic.ptr, "secret", 6) ? ISTH_DENY : ISTH_NEXT;
}
static int32_t start(void *self, isth_hooks *hooks) { (void)self; hooks->client_authorize = may; return ISTH_OK; }"""
    broker = Isthmus("plugin", lambda port: config(port, plugins=["Sample"]),
                     plugin_dir=folder_with(good(head=head, body="out->start = start;"))).start()
    case.finally_(broker.kill)
    client = broker.client("c")
    equal(client.subscribe("open", "secret", granted=False).reasons, [0, 0x87], "SUBACK reason codes")
    equal(client.publish("secret", b"x", qos=1, accepted=False).reason, 0x87, "PUBACK reason code")
    client.publish("open", b"x", qos=1)
    client.take(mqtt.PUBLISH, payload=b"x")


@behaviour()
def two_plugins_of_one_kind(case):
    """One file may be opened twice under two names of a config, and a copy of it beside it does no harm."""
    folder = folder_with(good())
    shutil.copy(folder / "libSample.so", folder / "libOther.so")
    broker = Isthmus("plugin", lambda port: config(port, plugins=["Sample", "Sample"]), plugin_dir=folder).start()
    case.finally_(broker.kill)
    broker.client("c").ping()


def greets(case, library):
    """The example greets a client in the log, and answers a message below hello/."""
    listed = isthmus("plugins", "--plugin-dir", library.parent).out
    name = re.search(rf"^(\S+) .*{re.escape(library.name)}$", listed, re.M)
    check(name, f"{library.name} is not in: {listed}")
    entry = f'{{ name = {name[1]}, path = "{library}", config {{ greeting = "Good day" }} }}'
    broker = Isthmus("example", lambda port: config(port, plugins=[entry])).start()
    case.finally_(broker.kill)
    client = broker.client("visitor")
    client.subscribe("greeted/#")
    client.publish("hello/world", b"x", qos=1)
    client.take(mqtt.PUBLISH, topic="greeted/hello/world", payload=b"Good day, visitor!")
    until(lambda: "Good day, visitor!" in broker.log, f"{library.name} greets:\n{broker.tail()}")


@behaviour()
def example_in_c(case):
    """The example plugin in C is built with cc alone, loaded, and does what its README says."""
    library = scratch("examples") / "libHello.so"
    sources = sorted((ROOT / "Plugins/Examples/Hello").glob("*.c"))
    command("cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-I", ROOT / "Sources/PluginAPI/include", "-o",
            library, *sources)
    greets(case, library)


@behaviour()
def example_in_swift(case):
    """The example plugin in Swift is loaded and does what its README says."""
    built = BINARY.parent / "libHelloSwift.so"
    check(built.exists(), f"{built} was not built")
    greets(case, pathlib.Path(shutil.copy(built, scratch("examples"))))
