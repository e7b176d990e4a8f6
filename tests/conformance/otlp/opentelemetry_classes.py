# SPDX-License-Identifier: Apache-2.0
"""Makes OpenTelemetry's own classes, generated from its .proto files, importable; what the tests with them share.

They are found through FT_OTLP_PROTO, or under build/peers, where tools/peers.sh puts them. Exits with 77 when they are
missing.
"""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGES = pathlib.Path(os.environ.get("FT_OTLP_PROTO") or ROOT / "build/peers/unpacked/usr/lib/python3/dist-packages")
if not (PACKAGES / "opentelemetry/proto/collector/trace/v1/trace_service_pb2.py").exists():
    print(f"SKIPPED: {PACKAGES} has no OpenTelemetry classes; run tools/peers.sh or set FT_OTLP_PROTO")
    sys.exit(77)
os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"  # the other one is built for one version of Python
sys.path.insert(0, str(PACKAGES))


class Failure(Exception):
    pass


def check(condition, *what):
    if not condition:
        raise Failure(" ".join(str(part) for part in what))


def check_known(message):
    """No message in it has a field that OpenTelemetry's files do not know."""
    check(len(message.UnknownFields()) == 0, "unknown fields in", type(message).__name__)
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in value if field.label == field.LABEL_REPEATED else [value]:
            check_known(part)
