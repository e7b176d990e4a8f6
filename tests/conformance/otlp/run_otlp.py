#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry's own classes, generated from its .proto files, decode our requests of spans to what was recorded, and
encode them to the same bytes. They read the same spans from our lines of OTLP/JSON, and Python's json reads our Chrome
trace, whose events say what those lines say.

usage: run_otlp.py RECORDED_REQUESTS

Exits with 77 when the classes are missing.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

from opentelemetry_classes import Failure, check, check_known

from otlp_json import message_of, parsed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData


class Text:
    """A span in the form of tests/support/otlp_expected.h."""

    def __init__(self, span):
        self.text = "    span\n"
        self.span(span)

    def begin(self, indent, name):
        self.text += f"      {indent}{name}\n"

    def line(self, indent, name, value):
        self.text += f"      {indent}{name}: {value}\n"

    def unless_default(self, indent, name, value):
        if value:
            self.line(indent, name, value.hex() if isinstance(value, bytes) else value)

    def any_value(self, indent, value):
        kind = value.WhichOneof("value")
        check(kind is not None, "a value is none")
        if kind == "array_value":
            self.begin(indent, "array")
            for element in value.array_value.values:
                self.begin(indent + "  ", "values")
                self.any_value(indent + "    ", element)
            return
        plain = getattr(value, kind)
        shown = {"bytes_value": lambda: plain.hex(), "bool_value": lambda: str(plain).lower(),
                 "double_value": lambda: struct.pack(">d", plain).hex()}.get(kind, lambda: str(plain))()
        self.line(indent, kind.removesuffix("_value"), shown)

    def attributes(self, indent, attributes):
        for attribute in attributes:
            self.begin(indent, "attribute")
            self.unless_default(indent + "  ", "key", attribute.key)
            self.begin(indent + "  ", "value")
            self.any_value(indent + "    ", attribute.value)

    def span(self, span):
        self.unless_default("", "trace_id", span.trace_id)
        self.unless_default("", "span_id", span.span_id)
        self.unless_default("", "trace_state", span.trace_state)
        self.unless_default("", "parent_span_id", span.parent_span_id)
        self.unless_default("", "name", span.name)
        self.line("", "kind", span.kind)
        self.line("", "start", span.start_time_unix_nano)
        self.line("", "end", span.end_time_unix_nano)
        self.attributes("", span.attributes)
        self.unless_default("", "dropped_attributes", span.dropped_attributes_count)
        for event in span.events:
            self.begin("", "event")
            self.line("  ", "time", event.time_unix_nano)
            self.unless_default("  ", "name", event.name)
            self.attributes("  ", event.attributes)
            self.unless_default("  ", "dropped_attributes", event.dropped_attributes_count)
        self.unless_default("", "dropped_events", span.dropped_events_count)
        for link in span.links:
            self.begin("", "link")
            self.unless_default("  ", "trace_id", link.trace_id)
            self.unless_default("  ", "span_id", link.span_id)
            self.unless_default("  ", "trace_state", link.trace_state)
            self.attributes("  ", link.attributes)
            self.unless_default("  ", "dropped_attributes", link.dropped_attributes_count)
            self.line("  ", "flags", link.flags)
        self.unless_default("", "dropped_links", span.dropped_links_count)
        if span.HasField("status"):
            self.begin("", "status")
            self.unless_default("  ", "message", span.status.message)
            self.line("  ", "code", span.status.code)
        self.line("", "flags", span.flags)


def check_resource(resource):
    attributes = {attribute.key: attribute.value for attribute in resource.attributes}
    check(list(attributes) == ["service.name", "numbers", "id"], "resource", list(attributes))
    check(attributes["service.name"].string_value == "größe\ufffd", "resource", attributes["service.name"])
    check([v.int_value for v in attributes["numbers"].array_value.values] == [1, -1], "resource numbers")
    check(attributes["id"].bytes_value == b"\xff\x00", "resource bytes")


