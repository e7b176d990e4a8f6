#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""VictoriaMetrics receives what an exporter of metrics sends, plain and compressed, and gives it back: names, labels,
values. It is away when the exporter begins, and goes and comes back later: nothing is lost.

It knows neither units nor exemplars nor start times, skips deltas, and answers 200 to much that it drops, so that only what
is read back counts. What else a request says is decoded by OpenTelemetry's own classes (run_otlp_metrics.py).

usage: run_victoria_metrics.py EXPORTER_TARGET

VictoriaMetrics is found through FT_VICTORIA_METRICS, or under build/peers, where tools/peers.sh puts it. Exits with 77 when
it is missing.
"""
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.error

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from peers import Failure, check, running, until  # noqa: E402
from victoria_metrics import VictoriaMetrics  # noqa: E402

COMPRESSIONS = ["none", "gzip"]
ZONE = 'größe "a"\\'

# Name, labels: the value after n rounds of what the target records.
SERIES = {
    ("shop.requests", ("method", "get")): lambda n: 3 * n,
    ("shop.requests", ("method", "put")): lambda n: 1_000_000_007 * n,
    ("shop.cost",): lambda n: 0.25 * n,
    ("shop.open",): lambda n: 3 * n,
    ("shop.limit",): lambda n: -1_234_567_890_123,
    ("shop.load",): lambda n: 0.125,
    ("shop.version_info", ("number", "1.2.3")): lambda n: 1,
    ("shop.state", ("shop_state", "get")): lambda n: 0,
    ("shop.state", ("shop_state", "put")): lambda n: 1,
    ("shop.change_bucket", ("le", "0.5")): lambda n: 2 * n,
    ("shop.change_bucket", ("le", "1")): lambda n: 3 * n,
    ("shop.change_bucket", ("le", "2.5")): lambda n: 4 * n,
    ("shop.change_bucket", ("le", "+Inf")): lambda n: 5 * n,
    ("shop.change_count",): lambda n: 5 * n,
    ("shop.change_sum",): lambda n: 103.5 * n,
    ("shop.sizes_count",): lambda n: 5 * n,
    ("shop.sizes_sum",): lambda n: 2111 * n,
}
# Of each value the bucket that has it, and how often it was recorded. VictoriaMetrics tells the bounds.
SIZES = {1: 1, 10: 1, 100: 1, 1000: 2}


class Receiver(VictoriaMetrics):
    def series(self):
        """Name and labels, but for those that all have: the values in the order of their times."""
        found = {compression: {} for compression in COMPRESSIONS}
        for labels, values in self.stored('{__name__=~"shop.+"}'):
            series = dict(labels)
            check(labels.pop("zone", None) == ZONE, "zone:", series)
            check(labels.pop("service.name", None) == "shop", "the resource:", series)
            compression, name = labels.pop("compression"), labels.pop("__name__")
            found[compression][(name, *sorted(labels.items()))] = values
        return found


class Target:
    def __init__(self, process):
        self.process = process

    def export(self):
        print("export", file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())["metrics"]
        check(answer["dropped"] == answer["rejected"] == answer["unconfirmed"] == 0, "the target says", answer)
        return answer


def check_buckets(series, rounds):
    buckets = {}
    for (name, *labels), values in series.items():
        if name != "shop.sizes_bucket":
            continue
        [(key, bounds)] = labels
        check(key == "vmrange", "a bucket of the exponential histogram is", labels)
        buckets[tuple(float(bound) for bound in bounds.split("..."))] = values[-1]
    for value, count in SIZES.items():
        holding = [found for (low, high), found in buckets.items() if low * (1 - 1e-3) < value <= high * (1 + 1e-3)]
        check(count * rounds in holding, value, "is in no bucket of", count * rounds, "but", buckets)
    check(sum(buckets.values()) == rounds * sum(SIZES.values()), "the buckets have", buckets)


def check_series(series, rounds, collections):
    """`collections`: how many rounds each that arrived tells of, in order."""
    for key, value in SERIES.items():
        got = series.get(key)
        check(got == [value(n) for n in collections], key, "is", got, "after", collections, "in", sorted(series))
    check_buckets(series, rounds)


def main(program):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiver = Receiver(folder)
        targets = []
        for compression in COMPRESSIONS:
            process = stack.enter_context(running(program, "values", f"{receiver.url}/opentelemetry", compression,
                                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            targets.append(Target(process))

        def expect(rounds, collections):
            found = receiver.series()
            for compression in COMPRESSIONS:
                check_series(found[compression], rounds, collections)

        check(all(target.export()["queued"] > 0 for target in targets), "nothing waits, though nobody listens")
        with receiver.runs():
            check(all(target.export()["queued"] == 0 for target in targets), "not delivered")
            until("two collections", lambda: expect(2, [1, 2]))
        check(all(target.export()["queued"] > 0 for target in targets), "nothing waits, though nobody listens")
        check(all(target.export()["queued"] > 0 for target in targets), "nothing waits, though nobody listens")
        with receiver.runs():
            check(all(target.export()["queued"] == 0 for target in targets), "not delivered")
            # Of an outage the first collection waits; what came later is in the one after it.
            until("all collections", lambda: expect(5, [1, 2, 3, 5]))
        receiver.check_log()
    print(f"{len(SERIES)} series and an exponential histogram read back, plain and compressed, over two outages")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (Failure, urllib.error.URLError) as failure:
        sys.exit(f"FAILED: {failure}")
