# SPDX-License-Identifier: Apache-2.0
"""That span_contention_bench runs everything it lists, very briefly, and accounts for every span. What it costs is not
looked at. The only argument is the program."""

import json
import sys

from answers import check, check_all, check_surroundings, check_wrong_options, execute, is_a

KEYS = {
    "program": str, "subject": str, "scenario": str, "mode": str, "spans_per_op": int, "threads": int, "iters": int,
    "affinity": str, "export_interval_ms": int, "operations": int, "record_s": float, "total_s": float,
    "ops_per_s": float, "writer_ns_per_op": float, "wall_ns_per_op": float, "cpu_user_s": float, "cpu_system_s": float,
    "cpu_ns_per_op": float, "average_cores": float, "ops_per_cpu_s": float, "exports": int, "export_ms": float,
    "export_bytes": int, "round_trip_before_ns": float, "round_trip_after_ns": float,
    "work_before_ns": float, "work_after_ns": float, "recorded": int,
    "sampled_out": int, "dropped": int, "delivered": int, "sustained_spans_per_s": float, "tries": int,
    "expected": int, "found": int, "verified": bool, "subject_version": str, "compiler": str, "settings": str}
ONLY_SUSTAINED = {"sustained_spans_per_s", "tries"}
SPANS = {"root": 1, "lifecycle": 2, "pipeline": 4}
WRONG = [
    (["--subject", "nobody"], "no nobody, but"),
    (["--scenario", "leaf"], "--scenario"),
    (["--mode", "slow"], "--mode"),
    (["--export-interval-ms", "0"], "nobody exports"),
    (["--unknown"], "--unknown"),
]


def measure(row, *args):
    """One run, whose line is looked at and returned."""
    command = [f"--{key}={row[key]}" for key in ("subject", "scenario", "mode")] + list(args)
    done = execute(*command)
    what = f"{' '.join(command)}: {done.stdout}{done.stderr}"
    check(done.returncode == 0, what)
    line = json.loads(done.stdout)
    keys = [key for key in KEYS if row["mode"] == "sustained" or key not in ONLY_SUSTAINED]
    check(list(line) == keys, f"{what}: {set(line) ^ set(keys)}")
    for key in keys:
        check(is_a(line[key], KEYS[key]), f"{key} of {what}")
    check(all(line[key] == row[key] for key in row), what)
    check(line["program"] == "span_contention" and line["compiler"] and line["settings"], what)
    spans = line["operations"] * SPANS[row["scenario"]]
    check(line["verified"] and line["spans_per_op"] == SPANS[row["scenario"]], what)
    check(line["operations"] == line["iters"] * line["threads"], what)
    check(spans == line["recorded"] == line["delivered"] == line["expected"] == line["found"], what)
    check(line["dropped"] == line["sampled_out"] == 0, what)
    check(line["exports"] > 0 and line["export_bytes"] > 0 and line["writer_ns_per_op"] > 0, what)
    check_surroundings(line, what)
    check(0 < line["record_s"] <= line["total_s"], what)
    return line


def check_rows():
    rows = [json.loads(line) for line in execute("--list").stdout.splitlines()]
    fast = {(row["scenario"], row["mode"]) for row in rows if row["subject"] == "fast"}
    check(fast == {(scenario, mode) for scenario in SPANS for mode in ("burst", "sustained")}, fast)
    for row in rows:
        # Several times the spans that may be on their way; and, sustained, no more than the buffers hold.
        iters = 40007 if row["mode"] == "burst" else 5003
        line = measure(row, "--threads=3", f"--iters={iters}", "--export-interval-ms=1", "--affinity=round_robin")
        check(line["iters"] == iters and line["affinity"] == "round_robin", line)
    print(f"{len(rows)} combinations")


def check_drops():
    """Four writers as fast as they can, and twice what the buffers hold: some tries drop, and account for it."""
    line = measure({"subject": "fast", "scenario": "pipeline", "mode": "sustained"}, "--threads=4", "--iters=100000")
    check(line["tries"] > 1, line)
    check(line["sustained_spans_per_s"] > 0, line)


if __name__ == "__main__":
    sys.exit(check_all([check_rows, check_drops, lambda: check_wrong_options("span_contention_bench", WRONG)]))
