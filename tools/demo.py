"""./dev demo: an instrumented Redis proxy under real load, scraped by a real Prometheus, beside the same proxy without
telemetry. Everything runs on loopback ports of its own and ends with the demo.
"""
import argparse
import dataclasses
import functools
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

from demo import comparison, page
from demo.load import TESTS, Load, Proxy, Round, command_calls
from demo.processes import Children, Failure, free_port
from demo.prometheus import Prometheus

ROOT = pathlib.Path(__file__).resolve().parent.parent
PIPELINES = (1, 16)
TIME_LIMIT = 175  # seconds for everything; three minutes are promised

say = functools.partial(print, flush=True)


@dataclasses.dataclass
class Comparison:
    pipeline: int
    bare: list[Round]
    instrumented: list[Round]

    @property
    def overhead(self):
        return comparison.overhead([r.cpu_ns_per_request for r in self.bare],
                                   [r.cpu_ns_per_request for r in self.instrumented])

    @property
    def records_per_operation(self):
        return 2 + 2 / self.pipeline

    @staticmethod
    def mean(rounds, of):
        return statistics.mean(getattr(r, of) for r in rounds)


def peer(name):
    """Where tools/peers.sh has put a program."""
    variable = "FT_" + name.upper().replace("-", "_")
    path = pathlib.Path(os.environ.get(variable, ROOT / "build/peers/bin" / name))
    if not path.exists():
        raise Failure(f"{name} is not at {path}: ./dev demo gets it")
    return str(path)


