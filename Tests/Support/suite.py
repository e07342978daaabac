# SPDX-License-Identifier: Apache-2.0
# Behaviours: functions with a sentence, collected from the test files, run side by side, reported one by one.
# A behaviour gets a `Case`: fresh client ids and topics, clients that are closed after it, and the broker's address.
import concurrent.futures
import importlib.util
import itertools
import os
import pathlib
import re
import sys
import threading
import time
import traceback

from . import broker, mqtt
from .client import Client
from .wait import PATIENCE, TestFailure, check

TESTS = pathlib.Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
_numbers = itertools.count(1)
_collected = []


class Skip(Exception):
    """This behaviour cannot be asked of this broker; the text says why."""


class Behaviour:
    def __init__(self, function, cites, versions, alone):
        self.function, self.cites, self.versions, self.alone = function, cites, versions, alone
        self.file = None
        self.sentence = " ".join((function.__doc__ or function.__name__).split())

    def name(self, version):
        suffix = {None: "", 3: " (3.1)", 4: " (3.1.1)", 5: " (5.0)"}[version]
        stem, function = self.file.removesuffix(".py"), self.function.__name__
        return (stem if stem.endswith(f"/{function}") else f"{self.file}:{function}") + suffix


def behaviour(*cites, versions=(None,), alone=False):
    """Marks a function as a behaviour. It runs once for each version; `alone`: not beside others."""
    for cite in cites:
        check(re.fullmatch(r"MQTT3?-[\d.]+-\d+", cite), f"not a rule's number: {cite}")

    def mark(function):
        _collected.append(Behaviour(function, cites, versions, alone))
        return function
    return mark


def both(*cites, alone=False):
    """A behaviour of MQTT 3.1.1 and of MQTT 5.0."""
    return behaviour(*cites, versions=(4, 5), alone=alone)


def v5(*cites, alone=False):
    return behaviour(*cites, versions=(5,), alone=alone)


def v4(*cites, alone=False):
    return behaviour(*cites, versions=(4,), alone=alone)


def v3(*cites, alone=False):
    return behaviour(*cites, versions=(3,), alone=alone)


class Case:
    """One run of one behaviour."""

    def __init__(self, context, version):
        self.context, self.version = context, version
        self.number, self.clients, self.cleanups = next(_numbers), [], []

    @property
    def address(self):
        return self.context.address

    def id(self, name="c"):
        return f"case{self.number}-{name}"

    def topic(self, name="t"):
        return f"case{self.number}/{name}"

    def dial(self, version=None, name="c", client_id=None):
        """A TCP connection on which nothing has been said."""
        client = Client(self.address, version or self.version or 4, self.id(name) if client_id is None else client_id)
        self.clients.append(client)
        return client

    def client(self, name="c", version=None, client_id=None, **options):
        """A connected client; `name` makes its client id."""
        return self.dial(version, name, client_id).open(**options)

    def fence(self, receiver, sender=None, topic=None):
        """Everything that was on its way to `receiver` before this call has come when it returns, and nothing has."""
        sender = sender or self.client("fence")
        topic = topic or self.topic(f"fence{next(_numbers)}")
        receiver.subscribe(topic)
        sender.publish(topic, b"fence")
        return receiver.receive(b"fence", topic=topic)

    def finally_(self, action):
        self.cleanups.append(action)

    def close(self):
        for client in self.clients:
            client.close()
        for action in reversed(self.cleanups):
            action()


class Result:
    def __init__(self, name, behaviour, outcome, note, seconds):
        self.name, self.behaviour, self.outcome, self.note, self.seconds = name, behaviour, outcome, note, seconds


def load(folder, pattern=""):
    """All behaviours below a folder of Tests/; files that do not import this module are programs of their own."""
    found = []
    for path in sorted((TESTS / folder).rglob("*.py")):
        if "Support.suite" not in path.read_text():
            continue
        _collected.clear()
        spec = importlib.util.spec_from_file_location(re.sub(r"\W", "_", str(path.relative_to(TESTS))), path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for one in _collected:
            one.file = str(path.relative_to(TESTS))
            found.append(one)
    return [(b, v) for b in found for v in b.versions if re.search(pattern, b.name(v))]


def _run_one(item, context):
    behaviour_, version = item
    case, started = Case(context, version), time.monotonic()
    outcome, note = "passed", ""
    try:
        behaviour_.function(case)
    except Skip as reason:
        outcome, note = "skipped", str(reason)
    except TestFailure as failure:
        line = traceback.extract_tb(failure.__traceback__)
        here = [f.lineno for f in line if f.filename.endswith(behaviour_.file.split("/")[-1])]
        outcome, note = "failed", f"line {here[-1] if here else '?'}: {failure}"
        for number, client in list(enumerate(case.clients, 1))[-4:]:
            note += "".join(f"\n      [{number} {client.client_id}] {entry}" for entry in client.log[-8:])
    except Exception:
        outcome, note = "failed", traceback.format_exc()
    finally:
        try:
            case.close()
        except Exception:
            outcome, note = "failed", note + traceback.format_exc()
    return Result(behaviour_.name(version), behaviour_, outcome, note, time.monotonic() - started)


class Watch:
    """Ends the run, with a name and a stack, when a behaviour hangs: whatever it waits for has a deadline of its own, and
    the sum of those is far below this limit."""

    LIMIT = max(300, 20 * PATIENCE)  # seconds

    def __init__(self):
        self.under_way, self.lock, self.is_over = {}, threading.Lock(), threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def begin(self, name):
        with self.lock:
            self.under_way[threading.get_ident()] = (name, time.monotonic())

    def end(self):
        with self.lock:
            del self.under_way[threading.get_ident()]

    def _look(self):
        while not self.is_over.wait(1):
            with self.lock:
                hanging = [(thread, name) for thread, (name, started) in self.under_way.items()
                           if time.monotonic() - started > self.LIMIT]
            if hanging:
                for thread, name in hanging:
                    stack = "".join(traceback.format_stack(sys._current_frames().get(thread)))
                    print(f"FAILED  {name}\n    it hangs, after {self.LIMIT:g} s, here:\n{stack}")
                broker.clean_up(keep=True)
                print(f"0 passed, {len(hanging)} failed", flush=True)
                os._exit(1)


def run(items, context, jobs, show=True):
    """Runs behaviours, `jobs` at a time and then those that want to be alone; the results in the order given."""
    results, lock, watch = {}, threading.Lock(), Watch()

    def one(item):
        watch.begin(item[0].name(item[1]))
        try:
            result = _run_one(item, context)
        finally:
            watch.end()
        with lock:
            results[id(item)] = result
            if show and result.outcome != "passed":
                print(f"{result.outcome.upper()}  {result.name}\n  {result.behaviour.sentence}\n    {result.note}")
                sys.stdout.flush()

    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(one, [i for i in items if not i[0].alone]))
    for item in items:
        if item[0].alone:
            one(item)
    watch.is_over.set()
    return [results[id(item)] for item in items]


__all__ = ["Case", "Skip", "behaviour", "both", "check", "load", "mqtt", "run", "v3", "v4", "v5"]
