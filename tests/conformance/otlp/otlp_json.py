# SPDX-License-Identifier: Apache-2.0
"""Reads OTLP/JSON with protobuf's own reader. To be imported after opentelemetry_classes."""
import base64
import json

from opentelemetry_classes import Failure, check

from google.protobuf import json_format

# 64 bits are strings, everything else is a number.
STRINGS = {"startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "asInt", "intValue", "count", "zeroCount"}


def no_name_twice(pairs):
    members = dict(pairs)
    check(len(members) == len(pairs), "a name stands twice in", [name for name, _ in pairs])
    return members


def no_constant(name):
    raise Failure(f"{name} is not JSON")


def parsed(text, pairs=no_name_twice):
    return json.loads(text, object_pairs_hook=pairs, parse_constant=no_constant)


def with_ids_as_protobuf(value):
    """The same JSON as protobuf's own mapping has it. OTLP differs in that ids are hexadecimal."""
    if isinstance(value, list):
        return [with_ids_as_protobuf(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {name: base64.b64encode(bytes.fromhex(member)).decode()
            if name in ("traceId", "spanId", "parentSpanId") else with_ids_as_protobuf(member)
            for name, member in value.items()}


def check_strings(value):
    """protobuf's reader takes numbers, too, where OTLP wants a string."""
    for element in value if isinstance(value, list) else value.values() if isinstance(value, dict) else []:
        check_strings(element)
    if isinstance(value, dict):
        for name, member in value.items():
            check(name not in STRINGS or isinstance(member, str), name, "is no string")
            check(name != "bucketCounts" or all(isinstance(count, str) for count in member), "counts are no strings")


def message_of(data, message_class):
    """Refuses unknown names and enums that are none; checks the type of each value."""
    check_strings(data)
    return json_format.ParseDict(with_ids_as_protobuf(data), message_class())
