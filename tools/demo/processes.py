"""Child processes: started on loopback ports of their own, measured, and stopped by their own pid."""
import os
import pathlib
import re
import socket
import subprocess
import time


class Failure(Exception):
    """Why the demo cannot go on, in a sentence; `child` is whose log says more."""

    def __init__(self, message, child=None):
        super().__init__(message)
        self.child = child


class Child:
    def __init__(self, name, command, log, cpus):
        self.name = name
        self.log = pathlib.Path(log)
        self.is_stopped = False
        try:
            with self.log.open("wb") as out:
                # A session of its own: Ctrl-C reaches the demo, which then stops its children in order.
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                start_new_session=True,
                                                preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        except OSError as error:
            raise Failure(f"the {name} does not start: {error}") from error

    @property
    def pid(self):
        return self.process.pid

    def check(self):
        if not self.is_stopped and self.process.poll() is not None:
            raise Failure(f"the {self.name} ended with exit code {self.process.returncode}", self)

    def wait_for(self, what, ready, seconds=20):
        """The first true value of ready(); a refused connection counts as not yet."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            try:
                if value := ready():
                    return value
            except OSError:
                pass
            time.sleep(0.02)
        raise Failure(f"the {self.name}: no {what} within {seconds} s", self)

    def cpu_ns(self):
        """CPU time of all its threads so far, by thread: schedstat counts nanoseconds where getrusage counts what the
        kernel has accounted for in ticks."""
        tasks = pathlib.Path(f"/proc/{self.pid}/task")
        try:
            return {task.name: int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()}
        except OSError as error:
            self.check()
            raise Failure(f"the CPU time of the {self.name} cannot be read: {error}", self) from error

    def resident_bytes(self):
        """What it has of the machine's memory. Counted page by page: the kernel's own count may be behind."""
        try:
            text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError as error:
            self.check()
            raise Failure(f"the memory of the {self.name} cannot be read: {error}", self) from error
        return int(re.search(r"^Rss: +(\d+) kB", text, re.MULTILINE).group(1)) * 1024

    def stop(self, seconds=20):
        """Ends it in order; it is not looked after any more."""
        self.is_stopped = True
        self.process.terminate()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"the {self.name} has not ended after {seconds} s", self) from error
        if code != 0:
            raise Failure(f"the {self.name} ended with exit code {code}", self)

    def tail(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Children:
    """Stops what it started, last first, however the block is left."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.running = []

    def start(self, name, command, cpus):
        child = Child(name, command, self.directory / f"{name.replace(' ', '-')}.log", cpus)
        self.running.append(child)
        return child

    def check(self):
        for child in self.running:
            child.check()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self.running):
            if child.process.poll() is None:
                child.process.terminate()
        for child in reversed(self.running):
            try:
                child.process.wait(10)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
