"""Load through a proxy with redis-benchmark, what it cost, and what the backend says it executed."""
import csv
import dataclasses
import re
import socket
import subprocess
import time

from .processes import Failure

TESTS = ("set", "get", "incr")
CLIENTS = 16


@dataclasses.dataclass
class Round:
    requests: int
    seconds: float
    cpu_ns: int
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self):
        return self.requests / self.seconds

    @property
    def cpu_ns_per_request(self):
        return self.cpu_ns / self.requests


class Proxy:
    def __init__(self, child, port, metrics_port):
        self.child = child
        self.port = port
        self.metrics_port = metrics_port


class Load:
    def __init__(self, children, benchmark, cpus):
        self.children = children
        self.benchmark = benchmark
        self.taskset = ["taskset", "-c", ",".join(map(str, sorted(cpus)))]

    def run(self, proxy, pipeline, requests_per_test, tests=TESTS):
        """One round: the tests, one after the other. `requests_per_test` is a multiple of `pipeline`."""
        self.children.check()
        before = proxy.child.cpu_ns()
        rows = self.benchmarked(proxy, pipeline, requests_per_test, tests, "-t", ",".join(tests))
        after = proxy.child.cpu_ns()
        if before.keys() != after.keys():
            raise Failure(f"threads of the {proxy.child.name} came or went during a round: its CPU time is not known",
                          proxy.child)
        # The columns: test, rps, avg, min, p50, p95, p99, max.
        return Round(requests=requests_per_test * len(tests),
                     seconds=sum(requests_per_test / float(row[1]) for row in rows),
                     cpu_ns=sum(after.values()) - sum(before.values()),
                     p50_ms=sum(float(row[4]) for row in rows) / len(rows),
                     p99_ms=max(float(row[6]) for row in rows))

    def get(self, proxy, key, pipeline, requests):
        """GETs of a key in which redis-benchmark puts random numbers for `__rand_int__`."""
        self.benchmarked(proxy, pipeline, requests, (f"get {key}",), "-r", "1000000000", "GET", key)

    def benchmarked(self, proxy, pipeline, requests, names, *what):
        """The rows of these names that redis-benchmark ends with."""
        assert requests % pipeline == 0  # it would be rounded up
        command = [*self.taskset, self.benchmark, "-h", "127.0.0.1", "-p", str(proxy.port), "-n", str(requests), "-c",
                   str(CLIENTS), "-P", str(pipeline), "--csv", *what]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as benchmark:
            try:
                said = self.wait(benchmark)
            finally:
                benchmark.kill()
        rows = [row for row in csv.reader(said.splitlines()) if row and row[0].lower() in names]
        if benchmark.returncode != 0 or len(rows) != len(names):
            time.sleep(0.2)
            self.children.check()  # one that has ended is the better explanation
            raise Failure(f"redis-benchmark through the {proxy.child.name} failed: "
                          f"{said.strip()[-500:] or benchmark.returncode}", proxy.child)
        return rows

    def wait(self, benchmark, seconds=60):
        """What it says until it ends. It waits for ever for a server that has gone, so everybody is looked after."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                return benchmark.communicate(timeout=0.5)[0]
            except subprocess.TimeoutExpired:
                self.children.check()
        raise Failure(f"redis-benchmark has not ended after {seconds} s")


def command_calls(port):
    """Calls by command as `INFO commandstats` has them, named as the proxy's labels."""
    request = b"*2\r\n$4\r\nINFO\r\n$12\r\ncommandstats\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        reply = connection.makefile("rb")
        header = reply.readline()
        if not header.startswith(b"$"):
            raise Failure(f"INFO commandstats is answered with {header!r}")
        text = reply.read(int(header[1:])).decode()
    calls = {}
    for name, count in re.findall(r"^cmdstat_([^:]+):calls=(\d+),", text, re.MULTILINE):
        command = name.partition("|")[0]
        calls[command] = calls.get(command, 0) + int(count)
    return calls
