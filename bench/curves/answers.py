# SPDX-License-Identifier: Apache-2.0
"""Fails when a curve does not run, counts wrong, or prints something else than points; checks no figure.

Usage: answers.py CURVES_BENCH
"""
import json
import subprocess
import sys

KEYS = {"curve": str, "x": (int, float), "series": str, "value": (int, float), "unit": str}
CURVES = ["threads", "series", "latency", "thread_churn", "fold", "encode", "simulated_fold", "simulated_memory"]


def problems(program, curve):
    done = subprocess.run([program, "--curve", curve, "--size", "check"], capture_output=True, text=True)
    if done.returncode != 0:
        yield f"exit {done.returncode}: {done.stderr.strip()}"
    points = [json.loads(line) for line in done.stdout.splitlines()]
    for point in points:
        if set(point) != set(KEYS) or not all(isinstance(point[key], kind) for key, kind in KEYS.items()):
            yield f"not a point: {point}"
        elif point["curve"] != curve or not point["value"] >= 0 or not point["series"] or not point["unit"]:
            yield f"a point that cannot be: {point}"
    drawn = [(point.get("series"), point.get("x"), point.get("unit")) for point in points]
    if len(set(drawn)) != len(drawn):
        yield "a point comes twice"
    if len({x for _, x, _ in drawn}) < 2:
        yield "no curve: fewer than two values of x"


def main():
    program = sys.argv[1]
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    found = [] if listed == CURVES else [f"curves: {listed}, expected {CURVES}"]
    for curve in listed:
        found += [f"{curve}: {problem}" for problem in problems(program, curve)]
    print("\n".join(found) or f"{len(listed)} curves ran and counted right")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
