#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exporters of metrics with every temporality preference and one of spans run at once, while threads record, against a
receiver that often fails. It decodes what it took with OpenTelemetry's own classes, generated from its .proto files: the
deltas of each preference, the totals, and the spans are exactly what was recorded.

usage: run_otlp_exporters.py EXPORTER_TARGET

Exits with 77 when the classes are missing.
"""
import collections
import gzip
import http.server
import json
import subprocess
import sys
import threading

from opentelemetry_classes import Failure, check, check_known
from run_otlp_metrics import CUMULATIVE, DELTA, added, close, read_metric, total_of

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    taken = collections.defaultdict(list)  # by path
    seen = collections.Counter()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        check(self.headers["Content-Encoding"] == "gzip", "not compressed")
        with self.lock:
            self.seen[self.path] += 1
            number = self.seen[self.path]
            if number % 5 not in (2, 4):
                self.taken[self.path].append(gzip.decompress(body))
        if number % 5 == 4:  # without an answer, and without having taken it
            self.close_connection = True
            return
        self.send_response(503 if number % 5 == 2 else 200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def metrics_of(path):
    for body in Receiver.taken[path]:
        request = ExportMetricsServiceRequest.FromString(body)
        check_known(request)
        [resource_metrics] = request.resource_metrics
        [scope_metrics] = resource_metrics.scope_metrics
        check(scope_metrics.scope.name == "fast-telemetry", "scope", scope_metrics.scope)
        yield [read_metric(metric) for metric in scope_metrics.metrics]


def streams_of(path):
    """By name and attributes: the metric, its points in the order they came."""
    streams = collections.defaultdict(list)
    for metrics in metrics_of(path):
        for metric in metrics:
            for point in metric["points"]:
                streams[metric["name"], tuple(point["attributes"])].append((metric, point))
    return streams


def check_windows(where, points):
    """Deltas follow on each other, and totals begin at one time."""
    for (metric, before), (_, after) in zip(points, points[1:]):
        check(before["time"] < after["time"], where, "comes twice, or late")
        if metric["temporality"] == DELTA:
            check(before["time"] <= after["start"] < after["time"], where, "windows overlap:", before, after)
        else:
            check(before["start"] == after["start"], where, "began anew")
    check(all(0 < point["start"] <= point["time"] for _, point in points), where, "has no start")


def expected(result):
    """Totals of one writer's operations, times the writers."""
    writers, operations = result["writers"], result["operations"]
    numbers = range(operations)
    bounds = [10, 100, 500]
    buckets = collections.Counter(sum(n % 1000 > bound for bound in bounds) for n in numbers)
    totals = {("shop.requests", (("method", "get"),)): [operations // 2 * writers],
              ("shop.requests", (("method", "put"),)): [operations // 2 * writers],
              ("shop.open", ()): [writers * (operations // 4 * 2)],
              ("shop.observed", ()): [writers * operations],
              ("shop.latency", ()): [writers * operations, float(writers * sum(n % 1000 for n in numbers)),
                                     collections.Counter({(None, i): writers * n for i, n in buckets.items()})]}
    users = collections.Counter()
    for n in numbers:
        users[n % 50] += n * writers
    totals.update({("shop.users", (("user", str(user)),)): [total] for user, total in users.items() if total})
    return totals


def check_metrics(path, result):
    streams = streams_of(path)
    totals = expected(result)
    for key, total in totals.items():
        points = streams[key]
        check(points, path, key, "has not arrived")
        check_windows((path, key), points)
        got = None
        is_delta = points[0][0]["temporality"] == DELTA
        for _, point in points:
            got = added(got, total_of(point)) if is_delta else total_of(point)
        check(all(close(a, b) for a, b in zip(got, total)), path, key, "is", got, "and not", total)
        wanted = {"/cumulative/v1/metrics": CUMULATIVE,
                  "/delta/v1/metrics": CUMULATIVE if key[0] == "shop.open" else DELTA,
                  "/low_memory/v1/metrics": CUMULATIVE if key[0] in ("shop.open", "shop.observed") else DELTA}[path]
        check(points[0][0]["temporality"] == wanted, path, key, "has the other temporality")
    sizes = [point for _, point in streams["shop.sizes", ()]]
    count = sum(point["count"] for point in sizes) if path != "/cumulative/v1/metrics" else sizes[-1]["count"]
    check(count == result["writers"] * result["operations"], path, "sizes:", count)
    # Of no registry: since the process was started, before any of the program's own.
    for name in ("fast_telemetry.dropped_records", "process.cpu"):
        found = [point for (family, _), points in streams.items() if family == name for _, point in points]
        check(found, path, name, "is missing")
        first = min(point["start"] for point in sizes)
        check(all(0 < point["start"] <= first for point in found), path, name, "starts", found[0], "after", first)
    return sum(map(len, streams.values()))


def check_spans(result):
    numbers = collections.Counter()
    for body in Receiver.taken["/spans/v1/traces"]:
        request = ExportTraceServiceRequest.FromString(body)
        check_known(request)
        [resource_spans] = request.resource_spans
        [scope_spans] = resource_spans.scope_spans
        check(scope_spans.scope.name == "shop", "scope", scope_spans.scope)
        for span in scope_spans.spans:
            check(span.name == "operation" and len(span.trace_id) == 16, "span", span)
            [attribute] = span.attributes
            numbers[attribute.value.int_value] += 1
    wanted = {writer * result["operations"] + n for writer in range(result["writers"])
              for n in range(0, result["operations"], result["per_span"])}
    check(set(numbers) == wanted, len(numbers), "of", len(wanted), "spans arrived")
    check(max(numbers.values()) == 1, "a span came twice")
    return len(wanted)


def main(program):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        output = subprocess.run([program, "threads", url], check=True, capture_output=True, text=True).stdout
    finally:
        server.shutdown()
    result = json.loads(output)
    for name in ("cumulative", "delta", "low_memory", "spans"):
        info = result[name]
        check(info["items"] == info["delivered"] and info["retries"] > 0, name, "says", info)
    points = 0
    for name in ("cumulative", "delta", "low_memory"):
        arrived = check_metrics(f"/{name}/v1/metrics", result)
        check(arrived == result[name]["items"], name, arrived, "points arrived, of", result[name]["items"])
        points += arrived
    spans = check_spans(result)
    print(f"{points} points in {sum(map(len, Receiver.taken.values()))} requests add up with each preference, "
          f"{spans} spans came once each, over {sum(Receiver.seen.values())} attempts")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
