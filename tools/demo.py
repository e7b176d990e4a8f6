"""./dev demo: an instrumented Redis proxy under real load, scraped by a real Prometheus, beside the same proxy without
telemetry, and beside one that traces every request. Everything runs on loopback ports of its own and ends with the
demo.
"""
import argparse
import concurrent.futures
import contextlib
import dataclasses
import functools
import itertools
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

from demo import comparison, page, tenants, tracing
from demo.load import TESTS, Load, Proxy, Round, command_calls
from demo.processes import Children, Failure, free_port
from demo.prometheus import Prometheus

ROOT = pathlib.Path(__file__).resolve().parent.parent
PIPELINES = (1, 16)
ROUND_SECONDS = 0.05  # of one test
TRACED_ROUND_SECONDS = 0.15  # so long that it hardly matters that the spans of the last 10 ms are drained after it
MIN_PAIRS = 10
MIN_TRIPLES = 6
SHOWN_PAIRS = 50  # of which each line of progress tells
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
        return 3 + 3 / self.pipeline

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
        self.load = Load(children, peer("redis-benchmark"), self.other_cpus)
        self.sent = {"config": 0, **dict.fromkeys(TESTS, 0)}
        self.executed = {}
        self.turn = 1

    def start(self):
        upstream = None if self.options.embedded else self.start_redis()
        self.instrumented = self.start_proxy("instrumented proxy", "ft_proxy", upstream)
        self.bare = self.start_proxy("bare proxy", "ft_proxy_bare", upstream)
        self.upstream = upstream
        self.backend_port = upstream or self.instrumented.port
        self.prometheus = Prometheus(self.children, peer("prometheus"), self.instrumented.metrics_port, self.other_cpus)

    def start_redis(self):
        port = free_port()
        redis = self.children.start("redis-server", [
            peer("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(self.children.directory)], self.other_cpus)
        redis.wait_for("answer to INFO", lambda: command_calls(port) is not None)
        return port

    def start_proxy(self, name, binary, upstream, *more):
        path = pathlib.Path(self.options.build).resolve() / "examples/proxy" / binary
        if not path.exists():
            raise Failure(f"{path} is not built: ./dev demo builds it")
        ports = self.children.directory / f"{name.replace(' ', '-')}.ports"
        command = [str(path), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--port-file", str(ports),
                   "--threads", str(len(self.proxy_cpus)), *more]
        if upstream:
            command += ["--upstream", f"127.0.0.1:{upstream}"]
        child = self.children.start(name, command, self.proxy_cpus)
        child.wait_for("port", ports.exists)
        return Proxy(child, *map(int, ports.read_text().split()))

    def round(self, proxy, pipeline, requests_per_test, tests=TESTS):
        if proxy is not self.instrumented:
            return self.load.run(proxy, pipeline, requests_per_test, tests)
        with self.counted(dict.fromkeys(tests, requests_per_test)):
            return self.load.run(proxy, pipeline, requests_per_test, tests)

    @contextlib.contextmanager
    def counted(self, sent, runs=1):
        """Adds what is sent through the instrumented proxy in so many runs of redis-benchmark, and what is executed."""
        # Both proxies have one redis-server; of an embedded backend each has its own, which is asked once, at the end.
        before = {} if self.options.embedded else command_calls(self.backend_port)
        yield
        if not self.options.embedded:
            self.add_executed(command_calls(self.backend_port), before)
        for command, calls in sent.items():
            self.sent[command] += calls
        self.sent["config"] += 2 * runs  # redis-benchmark asks for `save` and `appendonly` first

    def add_executed(self, after, before):
        """INFO is the demo's own question: redis-server gets it past the proxy, an embedded backend through it."""
        for command, calls in after.items():
            label = command if command in self.sent else "other"
            if command != "info" or self.options.embedded:
                self.executed[label] = self.executed.get(label, 0) + calls - before.get(command, 0)

    def compare(self, pipeline):
        """Alternating rounds of one test in ABBA order, after one of each that is not counted. Very many very short
        ones: the CPUs of a shared machine change their place and their neighbours within seconds, and what CPU time a
        request takes by a tenth; two rounds of a twentieth of a second mostly see the same."""
        size = 1000 * pipeline
        self.round(self.bare, pipeline, size)
        warm = self.round(self.instrumented, pipeline, size)
        size = self.requests_in(ROUND_SECONDS, warm.per_second, pipeline)
        result = Comparison(pipeline, [], [])
        end = time.monotonic() + self.options.seconds
        tests = itertools.cycle(TESTS)
        while time.monotonic() < end or len(result.bare) < MIN_PAIRS:
            test = next(tests)
            for proxy, rounds in [(self.bare, result.bare), (self.instrumented, result.instrumented)][::self.turn]:
                rounds.append(self.round(proxy, pipeline, size, (test,)))
            self.turn = -self.turn
            if len(result.bare) % SHOWN_PAIRS == 0:
                self.progress(result)
        return result

    @staticmethod
    def requests_in(seconds, per_second, pipeline):
        return max(1, round(per_second * seconds / pipeline)) * pipeline

    def trace(self):
        """The same with every request traced, by a third proxy that is there meanwhile only: for each depth of
        pipeline, and what became of the spans."""
        path = pathlib.Path(self.options.build).resolve() / "demo-trace.json"
        traced = self.start_proxy("tracing proxy", "ft_proxy", self.upstream, "--trace-file", str(path))
        spans_per_command = 1 if self.options.embedded else 2
        results = {pipeline: self.compare_traced(tracing.Traced(pipeline, spans_per_command), traced)
                   for pipeline in PIPELINES}
        return results, tracing.Accounting.of(traced, path)

    def compare_traced(self, result, traced):
        proxies = [(self.bare, result.bare), (self.instrumented, result.metrics), (traced, result.traced)]
        size = 1000 * result.pipeline
        warm = [self.round(proxy, result.pipeline, size) for proxy, _ in proxies][-1]
        size = self.requests_in(TRACED_ROUND_SECONDS, warm.per_second, result.pipeline)
        tests = itertools.cycle(TESTS)
        end = time.monotonic() + self.options.traced_seconds
        while time.monotonic() < end or len(result.traced) < MIN_TRIPLES:
            test = next(tests)
            for proxy, rounds in proxies[::self.turn]:
                rounds.append(self.round(proxy, result.pipeline, size, (test,)))
            self.turn = -self.turn
        say(result.progress())
        return result

    @staticmethod
    def progress(result):
        done = len(result.bare)
        bare = result.mean(result.bare[-SHOWN_PAIRS:], "cpu_ns_per_request")
        instrumented = result.mean(result.instrumented[-SHOWN_PAIRS:], "cpu_ns_per_request")
        per_second = result.mean(result.instrumented[-SHOWN_PAIRS:], "per_second")
        found = result.overhead
        say(f"  -P {result.pipeline:<2}  pairs {done - SHOWN_PAIRS + 1:>3} to {done:>3}   {page.microseconds(bare)} bare, "
            f"{page.microseconds(instrumented)} with telemetry   overhead so far {found.percent:+.2f} % "
            f"({found.low:+.2f} to {found.high:+.2f})   {page.number(per_second)} operations/s")

    def watch(self):
        """One longer round that only the instrumented proxy gets, as Prometheus and as redis-benchmark saw it."""
        size = self.requests_in(6 / len(TESTS), self.rate, 16)
        result = self.round(self.instrumented, 16, size)
        end = time.time()
        self.prometheus.wait_for_sample_after(end)
        return {
            "benchmark_rate": result.per_second, "benchmark_p99_ms": result.p99_ms,
            "rate": self.prometheus.number("sum(rate(proxy_commands_total[4s]))", time=end),
            "p99": self.prometheus.number(
                "histogram_quantile(0.99, sum by (le) (rate(proxy_latency_seconds_bucket[4s])))", time=end),
        }

    def attack(self):
        """Takes all places that are left with invented tenants; then very many more come, and one that stays."""
        proxy, load = self.instrumented, self.load
        invented, stays = "tenant__rand_int__:key", "latecomer:key"
        before = proxy.child.resident_bytes()
        seen = tenants.Tenants.seen_by(self.prometheus)
        room = seen.limit - seen.series
        with self.counted({"get": room}):
            load.get(proxy, invented, 1, room)
        self.prometheus.wait_for_sample_after(time.time())
        full = proxy.child.resident_bytes()
        many = self.requests_in(1 if self.options.quick else 4, self.rate, 16)
        few = many // 10
        with (self.counted({"get": many + few}, runs=2),
              concurrent.futures.ThreadPoolExecutor() as threads):
            # One at a time where the tenant is the same: what is answered together is one record, and the counter of
            # records could not be compared with the overflow series.
            for run in [threads.submit(load.get, proxy, key, pipeline, requests)
                        for key, pipeline, requests in ((invented, 16, many), (stays, 1, few))]:
                run.result()
        self.prometheus.wait_for_sample_after(time.time())
        return tenants.Attack(invented=room + many, latecomer=few, before=before, full=full,
                              after=proxy.child.resident_bytes(),
                              said=tenants.last_said(proxy.child.log.read_text(errors="replace")))

    def run(self):
        backend = "the embedded backend" if self.options.embedded else "redis-server"
        say(f"== starting {backend}, the proxy with and without telemetry, and Prometheus")
        load_average = os.getloadavg()[0]
        self.start()
        self.prometheus.wait_for_first_scrape()
        say(f"== redis-benchmark, {'/'.join(TESTS)}, through one proxy and the other in turn for "
            f"{2 * self.options.seconds} s: CPU time per operation")
        results = {pipeline: self.compare(pipeline) for pipeline in PIPELINES}
        self.rate = Comparison.mean(results[16].instrumented, "per_second")
        say(f"== the same beside a proxy that traces every request, for {2 * self.options.traced_seconds} s")
        traced, accounting = self.trace()
        say("== one round for Prometheus to watch")
        watched = self.watch()
        say("== a client that invents tenants")
        attack = self.attack()
        if self.options.embedded:
            self.add_executed(command_calls(self.backend_port), {})
            self.sent["other"] = 1
            self.prometheus.wait_for_sample_after(time.time())
        seen, not_ok = self.prometheus.commands()
        totals, different = page.agreement(self.sent, self.executed, seen, backend)
        attack.seen = tenants.Tenants.seen_by(self.prometheus)
        sent = sum(self.sent.values())
        self.show(results, tracing.page(traced, accounting), watched, totals, attack.page(sent), load_average)
        what = [f"{command}: sent, executed and seen are not equal" for command in different]
        what += [f"{not_ok} commands were not answered with success"] * bool(not_ok) + attack.problems(sent)
        what += accounting.problems(traced[1].spans_per_command)
        if what:
            raise Failure("; ".join(what))

    def show(self, results, traced, watched, totals, attack, load_average):
        def cpus(group):
            return ("CPU " if len(group) == 1 else "CPUs ") + ", ".join(map(str, sorted(group)))

        apart = "all on one CPU" if self.proxy_cpus == self.other_cpus else (
            f"proxies on {cpus(self.proxy_cpus)}, everything else on {cpus(self.other_cpus)}")
        seen = [("", "Prometheus, inside the proxy", "redis-benchmark, outside"),
                ("operations per second", page.number(watched["rate"] or 0), page.number(watched["benchmark_rate"])),
                ("latency p99", page.milliseconds((watched["p99"] or 0) * 1000),
                 page.milliseconds(watched["benchmark_p99_ms"]))]
        graph = self.prometheus.graph_url("sum by (command) (rate(proxy_commands_total[5s]))")
        say(f"""
fast-telemetry: what telemetry costs a Redis proxy, and whether it counts right
{page.machine()}; {apart}; load average before the start {load_average:.2f}

What it costs (redis-benchmark -t {','.join(TESTS)}, means over alternating rounds)

{page.cost(results)}

What it costs to trace every request as well (the same rounds, in turn with a third proxy)

{traced}

Whether it counts right (every round through the instrumented proxy)

{totals}

{attack}

What Prometheus saw of the last round (rate and histogram_quantile over 4 s)

{page.table(seen)}

Where to look{'' if self.options.serve else ' (with ./dev demo --serve it all stays up)'}

  metrics     http://127.0.0.1:{self.instrumented.metrics_port}/metrics
  Prometheus  {graph}
  proxy       redis-cli -p {self.instrumented.port}
""")


def stop_after(seconds):
    def stop(*_):
        raise Failure(f"not finished after {seconds} s: this machine is too slow or too busy; try ./dev demo --quick")
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--embedded", action="store_true",
                        help="no redis-server: the proxy's own key-value store answers")
    parser.add_argument("--serve", action="store_true", help="stay up after the page, until Ctrl-C")
    parser.add_argument("--quick", action="store_true",
                        help="three quarters of a minute: shows everything, measures less exactly")
    parser.add_argument("--build", default=ROOT / "build/release", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.seconds = 8 if options.quick else 50  # of rounds, for each depth of pipeline
    options.traced_seconds = 5 if options.quick else 15

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
            if failure.child:
                print(f"--- the end of the log of the {failure.child.name}:\n{failure.child.tail()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
