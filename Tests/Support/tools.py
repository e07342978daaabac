# SPDX-License-Identifier: Apache-2.0
# The mosquitto clients and the isthmus program itself as commands; each with its exit status and what it said.
import shutil
import subprocess

from .broker import BINARY, ROOT, scratch
from .tls import certificates
from .wait import PATIENCE, TestFailure, check, until


class Done:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def said(self):
        return self.out + self.err


def command(*words, status=0, patience=None, data=None):
    """Runs a command to its end; `status` None: any exit status will do."""
    words = [str(w) for w in words]
    try:
        done = subprocess.run(words, capture_output=True, timeout=patience or 4 * PATIENCE, cwd=ROOT, input=data)
    except subprocess.TimeoutExpired:
        raise TestFailure(f"{' '.join(words)} did not come to its end") from None
    result = Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    if status is not None:
        check(result.status == status,
              f"{' '.join(words)} ended with {result.status}, expected {status}; it said: {result.said[-1500:]}")
    return result


def isthmus(*words, status=0):
    check(BINARY.exists(), f"{BINARY} is not there: build it with 'swift build -c release'")
    return command(BINARY, *words, status=status)


def _client(tool, broker, words):
    path = shutil.which(tool)
    check(path, f"{tool} is not installed: run scripts/setup.sh --tests")
    host, port = broker.address
    where, kind = ["-h", host, "-p", port], getattr(broker.address, "transport", "tcp")
    if kind == "unix":
        where = ["--unix", host]
    elif kind == "ssl":
        where += ["--cafile", certificates() / "ca.pem"]
    return list(map(str, [path, *where, *words]))


def mosquitto_pub(broker, *words, status=0, data=None):
    return command(*_client("mosquitto_pub", broker, words), status=status, data=data)


def mosquitto_rr(broker, *words, status=0):
    return command(*_client("mosquitto_rr", broker, words), status=status)


class Subscriber:
    """A mosquitto_sub that runs beside the test; it is ready when this returns."""

    def __init__(self, case, broker, *words):
        self.folder = scratch("sub")
        self.out, self.err = self.folder / "out", self.folder / "err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.child = subprocess.Popen(
                ["stdbuf", "-oL", *_client("mosquitto_sub", broker, ["-d", *words])], stdout=out, stderr=err)
        case.finally_(self.end)
        until(lambda: "SUBACK" in self.debug or not self.alive(), f"mosquitto_sub {words} is subscribed")

    @property
    def debug(self):
        return self.out.read_text(errors="replace") + self.err.read_text(errors="replace")

    def alive(self):
        return self.child.poll() is None

    @property
    def lines(self):
        """What came, without the lines that mosquitto_sub -d says about packets."""
        noise = ("Client ", "Subscribed (")
        return [line for line in self.out.read_text(errors="replace").splitlines() if not line.startswith(noise)]

    def wait_for(self, count):
        until(lambda: len(self.lines) >= count, f"{count} messages; there came {self.lines!r}; {self.debug[-800:]}")
        return self.lines

    def status(self):
        until(lambda: not self.alive(), f"mosquitto_sub ends; it said {self.debug[-800:]}")
        return self.child.returncode

    def end(self):
        if self.alive():
            self.child.kill()
        self.child.wait()
