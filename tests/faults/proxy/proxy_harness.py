"""Starts proxies and Redis servers for run_proxy_faults.py, and speaks their protocol."""
import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time
import urllib.request

DEADLINE = 20  # seconds after which something that has not happened counts as a failure


def eventually(what, check, deadline=DEADLINE):
    """The first true value of check(); exceptions of sockets count as not yet."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        try:
            if value := check():
                return value
        except OSError:
            pass
        time.sleep(0.01)
    raise AssertionError(f"not within {deadline} s: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child that is stopped by its own pid, whatever happens."""

    def __init__(self, command, log):
        self.log = pathlib.Path(log)
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)

    def resident_bytes(self):
        pages = int(pathlib.Path(f"/proc/{self.child.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def address_space_bytes(self):
        return int(pathlib.Path(f"/proc/{self.child.pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")

    @contextlib.contextmanager
    def limited(self, what, value):
        """Under a soft resource limit of `value`, from now until the block ends."""
        before = resource.prlimit(self.child.pid, what)
        resource.prlimit(self.child.pid, what, (value, before[1]))
        yield
        resource.prlimit(self.child.pid, what, before)

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self):
        return self.child.wait(DEADLINE)

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


class Redis(Process):
    def __init__(self, directory, port):
        super().__init__([os.environ["FT_REDIS_SERVER"], "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                          "--appendonly", "no", "--dir", str(directory)], pathlib.Path(directory, "redis.log"))
        self.port = port
        eventually("redis answers", lambda: ask_once(port, "PING") == b"+PONG\r\n")


class Proxy(Process):
    """`limits` are options of prlimit(1): what the proxy is started under."""

    def __init__(self, binary, directory, *options, upstream=None, limits=()):
        ports = pathlib.Path(directory, f"ports-{time.monotonic_ns()}")
        command = [binary, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--port-file", str(ports), *options]
        if limits:
            command = ["prlimit", *limits, *command]
        if upstream:
            command += ["--upstream", f"127.0.0.1:{upstream}"]
        super().__init__(command, pathlib.Path(directory, "proxy.log"))
        eventually("the proxy listens", lambda: ports.exists() or self.child.poll() is not None)
        if not ports.exists():
            raise AssertionError(f"the proxy ended with {self.child.returncode}:\n{self.log.read_text()}")
        self.port, self.metrics_port = map(int, ports.read_text().split())

    def metrics(self):
        """Values by the full names with labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=DEADLINE) as page:
            lines = [line.rpartition(" ") for line in page.read().decode().split("\n") if line and line[0] != "#"]
        return {name: float(value) for name, _, value in lines}

    def metric(self, sample):
        metrics = self.metrics()
        if sample not in metrics:
            raise AssertionError(f"no sample {sample}")
        return metrics[sample]

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        super().kill()
        if "Sanitizer" in (log := self.log.read_text(errors="replace")):
            raise AssertionError(log)


def spans_of(path):
    """The spans of a file of JSON lines, each of which is whole."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").split("\n")
    if lines.pop():
        raise AssertionError("the last line is not whole")
    found = []
    for line in lines:
        [span] = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
        span["attributes"] = {pair["key"]: pair["value"] for pair in span.get("attributes", [])}
        span["times"] = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        found.append(span)
    return found


def command(*words):
    """A command as clients send it."""
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def bulk(value):
    return b"$%d\r\n%s\r\n" % (len(value), value)


class Client:
    """A connection that is told how many bytes or replies to expect."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        self.held = b""
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, *words):
        """One command and its reply, which is not an array."""
        self.send(command(*words))
        return self.reply()

    def reply(self):
        line = self.line()
        if line[:1] == b"$" and line != b"$-1\r\n":
            return line + self.take(int(line[1:]) + 2)
        if line[:1] == b"*":
            return line + b"".join(self.reply() for _ in range(max(0, int(line[1:]))))
        return line

    def line(self):
        while b"\n" not in self.held:
            self.more()
        line, _, self.held = self.held.partition(b"\n")
        return line + b"\n"

    def take(self, size):
        parts = [self.held]
        missing = size - len(self.held)
        while missing > 0:
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionError("the proxy closed the connection")
            parts.append(data)
            missing -= len(data)
        data = b"".join(parts)
        self.held = data[size:]
        return data[:size]

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the proxy closed the connection")
        self.held += data

    def rest(self):
        """All bytes until the proxy closes in an orderly way: a reset is an exception."""
        while data := self.socket.recv(65536):
            self.held += data
        return self.held

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def ask_once(port, *words):
    """Asks on a connection of its own."""
    with Client(port) as client:
        return client.ask(*words)