def split_cpus():
    """CPUs for the proxies and for everything else. Kept apart, so that what is measured shares its CPU's caches and
    clock with as little as possible; on a machine with one CPU they cannot be."""
    cpus = sorted(os.sched_getaffinity(0))
    own = max(1, len(cpus) // 2) if len(cpus) < 4 else 2
    return (set(cpus[-own:]), set(cpus[:-own])) if len(cpus) > 1 else (set(cpus), set(cpus))


class Demo:
    def __init__(self, options, children):
        self.options = options
        self.children = children
        self.proxy_cpus, self.other_cpus = split_cpus()
        self.load = Load(peer("redis-benchmark"), self.other_cpus)
        self.sent = {"config": 0, **dict.fromkeys(TESTS, 0)}
        self.executed = {}

    def start(self):
        upstream = None if self.options.embedded else self.start_redis()
        self.instrumented = self.start_proxy("instrumented proxy", "ft_proxy", upstream)
        self.bare = self.start_proxy("bare proxy", "ft_proxy_bare", upstream)
        self.backend_port = upstream or self.instrumented.port
        self.prometheus = Prometheus(self.children, peer("prometheus"), self.instrumented.metrics_port, self.other_cpus)

    def start_redis(self):
        port = free_port()
        redis = self.children.start("redis-server", [
            peer("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(self.children.directory)], self.other_cpus)
        redis.wait_for("an answer to INFO", lambda: command_calls(port) is not None)
        return port

    def start_proxy(self, name, binary, upstream):
        path = pathlib.Path(self.options.build).resolve() / "examples/proxy" / binary
        if not path.exists():
            raise Failure(f"{path} is not built: ./dev demo builds it")
        ports = self.children.directory / f"{binary}.ports"
        command = [str(path), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--port-file", str(ports),
                   "--threads", str(len(self.proxy_cpus))]
        if upstream:
            command += ["--upstream", f"127.0.0.1:{upstream}"]
        child = self.children.start(name, command, self.proxy_cpus)
        child.wait_for("listening", ports.exists)
        return Proxy(child, *map(int, ports.read_text().split()))

    def round(self, proxy, pipeline, requests_per_test):
        if proxy is self.bare:
            return self.load.run(proxy, pipeline, requests_per_test)
        before = self.ask_backend()
        result = self.load.run(proxy, pipeline, requests_per_test)
        for command, calls in self.ask_backend().items():
            self.executed[command] = self.executed.get(command, 0) + calls - before.get(command, 0)
        for test in TESTS:
            self.sent[test] += requests_per_test
        self.sent["config"] += 2  # redis-benchmark asks for `save` and `appendonly` first
        return result

    def ask_backend(self):
        """Without INFO, which only the demo asks for. Of the embedded backend it asks through the proxy, where INFO is one
        of the commands labelled `other`."""
        if self.options.embedded:
            self.sent["other"] = self.sent.get("other", 0) + 1
            self.executed["other"] = self.executed.get("other", 0) + 1
        calls = command_calls(self.backend_port)
        calls.pop("info", None)
        return calls

    def compare(self, pipeline):
        """Alternating rounds in ABBA order, after one of each that is not counted."""
        size = 2000 * pipeline
        self.round(self.bare, pipeline, size)
        warm = self.round(self.instrumented, pipeline, size)
        size = max(1, round(warm.per_second * self.options.round_seconds / len(TESTS) / pipeline)) * pipeline
        result = Comparison(pipeline, [], [])
        pairs = self.options.pairs
        for pair in range(pairs):
            for proxy, rounds in [(self.bare, result.bare), (self.instrumented, result.instrumented)][::(-1) ** pair]:
                rounds.append(self.round(proxy, pipeline, size))
            bare, instrumented = result.bare[-1], result.instrumented[-1]
            change = 100 * (instrumented.cpu_ns_per_request / bare.cpu_ns_per_request - 1)
            say(f"  -P {pipeline:<2}  pair {pair + 1:>2} of {pairs}   CPU per operation {bare.cpu_ns_per_request / 1000:6.2f} µs "
                f"bare, {instrumented.cpu_ns_per_request / 1000:6.2f} µs with telemetry ({change:+5.1f} %)   "
                f"{page.number(instrumented.per_second)} operations/s")
        return result

    def watch(self):
        """One longer round that only the instrumented proxy gets, as Prometheus and as redis-benchmark saw it."""
        size = round(self.rate * 6 / len(TESTS) / 16) * 16
        result = self.round(self.instrumented, 16, size)
        end = time.time()
        self.prometheus.wait_for_sample_after(end)
        return {
            "benchmark_rate": result.per_second, "benchmark_p99_ms": result.p99_ms,
            "rate": self.prometheus.number("sum(rate(proxy_commands_total[4s]))", time=end),
            "p99": self.prometheus.number(
                "histogram_quantile(0.99, sum by (le) (rate(proxy_latency_seconds_bucket[4s])))", time=end),
        }

    def run(self):
        backend = "the embedded backend" if self.options.embedded else "redis-server"
        say(f"== starting {backend}, the proxy with and without telemetry, and Prometheus")
        load_average = os.getloadavg()[0]
        self.start()
        self.prometheus.wait_for_first_scrape()
        say(f"== redis-benchmark, {'/'.join(TESTS)}, through one proxy and the other in turn")
        results = {pipeline: self.compare(pipeline) for pipeline in PIPELINES}
        self.rate = Comparison.mean(results[16].instrumented, "per_second")
        say("== one round for Prometheus to watch")
        watched = self.watch()
        seen, not_ok = self.prometheus.commands()
        totals, different = page.agreement(self.sent, self.executed, seen, backend)
        self.show(results, watched, totals, load_average)
        if different or not_ok:
            what = [f"{command}: sent, executed and seen are not equal" for command in different]
            raise Failure("; ".join(what + [f"{not_ok} commands were not answered with success"] * bool(not_ok)))

    def show(self, results, watched, totals, load_average):
        cpus = lambda group: ("CPU " if len(group) == 1 else "CPUs ") + ", ".join(map(str, sorted(group)))
        apart = "all on one CPU" if self.proxy_cpus == self.other_cpus else (
            f"proxies on {cpus(self.proxy_cpus)}, everything else on {cpus(self.other_cpus)}")
        say(f"""
fast-telemetry: what telemetry costs a Redis proxy, and whether it counts right
{page.machine()}; {apart}; load average before the start {load_average:.2f}

What it costs (redis-benchmark -t {','.join(TESTS)}, means over alternating rounds)

{page.cost(results)}

Whether it counts right (every round through the instrumented proxy)

{totals}

What Prometheus saw of the last round, and redis-benchmark measured outside

  {page.number(watched['rate'] or 0)} operations per second over 4 s   {page.number(watched['benchmark_rate'])} as redis-benchmark has it
  p99 {page.milliseconds((watched['p99'] or 0) * 1000)} inside the proxy              {page.milliseconds(watched['benchmark_p99_ms'])} for the client

Where to look{'' if self.options.serve else ' (with ./dev demo --serve it all stays up)'}

  metrics     http://127.0.0.1:{self.instrumented.metrics_port}/metrics
  Prometheus  {self.prometheus.graph_url('sum by (command) (rate(proxy_commands_total[5s]))')}
  proxy       redis-cli -p {self.instrumented.port}
""")


def stop_after(seconds):
    def stop(*_):
        raise Failure(f"not finished after {seconds} s: this machine is too slow or too busy; try ./dev demo --quick")
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--embedded", action="store_true", help="no redis-server: the proxy's own key-value store answers")
    parser.add_argument("--serve", action="store_true", help="stay up after the page, until Ctrl-C")
    parser.add_argument("--quick", action="store_true", help="three short pairs: shows everything, measures little")
    parser.add_argument("--build", default=ROOT / "build/release", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.pairs, options.round_seconds = (3, 0.5) if options.quick else (20, 1.5)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stop_after(TIME_LIMIT)
    with tempfile.TemporaryDirectory(prefix="ft-demo-") as directory, Children(directory) as children:
        try:
            Demo(options, children).run()
            signal.alarm(0)
            if options.serve:
                say("Ctrl-C ends it.")
                signal.pause()
        except KeyboardInterrupt:
            say("ended")
            return 0 if options.serve else 130
        except Failure as failure:
            print(f"\ndemo failed: {failure}", file=sys.stderr)
            for child in [failure.child] if failure.child else children.running:
                print(f"--- the end of the log of {child.name}\n{child.tail()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
