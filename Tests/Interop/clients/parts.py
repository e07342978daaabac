# SPDX-License-Identifier: Apache-2.0
# What the client libraries share: one broker with a listener of every transport, an event loop for asyncio, and the
# matrix of scenarios, transports and versions. A library is driven by a class with the methods of `Driver`.
import asyncio
import collections
import os
import queue
import socket
import threading

from Support.broker import Isthmus, config, scratch
from Support.ports import free_port
from Support.suite import Skip, behaviour
from Support.tls import certificates
from Support.transports import Address, wait_until_open
from Support.wait import PATIENCE, TestFailure

Message = collections.namedtuple("Message", "topic payload qos retain properties")
Will = collections.namedtuple("Will", "topic payload qos retain properties")
_lock, _started, _loops = threading.Lock(), {}, []


def address(transport):
    """Where the broker of all these tests is reached; the first call starts it."""
    with _lock:
        if not _started:
            folder, pem = scratch("clients"), certificates()
            where = {kind: Address("127.0.0.1", free_port(), kind) for kind in ("ssl", "ws", "wss")}
            where["unix"] = Address(f"{folder}/socket", 0, "unix")
            more = f'listeners.tcp.local {{ bind = "{folder}/socket" }}\n'
            for kind in ("ssl", "ws", "wss"):
                tls = f'ssl_options {{ certfile = "{pem}/server.pem", keyfile = "{pem}/server.key" }}'
                more += f'listeners.{kind}.default {{ bind = "127.0.0.1:{where[kind][1]}"\n{"" if kind == "ws" else tls} }}\n'
            where["tcp"] = Address("127.0.0.1", free_port())
            Isthmus("clients", lambda port: config(port, extra=more), port=where["tcp"][1]).start()
            for one in where.values():
                wait_until_open(one)
            _started.update(where)
    return _started[transport]


def authority():
    """The file of the certificate authority that a client has to trust."""
    return str(certificates() / "ca.pem")


def on_loop(coroutine):
    """Runs a coroutine on the event loop of all asyncio clients; its answer, or the failure that it took too long."""
    with _lock:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
            threading.Thread(target=_loops[0].run_forever, daemon=True).start()
    future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, PATIENCE), _loops[0])
    try:
        return future.result()
    except asyncio.TimeoutError:
        raise TestFailure(f"{coroutine.__qualname__} did not come to its end") from None


def need(library, name):
    if library is None:
        raise Skip(f"{name} is not installed; scripts/setup.sh --tests does it")


def cut(descriptor):
    """Ends a network connection beneath whatever is spoken on it; the broker's end follows."""
    with socket.socket(fileno=os.dup(descriptor)) as one:
        one.shutdown(socket.SHUT_WR)


class Driver:
    """A client library. A subclass connects in `open` (`self.session_present` says with what), fills `messages`, puts
    the reason code of the end of its connection (None: no DISCONNECT came) into `ends`, and has subscribe, publish
    (which waits for the acknowledgement), publish_all (which need not wait between two), send (QoS 0, and never waits),
    disconnect and die (end the network connection without DISCONNECT). Properties have the specification's names, in snake case."""

    library = None

    def __init__(self, client_id, where, version, clean=True, expiry=None, will=None):
        self.id, self.where, self.version = client_id, where, version
        self.messages, self.ends, self.session_present = queue.Queue(), queue.Queue(), None
        self.open(clean, expiry, will)

    @property
    def kind(self):
        return self.where.transport

    def message(self):
        try:
            return self.messages.get(timeout=PATIENCE)
        except queue.Empty:
            raise TestFailure(f"no message came to {self.id}") from None

    def told(self):
        """The reason code with which the server ended the connection."""
        try:
            return self.ends.get(timeout=PATIENCE)
        except queue.Empty:
            raise TestFailure(f"the connection of {self.id} did not end") from None


class Party:
    """What a scenario gets: clients of one library, over one transport, in one version."""

    def __init__(self, case, driver, transport):
        self.case, self.driver, self.version = case, driver, case.version
        self.where, self.topic = address(transport), case.topic

    def client(self, name="c", **options):
        made = self.driver(self.case.id(name), self.where, self.version, **options)
        self.case.finally_(made.die)
        return made


def matrix(driver, scenarios, transports, versions):
    """A behaviour for each scenario and transport, in the versions of both."""
    for function, wanted in scenarios:
        for transport in transports:
            def run(case, function=function, transport=transport):
                need(driver.library, driver.__name__)
                function(Party(case, driver, transport))
            run.__name__ = f"{function.__name__}_over_{transport}"
            run.__doc__ = f"{driver.__name__} {function.__doc__}, over {transport}."
            behaviour(versions=tuple(v for v in wanted if v in versions))(run)
