# SPDX-License-Identifier: Apache-2.0
# Listeners on Unix sockets: who may connect by the file's mode, what happens to the file, and whose it is when two
# brokers want it. That MQTT is the same there is what `Tests/run.py --transport unix` shows.
import os
import stat
import subprocess

from Support.broker import Isthmus, config, quoted, scratch
from Support.client import Client
from Support.suite import Skip, behaviour, check
from Support.tools import isthmus
from Support.transports import Address, wait_until_open
from Support.wait import equal

PROBE = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


def broker(case, path, more="", name="unix"):
    """A broker with a listener on that path; it is not started."""
    extra = f"listeners.tcp.local {{ bind = {quoted(path)}\n{more} }}\n"
    made = Isthmus(name, lambda port: config(port, extra=extra))
    case.finally_(made.kill)
    return made


def there(case, path, more="", bind=None):
    """A broker that has started."""
    made = broker(case, bind or path, more).start()
    wait_until_open(Address(path, 0, "unix"))
    return made


def exchange(case, path, other=None):
    """A message goes from a client on the path to one at `other`, on the path too if that is None."""
    mouth = Client(Address(path, 0, "unix"), 5, case.id("mouth")).open()
    ears = Client(other or Address(path, 0, "unix"), 5, case.id("ears")).open()
    ears.subscribe(case.topic(), qos=1)
    mouth.publish(case.topic(), b"through the file", qos=1)
    ears.receive(b"through the file")
    for client in (mouth, ears):
        client.disconnect()


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@behaviour()
def path_is_bound_in_both_spellings(case):
    """Clients connect to the path of `bind`, with or without `unix:`, and exchange messages with those on TCP."""
    for prefix in ("", "unix:"):
        path = f"{scratch('unix')}/socket"
        running = there(case, path, bind=prefix + path)
        check(stat.S_ISSOCK(os.stat(path).st_mode), "the file is no socket")
        exchange(case, path)
        exchange(case, path, running.address)
        equal(running.stop(), 0, "exit status")
        check(not os.path.exists(path), "the file outlived its broker")


@behaviour()
def mode_says_who_connects(case):
    """The file has the mode of `unix_socket_mode`, 0660 if there is none, whatever the umask is; others are refused."""
    path = f"{scratch('unix')}/socket"
    there(case, path)
    equal(oct(mode(path)), oct(0o660), "default mode")
    for bits in ("0600", "0666", "0777"):
        path = f"{scratch('unix')}/socket"
        there(case, path, f'unix_socket_mode = "{bits}"')
        equal(oct(mode(path)), oct(int(bits, 8)), f"mode with {bits}")


@behaviour()
def others_are_kept_out(case):
    """Another user connects if the mode lets others write, and is refused if it does not."""
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    for bits, status in (("0666", 0), ("0660", 1)):
        folder = scratch("unix")
        path = f"{folder}/socket"
        there(case, path, f'unix_socket_mode = "{bits}"')
        for one in (folder, folder.parent):
            os.chmod(one, 0o755)
        # /usr/bin: the interpreter of a virtual environment may lie where others must not look.
        done = subprocess.run(["/usr/bin/python3", "-c", PROBE, path], user=65534, group=65534, extra_groups=[],
                              capture_output=True, text=True)
        equal(done.returncode, status, f"exit status with mode {bits}, it said {done.stderr}")
        check(status == 0 or "PermissionError" in done.stderr, f"refused for another reason: {done.stderr}")


@behaviour()
def leftover_file_is_replaced(case):
    """The file that a broker left when it was killed is replaced by the next one's."""
    path = f"{scratch('unix')}/socket"
    running = there(case, path)
    running.kill()
    check(os.path.exists(path), "kill -9 left no file behind: nothing is shown")
    running.start()
    wait_until_open(Address(path, 0, "unix"))
    exchange(case, path)


@behaviour()
def live_one_is_refused(case):
    """A broker does not take the path from another one that lives: it says so, ends, and leaves the file alone."""
    path = f"{scratch('unix')}/socket"
    there(case, path)
    late = broker(case, path, name="late").launch()
    check(late.wait() != 0, "the second broker started on the path of the first")
    check(path in late.log and "in use" in late.log, f"the log does not name what is in use:\n{late.tail()}")
    exchange(case, path)


@behaviour()
def other_files_are_not_touched(case):
    """A file that is no socket is not replaced, and a path that is too long is refused by `check`."""
    folder = scratch("unix")
    path = f"{folder}/precious"
    with open(path, "w") as file:
        file.write("precious")
    running = broker(case, path).launch()
    check(running.wait() != 0, "the broker started over a file that is no socket")
    check(f"{path} is a file that is no socket" in running.log, f"the log does not say why:\n{running.tail()}")
    with open(path) as file:
        equal(file.read(), "precious", "content of the file")
    long = broker(case, f"{folder}/{'x' * 200}")
    done = isthmus("check", "--config", long.conf_path, status=None)
    check(done.status != 0 and "107 bytes" in done.said, f"check said {done.said!r}")
    check(str(long.conf_path) in done.said, f"check does not say where: {done.said!r}")
