#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real peers read what an exporter sends over UDP: StatsD's own server, which knows tags, and Netdata, which tells
counters from gauges and overlooks tags. Neither knows the type `d`, packed values, timestamps or origin fields: those
are read by a strict parser of our own in the unit tests (tests/support/dogstatsd_parser.h).

usage: run_dogstatsd.py DOGSTATSD_TARGET

Peers are found through FT_STATSD and FT_NETDATA, or under build/peers, where tools/peers.sh puts them. Exits with 77 when
one is missing.
"""
import contextlib
import getpass
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from peers import Failure, check, free_port, peer, running, until  # noqa: E402

EXPORTS = 3
# What the target adds each time.
COUNTERS = {("requests", "method", "get"): 3, ("requests", "method", "put"): 1_000_000_007, ("cpu", None, None): 0.25,
            ("tenants", "tenant", "x_c_y:1_c_z__"): 2}
GAUGES = {"open": [3, 6, 9], "load": [0.125] * 3, "limit": [1_234_567_890_123] * 3}


def close_to(a, b):
    return abs(a - b) <= abs(b) * 1e-9


def export(target, url, check_each):
    """Lets the target export several times, and looks at the peer after each."""
    with running(target, url, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for number in range(1, EXPORTS + 1):
            print("export", file=process.stdin, flush=True)
            answer = process.stdout.readline().strip()
            check(answer == "ok", "the target says", repr(answer))
            until(f"export {number}", lambda: check_each(number))


class StatsD:
    """StatsD's server. It would forget at each flush; the first one is an hour away."""

    def __init__(self, stack, folder):
        self.port, self.management = free_port(socket.SOCK_DGRAM), free_port()
        (folder / "statsd.js").write_text(json.dumps({
            "port": self.port, "address": "127.0.0.1", "mgmt_port": self.management, "mgmt_address": "127.0.0.1",
            "flushInterval": 3_600_000, "backends": [],
            "servers": [{"server": "./servers/udp", "address": "127.0.0.1", "port": self.port}]}))
        log = stack.enter_context(open(folder / "statsd.log", "wb"))
        stack.enter_context(running(NODE, STATSD / "stats.js", folder / "statsd.js", cwd=STATSD, stdout=log, stderr=log))
        until("StatsD starts", lambda: self.ask("stats"))

    def ask(self, command):
        with socket.create_connection(("127.0.0.1", self.management), timeout=10) as connection:
            connection.sendall(command.encode() + b"\n")
            answer = b""
            while b"END" not in answer:
                part = connection.recv(65536)
                check(part, "StatsD's answer ends early")
                answer += part
            return answer.decode()

    def numbers(self, command):
        return {name: float(value) for name, value in re.findall(r"'?([\w.;=:/-]+)'?: (-?[\d.e+-]+)", self.ask(command))}

    def check(self, number):
        # It writes `name;tag=value` for tags, and keeps letters, digits, `_`, `-`, `.`, `;` and `=` only.
        counters = self.numbers("counters")
        for (name, key, value), added in COUNTERS.items():
            own = f";{key}={value.replace(':', '')}" if key else ""
            found = counters.get(f"proxy.{name};zone=a{own};env=prod")
            check(found is not None and close_to(found, added * number), name, value, "is", found, "in", counters)
        gauges = self.numbers("gauges")
        for name, levels in GAUGES.items():
            found = gauges.get(f"proxy.{name};zone=a;env=prod")
            check(found is not None and close_to(found, levels[number - 1]), name, "is", found, "in", gauges)
        bad = re.search(r"messages\.bad_lines_seen: (\d+)", self.ask("stats"))
        check(bad and bad[1] == "0", "bad lines:", bad and bad[1])


class Netdata:
    """Netdata with its StatsD server alone."""

    CONFIG = """
[global]
    run as user = {user}
[directories]
    config = {folder}
    cache = {folder}
    lib = {folder}
    log = {folder}
    web = {folder}
    plugins = {folder}
    stock config = {folder}
[db]
    mode = ram
[ml]
    enabled = no
[health]
    enabled = no
[registry]
    enabled = no
[web]
    bind to = 127.0.0.1:{web}
[plugins]
    {others} = no
    enable running new plugins = no
    netdata monitoring = no
    statsd = yes
[statsd]
    bind to = udp:127.0.0.1:{port}
"""
    OTHERS = ["proc", "diskspace", "cgroups", "tc", "idlejitter", "checks", "apps", "timex", "slabinfo"]

    def __init__(self, stack, folder):
        self.port, self.web, self.folder = free_port(socket.SOCK_DGRAM), free_port(), folder
        (folder / "netdata.conf").write_text(self.CONFIG.format(
            user=getpass.getuser(), folder=folder, web=self.web, port=self.port, others=" = no\n    ".join(self.OTHERS)))
        log = stack.enter_context(open(folder / "netdata.log", "wb"))
        stack.enter_context(running(NETDATA, "-D", "-c", folder / "netdata.conf", stdout=log, stderr=log))
        until("Netdata starts", lambda: self.fetch("charts"))
        until("Netdata listens", lambda: check(f"udp:127.0.0.1:{self.port}" in self.errors(), self.errors()))

    def fetch(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/api/v1/{path}", timeout=10) as response:
            return json.load(response)

    def errors(self):
        return (self.folder / "error.log").read_text(errors="replace")

    def total(self, name):
        """What a counter rose by: its chart has rates, a point per second."""
        data = self.fetch(f"data?chart=statsd_proxy.{name}_counter&after=-300&points=300")["data"]
        return sum(point[1] or 0 for point in data)

    def check(self, number):
        for name in {name for name, _, _ in COUNTERS} - {"cpu"}:  # its counters are whole
            added = sum(value for (other, _, _), value in COUNTERS.items() if other == name)
            # Its database keeps numbers in 24 bits.
            found = self.total(name)
            check(abs(found - added * number) <= added * number * 1e-6, name, "is", found, "not", added * number)
        metrics = self.fetch("allmetrics?format=json")
        for name, levels in GAUGES.items():
            found = metrics[f"statsd_proxy.{name}_gauge"]["dimensions"]["gauge"]["value"]
            check(close_to(found, levels[number - 1]), name, "is", found)
        complaints = [line for line in self.errors().splitlines() if "STATSD: " in line and "'0.25'" not in line]
        check(not complaints, complaints)


def main(target):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        statsd, netdata = StatsD(stack, folder), Netdata(stack, folder)
        for one in (statsd, netdata):
            export(target, f"udp://127.0.0.1:{one.port}", one.check)
    print(f"StatsD and Netdata read the same as was added in {EXPORTS} exports")


if __name__ == "__main__":
    NODE = shutil.which("node")
    if NODE is None:
        print("SKIPPED: node is missing")
        sys.exit(77)
    STATSD = peer("FT_STATSD", "statsd/node_modules/statsd")
    NETDATA = peer("FT_NETDATA", "bin/netdata")
    try:
        main(sys.argv[1])
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
