#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry's own classes, generated from its .proto files, decode our requests of metrics to what a visitor was
shown, told by the rules of OTLP, and encode them to the same bytes. For each temporality preference, with large and with
small requests; and all deltas together are the totals. They read the same from our lines of OTLP/JSON.

usage: run_otlp_metrics.py RECORDED_METRICS

Exits with 77 when the classes are missing.
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

from opentelemetry_classes import Failure, check, check_known

from otlp_json import message_of, parsed
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

READERS = ["cumulative", "delta", "lowmemory", "differences"]
ROUNDS = range(7)
ACCEPTED = [n for n in ROUNDS if n % 3 != 1]
LARGEST_SPLIT = 8000
SPLIT_SCOPE = ("shop\ufffd", "2.0", (("part", "cart \ufffd"), ("number", 7)), "https://example.com/1.0.0")

COUNTER, UP_DOWN, GAUGE, HISTOGRAM, EXPONENTIAL, INFO, STATE_SET = range(7)
UNITS = ["", "s", "By", "1", "Cel", "J", "W", "V", "A", "m", "g"]
DELTA, CUMULATIVE = 1, 2  # metrics.proto, AggregationTemporality


# ---- what a visitor was shown, by OTLP's rules ----

def text(digits):
    return bytes.fromhex(digits).decode("utf-8", "replace")


def real(value):
    return value if isinstance(value, float) else float.fromhex(value)


def number(value):
    """A double is shown in hexadecimal, which tells it from an integer."""
    if isinstance(value, str):
        return "double", real(value).hex()
    return ("int", value) if value < 1 << 63 else ("double", float(value).hex())


def attributes(labels):
    return [(text(key), text(value)) for key, value in labels if value]


class Shown:
    """One collection."""

    def __init__(self, collection):
        self.time = collection["time"]
        self.since = collection["since"]
        self.metrics = [metric for family in collection["families"] if (metric := self.metric(family))["points"]]

    def metric(self, family):
        kind = family["kind"]
        name = text(family["name"]) + ("_info" if kind == INFO else "")
        metric = {"name": f"{text(family['scope'])}.{name}" if family["scope"] else name,
                  "description": text(family["help"]), "unit": UNITS[family["unit"]],
                  "type": {COUNTER: "sum", UP_DOWN: "sum", HISTOGRAM: "histogram",
                           EXPONENTIAL: "exponential_histogram"}.get(kind, "gauge")}
        if metric["type"] != "gauge":
            metric["temporality"] = DELTA if family["delta"] else CUMULATIVE
        if metric["type"] == "sum":
            metric["is_monotonic"] = kind == COUNTER
        metric["points"] = [point for shown in family["points"] for point in self.points(family, metric, shown)]
        return metric

    def points(self, family, metric, shown):
        point = {"time": self.time, "start": 0, "attributes": attributes(shown["labels"])}
        if metric["type"] != "gauge":
            start = max(shown["born"], self.since) if family["delta"] else shown["born"]
            point["start"] = min(start, self.time)
        if family["kind"] == STATE_SET:
            return [{**point, "value": ("int", on), "exemplars": [],
                     "attributes": point["attributes"] + [(text(family["full_name"]), text(state))]}
                    for state, on in shown["states"]]
        if family["kind"] == INFO:
            return [{**point, "value": ("int", 1), "exemplars": []}]
        whole = isinstance(shown.get("value"), int)
        point["exemplars"] = [self.exemplar(exemplar, point["start"], whole) for exemplar in shown["exemplars"]]
        if "value" in shown:
            point["value"] = number(shown["value"])
            nothing = not point["value"][1] or point["value"][1] == (0.0).hex()
        else:
            self.histogram(point, family["kind"], shown)
            nothing = point["count"] == 0 and real(shown["sum"]) == 0
        return [] if nothing and metric.get("temporality") == DELTA else [point]

    @staticmethod
    def histogram(point, kind, shown):
        total = real(shown["sum"])
        for extremum in ("min", "max"):
            point[extremum] = real(shown[extremum]).hex() if extremum in shown else None
        point["sum"] = total.hex()
        if kind == EXPONENTIAL:
            buckets = shown["buckets"]
            point["count"] = sum(buckets) + shown["zero_count"]
            point.update(scale=shown["scale"], zero_count=shown["zero_count"], buckets=buckets,
                         offset=shown["offset"] if buckets else 0, zero_threshold=real(shown["zero_threshold"]).hex())
            return
        point["count"] = sum(shown["buckets"])
        merged = collections.OrderedDict()  # equal bounds are one
        for bound, count in zip([real(bound) for bound in shown["bounds"]] + [None], shown["buckets"]):
            merged[bound] = merged.get(bound, 0) + count
        point["bounds"] = [bound.hex() for bound in merged if bound is not None]
        point["buckets"] = list(merged.values())
        if total < 0 or any(real(bound) < 0 for bound in shown["bounds"]):
            point["sum"] = None

    def exemplar(self, shown, start, whole):
        value = real(shown["value"])
        return {"value": ("int", int(value)) if whole else ("double", value.hex()),
                "time": max(min(shown["time"], self.time), start), "trace_id": shown["trace_id"],
                "span_id": shown["span_id"], "attributes": attributes(shown["labels"])}


