# SPDX-License-Identifier: Apache-2.0
# Password files: those that `isthmus passwd` and mosquitto_passwd make, and how the broker and mosquitto read them.
import os
import pty
import select
import shutil
import signal
import subprocess

from Support import mqtt
from Support.broker import BINARY, Isthmus, Mosquitto, config, scratch
from Support.client import Client
from Support.suite import behaviour
from Support.wait import PATIENCE, check, equal, until


def passwd(*arguments, password="secret"):
    return subprocess.run([BINARY, "passwd", *map(str, arguments)], input=(password + "\n").encode(), capture_output=True)


def made(file, *arguments, **more):
    done = passwd(file, *arguments, **more)
    check(done.returncode == 0, done.stderr.decode())


def started(case, file):
    broker = Isthmus("passwords", lambda port: config(port, plugins=["PasswordAuth"], extra=(
        'authentication = [{ mechanism = password_based, backend = built_in_database, '
        f'bootstrap_file = "{file}" }}]\n')))
    case.finally_(broker.kill)
    return broker.start()


def admits(broker, user, password):
    client = Client(broker.address, 5, user)
    client.send(mqtt.connect(5, user, username=user, password=password))
    reason = client.expect(mqtt.CONNACK).reason
    client.close()
    return reason == 0


@behaviour()
def users_of_passwd(case):
    """`isthmus passwd` makes, changes and removes users; a reload has them."""
    file = scratch("passwd") / "users"
    made(file, "ann")
    made(file, "bob", "--iterations", "1000", password="bob's")
    equal(file.stat().st_mode & 0o777, 0o600, "the mode of a new file")
    broker = started(case, file)
    check(admits(broker, "ann", "secret") and admits(broker, "bob", "bob's"), broker.tail())
    check(not admits(broker, "ann", "bob's") and not admits(broker, "eve", "secret"), "strangers")
    file.chmod(0o640)
    made(file, "ann", password="another")
    made(file, "bob", "--delete")
    equal(file.stat().st_mode & 0o777, 0o640, "the mode stays")
    before = broker.log.count("is in force as it is now")
    broker.child.send_signal(signal.SIGHUP)
    until(lambda: broker.log.count("is in force as it is now") > before, "the reload")
    check(admits(broker, "ann", "another") and not admits(broker, "ann", "secret"), broker.tail())
    check(not admits(broker, "bob", "bob's"), "bob is gone")


@behaviour()
def files_of_mosquitto_passwd(case):
    """The file of mosquitto_passwd is read as it is, both kinds of hashes; `isthmus passwd` may change it."""
    file = scratch("passwd") / "users"
    tool = shutil.which("mosquitto_passwd")
    subprocess.run([tool, "-c", "-b", file, "ann", "secret"], check=True, capture_output=True)
    subprocess.run([tool, "-H", "sha512", "-b", file, "bob", "secret"], check=True, capture_output=True)
    made(file, "carol")
    broker = started(case, file)
    for user in ("ann", "bob", "carol"):
        check(admits(broker, user, "secret") and not admits(broker, user, "Secret"), f"{user}: {broker.tail()}")


@behaviour()
def mosquitto_reads_the_file(case):
    """mosquitto admits who is in a file of `isthmus passwd`."""
    file = scratch("passwd") / "users"
    made(file, "ann", "--iterations", "1000")
    file.chmod(0o644)
    file.parent.chmod(0o755)
    file.parent.parent.chmod(0o755)
    broker = Mosquitto("mosquitto-passwords", extra=f"password_file {file}\n")
    case.finally_(broker.kill)
    # An anonymous client is admitted by its config, a wrong password is not.
    check(admits(broker, "ann", "secret") and not admits(broker, "ann", "wrong"), broker.tail())


@behaviour()
def mistakes_are_named(case):
    """What cannot be done is refused with a sentence, and changes nothing."""
    folder = scratch("passwd")
    file = folder / "users"
    made(file, "ann")
    before = file.read_bytes()
    for arguments, password, sentence in (
            ((folder / "users.csv", "ann"), "x", "holds rows of EMQX's kind"),
            ((file, "a:b"), "x", "cannot stand in a password file"), ((file, "#a"), "x", "cannot stand in a password file"),
            ((file, ""), "x", "cannot stand in a password file"), ((file, "bob"), "", "no password came on standard input"),
            ((file, "bob", "--delete"), "", "there is no user bob"), ((folder, "bob"), "x", "is no file"),
            ((folder / "none" / "users", "bob"), "x", "No such file"),
            ((file, "bob", "--iterations", "0"), "x", "it may be from 1 to 10000000")):
        done = passwd(*arguments, password=password)
        check(done.returncode == 1 and sentence in done.stderr.decode(), f"{arguments}: {done.stderr.decode()}")
    (folder / "users.new").touch()
    done = passwd(file, "bob")
    check(done.returncode == 1 and "another one changes the file" in done.stderr.decode(), done.stderr.decode())
    equal(file.read_bytes(), before, "the file")


@behaviour()
def the_terminal_shows_no_password(case):
    """On a terminal the password is asked for twice and not shown."""
    file = scratch("passwd") / "users"

    def typed(*lines):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(BINARY, [str(BINARY), "passwd", str(file), "ann"])
        shown = b""

        def more():
            """What it writes next; nothing at its end."""
            readable, _, _ = select.select([terminal], [], [], PATIENCE)
            if not readable:
                os.kill(pid, signal.SIGKILL)
            check(readable, f"it says nothing more after {shown!r}")
            try:
                return os.read(terminal, 1024)
            except OSError:
                return b""
        for prompt, line in zip((b"Password for ann: ", b"The same again: "), lines):
            while prompt not in shown:
                check(came := more(), f"it ended after {shown!r}")
                shown += came
            os.write(terminal, line + b"\n")
        while came := more():
            shown += came
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown
    status, shown = typed(b"hidden", b"other")
    check(status == 1 and b"the two passwords differ" in shown and not file.exists(), shown.decode())
    status, shown = typed(b"hidden", b"hidden")
    check(status == 0 and b"hidden" not in shown and file.read_text().startswith("ann:$7$100000$"), shown.decode())
