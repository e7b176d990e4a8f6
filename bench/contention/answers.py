# SPDX-License-Identifier: Apache-2.0
"""That contention_bench runs everything it lists, very briefly, and computes what it should. What it costs is not looked
at. The only argument is the program."""

import json
import os
import subprocess
import sys

KEYS = {
    "program": str, "subject": str, "entity": str, "access": str, "profile": str, "labels": int, "threads": int,
    "iters": int, "affinity": str, "export_interval_ms": int, "operations": int, "record_s": float, "total_s": float,
    "ops_per_s": float, "writer_ns_per_op": float, "wall_ns_per_op": float, "cpu_user_s": float, "cpu_system_s": float,
    "cpu_ns_per_op": float, "average_cores": float, "ops_per_cpu_s": float, "exports": int, "export_ms": float,
    "export_bytes": int, "round_trip_before_ns": float, "round_trip_after_ns": float,
    "work_before_ns": float, "work_after_ns": float, "expected": int, "found": int,
    "verified": bool, "subject_version": str, "compiler": str, "settings": str}
ENTITIES = {
    "counter", "distribution", "dynamic_counter", "dynamic_distribution", "dynamic_gauge", "dynamic_gauge_i64",
    "dynamic_histogram", "histogram", "labeled_counter", "labeled_gauge", "labeled_histogram", "counter_set",
    "dynamic_counter_set"}
WRONG = [
    (["--subject", "nobody"], "no nobody, but"),
    (["--subject", "atomic", "--entity", "distribution"], "atomic has no distribution by handle"),
    (["--entity", "counter", "--access", "labels"], "fast has no counter by labels"),
    (["--entity", "thermometer"], "thermometer"),
    (["--threads", "0"], "--threads"),
    (["--labels", "0"], "--labels"),
    (["--labels", "257"], "--labels"),
    (["--profile", "random"], "--profile"),
    (["--iters", "5", "--seconds", "1"], "excludes"),
    (["--export-interval-ms", "-1"], "--export-interval-ms"),
    (["--unknown"], "--unknown"),
]


class Failed(Exception):
    pass


def execute(*args):
    return subprocess.run([sys.argv[1], *args], capture_output=True, text=True, timeout=60)


def check(condition, what):
    if not condition:
        raise Failed(what)


def is_a(value, kind):
    return isinstance(value, (int, float) if kind is float else kind) and (kind is bool or not isinstance(value, bool))


def measure(row, *args):
    """One run, whose line is looked at and returned."""
    command = [f"--{key}={row[key]}" for key in ("subject", "entity", "access")] + list(args)
    done = execute(*command)
    what = f"{' '.join(command)}: {done.stdout}{done.stderr}"
    check(done.returncode == 0, what)
    line = json.loads(done.stdout)
    check(list(line) == list(KEYS), f"{what}: {set(line) ^ set(KEYS)}")
    for key, kind in KEYS.items():
        check(is_a(line[key], kind), f"{key} of {what}")
    check(all(line[key] == row[key] for key in row), what)
    check(line["program"] == "contention" and line["compiler"] and line["settings"], what)
    check(line["verified"] and line["expected"] == line["found"] > 0, what)
    check(line["operations"] == line["iters"] * line["threads"], what)
    if "gauge" not in row["entity"]:
        check(line["found"] == line["operations"] * (4 if row["entity"].endswith("_set") else 1), what)
    check(0 < line["record_s"] <= line["total_s"], what)
    check(line["writer_ns_per_op"] > 0 and line["cpu_user_s"] + line["cpu_system_s"] >= 0, what)
    check_surroundings(line, what)
    return line


def check_surroundings(line, what):
    two = len(os.sched_getaffinity(0)) > 1
    for when in ("before", "after"):
        check((line[f"round_trip_{when}_ns"] > 0) == two and line[f"work_{when}_ns"] > 0, what)


def check_rows():
    rows = [json.loads(line) for line in execute("--list").stdout.splitlines()]
    check({row["entity"] for row in rows if row["subject"] == "fast"} == ENTITIES, "this library is measured with all")
    check(len({tuple(row.values()) for row in rows}) == len(rows), "a row is listed twice")
    for row in rows:
        line = measure(row, "--threads=2", "--iters=2000", "--export-interval-ms=1", "--labels=5")
        check(line["iters"] == 2000 and line["exports"] > 0 and line["export_bytes"] > 0, f"{row}: {line}")
    print(f"{len(rows)} combinations")


def check_options():
    fast = {"subject": "fast", "entity": "labeled_counter", "access": "handle"}
    # Longer than a sequence, and no multiple of it.
    for profile in ("uniform", "hotspot", "churn"):
        for entity in ("labeled_counter", "labeled_gauge", "labeled_histogram"):
            for labels in (1, 256):
                line = measure({**fast, "entity": entity}, f"--profile={profile}", f"--labels={labels}", "--threads=3",
                               "--iters=150007", "--affinity=round_robin")
                check((line["profile"], line["labels"], line["affinity"]) == (profile, labels, "round_robin"), line)
    line = measure(fast, "--threads=1", "--seconds=0.1", "--export-interval-ms=0")
    check(line["exports"] == 0 and line["export_ms"] == 0, line)
    check(line["writer_ns_per_op"] * line["iters"] < 10e9, f"asked for 0.1 seconds: {line}")
    # Nobody else uses the CPU: two clocks agree, unless the warm-up is in one of them.
    check(0.95 < line["writer_ns_per_op"] / line["cpu_ns_per_op"] < 1.05, line)


def check_wrong_options(program, wrong):
    for args, words in wrong:
        done = execute("--iters=10", *args) if "--iters" not in args else execute(*args)
        check(done.returncode == 2 and not done.stdout, f"{args}: status {done.returncode}, {done.stdout}")
        check(words in done.stderr and done.stderr.startswith(f"{program}: ") and done.stderr.count("\n") == 1,
              f"{args}: {done.stderr}")


def check_all(checks):
    """The exit code of the test."""
    try:
        for check_one in checks:
            check_one()
    except (Failed, subprocess.TimeoutExpired, json.JSONDecodeError) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(check_all([check_rows, check_options, lambda: check_wrong_options("contention_bench", WRONG)]))