# ---- what OpenTelemetry's classes read ----

def read_number(message):
    kind = message.WhichOneof("value")
    check(kind is not None, "a number is missing")
    return ("int", message.as_int) if kind == "as_int" else ("double", message.as_double.hex())


def read_attributes(pairs):
    for pair in pairs:
        check(pair.value.WhichOneof("value") == "string_value", "an attribute is no text:", pair)
    check(len({pair.key for pair in pairs}) == len(pairs), "a key comes twice:", pairs)
    return [(pair.key, pair.value.string_value) for pair in pairs]


def read_exemplars(exemplars):
    return [{"value": read_number(e), "time": e.time_unix_nano, "trace_id": e.trace_id.hex(),
             "span_id": e.span_id.hex(), "attributes": read_attributes(e.filtered_attributes)} for e in exemplars]


def optional(message, name):
    return getattr(message, name).hex() if message.HasField(name) else None


def read_point(kind, message):
    point = {"time": message.time_unix_nano, "start": message.start_time_unix_nano,
             "attributes": read_attributes(message.attributes), "exemplars": read_exemplars(message.exemplars)}
    check(message.flags == 0, "flags")
    if kind in ("sum", "gauge"):
        return {**point, "value": read_number(message)}
    point.update(count=message.count, sum=optional(message, "sum"), min=optional(message, "min"),
                 max=optional(message, "max"))
    if kind == "histogram":
        check(len(message.bucket_counts) == len(message.explicit_bounds) + 1, "buckets without bounds")
        check(all(a < b for a, b in zip(message.explicit_bounds, message.explicit_bounds[1:])), "bounds do not rise")
        return {**point, "bounds": [bound.hex() for bound in message.explicit_bounds],
                "buckets": list(message.bucket_counts)}
    check(not message.HasField("negative"), "negative buckets")
    return {**point, "scale": message.scale, "zero_count": message.zero_count,
            "zero_threshold": message.zero_threshold.hex(), "offset": message.positive.offset,
            "buckets": list(message.positive.bucket_counts)}


def read_metric(message):
    kind = message.WhichOneof("data")
    data = getattr(message, kind)
    metric = {"name": message.name, "description": message.description, "unit": message.unit, "type": kind}
    if kind != "gauge":
        metric["temporality"] = data.aggregation_temporality
    if kind == "sum":
        metric["is_monotonic"] = data.is_monotonic
    check(len(data.data_points) != 0, "no points in", message.name)
    return {**metric, "points": [read_point(kind, point) for point in data.data_points]}


def read_request(body, scope):
    request = ExportMetricsServiceRequest.FromString(body)
    check_known(request)
    check(request.SerializeToString() == body, "OpenTelemetry's classes write other bytes")
    return read_metrics(request, scope)


def read_metrics(message, scope):
    [resource_metrics] = message.resource_metrics
    check(read_attributes(resource_metrics.resource.attributes) == [("service.name", "größe\ufffd")], "resource")
    [scope_metrics] = resource_metrics.scope_metrics
    attributes = tuple((pair.key, pair.value.int_value or pair.value.string_value)
                       for pair in scope_metrics.scope.attributes)
    check((scope_metrics.scope.name, scope_metrics.scope.version, attributes, scope_metrics.schema_url) == scope,
          "scope", scope_metrics.scope, scope_metrics.schema_url)
    metrics = [read_metric(metric) for metric in scope_metrics.metrics]
    names = [metric["name"] for metric in metrics]
    check(len(names) == len(set(names)), "a metric comes twice:", names)
    return metrics


def read_lines(body, scope):
    """One metric per line."""
    check(body.endswith(b"\n"), "no newline at the end")
    metrics = []
    for line in body.decode().split("\n")[:-1]:
        [metric] = read_metrics(message_of(parsed(line), MetricsData), scope)
        metrics.append(metric)
    return metrics


def read_collection(requests, scope):
    """Metrics whose points are in several requests are one again."""
    metrics = []
    for body in requests:
        for metric in read_request(body, scope):
            if metrics and metrics[-1]["name"] == metric["name"]:
                described = {**metric, "points": None}
                check(described == {**metrics[-1], "points": None}, "described in two ways:", described)
                metrics[-1]["points"] += metric["points"]
            else:
                metrics.append(metric)
    return metrics


# ---- comparing ----

