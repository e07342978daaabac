# SPDX-License-Identifier: Apache-2.0
# Commands that the scripts run and read. One that prints nothing for too long hangs: it is ended with all that it started,
# and the Swift tests that had begun and not ended are named, so that a hang is a failure like any other.
import os
import pathlib
import re
import signal
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
SILENCE = 600  # seconds; the longest command that is quiet on purpose, a build of everything, takes half of that
BEGUN = re.compile(r"^◇ Test (?!run\b|case\b)(.+?) started\.$")
ENDED = re.compile(r"^\S+ Test (?!run\b|case\b)(.+?) (?:passed|failed|skipped)\b")


def unfinished(lines):
    """Swift tests that had begun and not ended, in their order."""
    begun = {}
    for line in lines:
        if match := BEGUN.match(line):
            begun[match.group(1)] = None
        elif match := ENDED.match(line):
            begun.pop(match.group(1), None)
    return list(begun)


def end_session(leader):
    """Ends all that a command started: the tests' own children have groups of their own, but the same session."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and os.getsid(int(entry.name)) == leader:
                os.kill(int(entry.name), signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def stream(words, show=print, environment=None, folder=ROOT, silence=SILENCE):
    """Runs a command; its exit status and its lines, each of which goes to `show` as it comes."""
    child = subprocess.Popen([str(word) for word in words], cwd=folder, text=True, errors="replace", bufsize=1,
                             env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    hangs = threading.Event()

    def end():
        hangs.set()
        end_session(child.pid)

    lines = []
    watch = threading.Timer(silence, end)
    watch.start()
    try:
        for line in child.stdout:
            watch.cancel()
            lines.append(line.rstrip("\n"))
            show(lines[-1])
            watch = threading.Timer(silence, end)
            watch.start()
        status = child.wait()
    finally:
        watch.cancel()
        if child.poll() is None:
            end()
    if hangs.is_set():
        verdict = [f"Test {name} failed after {silence} seconds: it hangs" for name in unfinished(lines)]
        for line in [*verdict, f"`{' '.join(map(str, words))}` printed nothing for {silence} s and was ended"]:
            lines.append(line)
            show(line)
    return status, lines
