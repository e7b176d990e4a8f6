# SPDX-License-Identifier: Apache-2.0
"""What tests against real peers have in common: finding them, starting them, waiting for them."""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 60  # only to turn a hang into a failure


class Failure(Exception):
    pass


def check(condition, *what):
    if not condition:
        raise Failure(" ".join(str(part) for part in what))


def peer(variable, relative):
    path = pathlib.Path(os.environ.get(variable) or ROOT / "build" / "peers" / relative)
    if not path.exists():
        print(f"SKIPPED: {path} is missing; run tools/peers.sh or set {variable}")
        sys.exit(77)
    return path


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, attempt):
    """Repeats `attempt` until it no longer raises; the last reason is the failure."""
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            return attempt()
        except (Failure, KeyError, OSError, ValueError) as reason:
            if time.monotonic() > end:
                raise Failure(f"{what}: {reason}") from reason
            time.sleep(0.05)  # between two looks at another process


@contextlib.contextmanager
def running(*command, **options):
    process = subprocess.Popen([str(part) for part in command], **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