def check_same(decoded, shown, where):
    names = [metric["name"] for metric in shown]
    check([metric["name"] for metric in decoded] == names, where, "metrics:", [m["name"] for m in decoded], names)
    for got, expected in zip(decoded, shown):
        check({**got, "points": None} == {**expected, "points": None}, where, f"decoded:\n{got}\nshown:\n{expected}")
        check(len(got["points"]) == len(expected["points"]), where, got["name"], len(got["points"]), "points")
        for got_point, expected_point in zip(got["points"], expected["points"]):
            check(got_point == expected_point, where, got["name"],
                  f"\ndecoded:\n{got_point}\nshown:\n{expected_point}")


def total_of(point):
    """What adds up: the value, or count, sum and the buckets that have any."""
    if "value" in point:
        kind, value = point["value"]
        return [value if kind == "int" else float.fromhex(value)]
    low = point.get("offset", 0)
    scale = point.get("scale")
    sums = [] if point["sum"] is None else [float.fromhex(point["sum"])]
    return [point["count"], *sums, +collections.Counter({(scale, low + i): n for i, n in enumerate(point["buckets"])})]


def added(total, more):
    return [a + b for a, b in zip(total, more)] if total else more


def close(a, b):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b)) if isinstance(a, float) or isinstance(b, float) else a == b


def series_of(metrics):
    return {(metric["name"], tuple(point["attributes"])): (metric, point) for metric in metrics
            if not metric["name"].startswith("fast_telemetry") for point in metric["points"]}


def check_totals(name, decoded):
    """All accepted deltas of a reader are what the cumulative one came to; what it was shown as totals is its last."""
    last = {}
    for metrics in decoded["cumulative"]:
        last.update(series_of(metrics))
    deltas, totals = {}, {}
    for n in ACCEPTED:
        for key, (metric, point) in series_of(decoded[name][n]).items():
            if metric.get("temporality") == DELTA:
                deltas[key] = added(deltas.get(key), total_of(point))
            else:
                totals[key] = total_of(point)
    for key, (metric, point) in last.items():
        if metric["type"] == "gauge":
            continue
        expected = total_of(point)
        got = deltas.get(key) or totals.get(key)
        if got is None:
            check(not any(expected), name, key, "has not arrived:", expected)
            continue
        check(all(close(a, b) for a, b in zip(got, expected)), name, key, "adds up to", got, "and is", expected)
    return len(deltas)


def check_preference(name, metrics):
    """O-70: what is a delta and what is not."""
    is_delta = {metric["name"]: metric.get("temporality") == DELTA for metric in metrics}
    counters = name != "cumulative"
    expected = {"shop.requests": counters, "shop.latency": counters, "shop.sizes": counters, "shop.users": counters,
                "shop.open": name == "differences", "shop.queued": name == "differences",
                "shop.observed": name in ("delta", "differences"), "shop.observed_level": name == "differences",
                "fast_telemetry.dropped_records": False}
    check({metric: is_delta[metric] for metric in expected} == expected, name, is_delta)


def main(program):
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        version = subprocess.run([program, folder], check=True, capture_output=True, text=True).stdout.strip()
        decoded = collections.defaultdict(list)
        requests = points = 0
        for name in [reader + split for reader in READERS for split in ("", "-split")]:
            is_split = name.endswith("-split")
            for n in ROUNDS:
                shown = Shown(json.loads((folder / f"{name}-{n}.json").read_text()))
                count = len(list(folder.glob(f"{name}-{n}-*")))
                bodies = [(folder / f"{name}-{n}-{i}").read_bytes() for i in range(count)]
                check(count >= 3 if is_split and n != 3 else count >= 1, name, n, "has", count, "requests")
                check(not is_split or max(map(len, bodies)) <= LARGEST_SPLIT, name, "a request is too large")
                metrics = read_collection(bodies, SPLIT_SCOPE if is_split else ("fast-telemetry", version, (), ""))
                check_same(metrics, shown.metrics, f"{name}, collection {n}:")
                decoded[name].append(metrics)
                if not is_split:
                    lines = read_lines((folder / f"{name}-{n}.jsonl").read_bytes(), ("fast-telemetry", version, (), ""))
                    check_same(lines, metrics, f"{name}, JSON of collection {n}:")
                requests += count
                points += sum(len(metric["points"]) for metric in metrics)
        for name in READERS:
            check(decoded[name] == decoded[name + "-split"], name, "has other metrics when it is split")
            check_preference(name, decoded[name][0])
        streams = sum(check_totals(name, decoded) for name in READERS)
        check(streams > 800, "only", streams, "streams of deltas")
    print(f"{points} points in {requests} requests: decoded to what was shown, and encoded to the same bytes; "
          f"the deltas of {streams} streams add up to the totals; lines of JSON say the same")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
