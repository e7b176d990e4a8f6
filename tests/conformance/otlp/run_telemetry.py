#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program that only makes a Telemetry of what the environment says is read back from a real receiver: what it recorded
arrives at its end, with the resource that was found and told. Without a receiver it ends as well.

usage: run_telemetry.py EXAMPLE   (examples/05_telemetry.cc, which counts lines of its input)
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from peers import Failure, check, until  # noqa: E402
from victoria_metrics import VictoriaMetrics  # noqa: E402

LINES = 12_345


def run(program, **environment):
    """What it said: nothing, if all went well."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DD_"))}
    done = subprocess.run([program], input="line\n" * LINES, text=True, capture_output=True, timeout=60,
                          env={**variables, "OTEL_TRACES_EXPORTER": "none", **environment})
    check(done.returncode == 0, "it ended with", done.returncode, done.stderr)
    return done.stderr


def expect(receiver, program):
    found = list(receiver.stored('{__name__="lines"}'))
    check(len(found) == 1, "series of lines:", found)
    [(labels, values)] = found
    check(values == [LINES], "lines are", values)
    for key, value in {"service.name": "counter of lines", "zone": "a,b", "telemetry.sdk.name": "fast-telemetry",
                       "telemetry.sdk.language": "cpp", "process.executable.name": pathlib.Path(program).name}.items():
        check(labels.get(key) == value, key, "is", labels.get(key))
    for key in ("service.instance.id", "host.name", "telemetry.sdk.version", "process.pid"):
        check(labels.get(key), key, "is missing")


def main(program):
    with contextlib.ExitStack() as stack:
        receiver = VictoriaMetrics(pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())))
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{receiver.url}/opentelemetry",
                       "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "gzip", "OTEL_SERVICE_NAME": "counter of lines",
                       "OTEL_RESOURCE_ATTRIBUTES": "zone=a%2Cb,service.name=no"}
        said = run(program, **environment)  # nobody listens
        check("\nruntime: otlp_metrics ended incomplete: items dropped then: " in said, "of its loss it said", said)
        with receiver.runs():
            said = run(program, **environment)
            check(not said, "though all went well, it said", said)
            until("the lines", lambda: expect(receiver, program))
        receiver.check_log()
    print(f"{LINES} lines read back, with the resource; without a receiver the program ended, too")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (Failure, urllib.error.URLError) as failure:
        sys.exit(f"FAILED: {failure}")