def check_request(body, recorded):
    """The number of its spans. What it has is taken out of `recorded`."""
    request = ExportTraceServiceRequest.FromString(body)
    check_known(request)
    check(request.SerializeToString() == body, "OpenTelemetry's classes write other bytes")
    check(len(request.resource_spans) == 1, len(request.resource_spans), "resources")
    check_resource(request.resource_spans[0].resource)
    scopes = [(spans.scope.name, spans.scope.version) for spans in request.resource_spans[0].scope_spans]
    check(len(scopes) == len(set(scopes)), "a scope comes twice:", scopes)
    count = 0
    for scope_spans in request.resource_spans[0].scope_spans:
        for span in scope_spans.spans:
            expected = recorded.pop(span.span_id.hex())
            got = f"{scope_spans.scope.name}\n{scope_spans.scope.version}\n{Text(span).text}"
            check(got == expected, f"decoded:\n{got}\nrecorded:\n{expected}")
            count += 1
    return count


def check_json_lines(body, recorded):
    """The spans as their JSON has them, by id. What is there is taken out of `recorded`."""
    check(body.endswith(b"\n"), "no newline at the end")
    spans = {}
    for line in body.decode().split("\n")[:-1]:
        data = parsed(line)
        message = message_of(data, TracesData)
        [scope_spans] = message.resource_spans[0].scope_spans
        [span] = scope_spans.spans
        expected = recorded.pop(span.span_id.hex())
        got = f"{scope_spans.scope.name}\n{scope_spans.scope.version}\n{Text(span).text}"
        check(got == expected, f"JSON line:\n{got}\nrecorded:\n{expected}")
        [as_json] = data["resourceSpans"][0]["scopeSpans"][0]["spans"]
        spans[as_json["spanId"]] = scope_spans.scope.name, as_json
    return spans


def plain_value(value):
    """An AnyValue of OTLP as the Chrome trace shows it."""
    [(kind, plain)] = value.items()
    if kind == "arrayValue":
        return [plain_value(element) for element in plain["values"]]
    if kind == "intValue":
        return int(plain) if abs(int(plain)) <= 1 << 53 else plain
    return plain


def with_plain_attributes(value):
    if isinstance(value, list):
        return [with_plain_attributes(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {name: {pair["key"]: plain_value(pair["value"]) for pair in member} if name == "attributes" else
            with_plain_attributes(member) for name, member in value.items()}


def check_chrome_trace(body, spans):
    # Keys of attributes that are repaired may come to be the same, so names may stand twice here.
    *events, end = parsed(body.decode(), dict)
    check(end == {"ph": "M", "name": "process_name", "pid": 7, "args": {"name": 'recorded "requests"'}}, end)
    rows = {}
    for event in events:
        scope, span = spans.pop(event["args"]["spanId"])
        start, end = int(span["startTimeUnixNano"]), int(span.pop("endTimeUnixNano"))
        del span["flags"]
        expected = {"ph": "X", "name": span.pop("name", ""), "cat": scope, "pid": 7, "tid": event["tid"],
                    "ts": (start - 1_600_000_000_000_000_000) / 1000, "dur": max(end - start, 0) / 1000,
                    "args": with_plain_attributes(span)}
        check(json.dumps(event, sort_keys=True) == json.dumps(expected, sort_keys=True),
              f"event:\n{event}\nexpected:\n{expected}")
        check(rows.setdefault(event["tid"], span["traceId"]) == span["traceId"], "two traces have one row")
    check(not spans, len(spans), "spans are not in the Chrome trace")


def main(program):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([program, folder], check=True)
        recorded = {file.name.removeprefix("span-"): file.read_bytes().decode() for file in folder.glob("span-*")}
        check(len(recorded) == 1500, len(recorded), "spans were recorded")
        in_json = dict(recorded)
        lines = check_json_lines((folder / "spans.jsonl").read_bytes(), in_json)
        check(not in_json, len(in_json), "spans are not in the JSON lines")
        check_chrome_trace((folder / "trace.json").read_bytes(), lines)
        requests = list(folder.glob("request-*"))
        check(len(requests) > 5, "there are only", len(requests), "requests")
        spans = sum(check_request(file.read_bytes(), recorded) for file in requests)
        check(not recorded, len(recorded), "spans did not arrive")
        largest = max(file.stat().st_size for file in requests)
        check(largest <= 60_000, "a request has", largest, "bytes")
    print(f"{spans} spans in {len(requests)} requests: decoded to what was recorded, and encoded to the same bytes; "
          "the same spans in JSON lines and in a Chrome trace")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
