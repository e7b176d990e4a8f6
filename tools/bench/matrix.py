# SPDX-License-Identifier: Apache-2.0
"""Runs a matrix and makes its result: a row per program, subject and settings, of interleaved runs."""
import json
import math
import os
import statistics
import sys
import time

from bench import curves, figures, host, placement, plan, programs, report, verdicts
from bench.cases import FIGURE
from bench.programs import Failed, progress

# What runs of one row may differ in; everything else is said once.
JUDGED = (FIGURE, "sustained_spans_per_s")  # with all runs and their spread; of what follows, the medians are kept
MEASURED = (*JUDGED, "wall_ns_per_op", "cpu_ns_per_op", "ops_per_s", "ops_per_cpu_s", "average_cores",
            "cpu_user_s", "cpu_system_s", "record_s", "total_s", "exports", "export_ms", "export_bytes")
AGAIN_S = 200  # how long rows that lack undisturbed runs are run again, at most
COUNTED = ("operations", "expected", "found", "recorded", "sampled_out", "dropped", "delivered")


def run_row(build, row):
    """One run, as a process of its own."""
    what = f"{row.key} ({row.program} {' '.join(row.arguments)})"
    lines = build.lines(row.program, row.arguments, what)
    if len(lines) != 1:
        raise Failed(f"{what}: {len(lines)} lines instead of one")
    if lines[0].get("verified") is not True:
        raise Failed(f"{what}: not verified: {json.dumps(lines[0])}")
    return lines[0]


def measure(builds, rows, rounds, limit_s=math.inf):
    """Runs by row. Every round begins at another row, so that a slow minute of the machine does not fall on one row."""
    begin = time.monotonic()
    by_name = {build.name: build for build in builds}
    runs = {row: [] for row in rows}

    def run_round(title, chosen, start):
        for i, row in enumerate(chosen[start:] + chosen[:start]):
            progress(f"{title}: {i + 1} of {len(chosen)}")
            runs[row].append(run_row(by_name[row.build], row))

    for number in range(rounds):
        chosen = [row for row in rows if number % row.every == 0]
        run_round(f"round {number + 1} of {rounds}", chosen, number * len(chosen) // rounds)
    end = min(time.monotonic() + AGAIN_S, begin + limit_s)
    while time.monotonic() < end and (chosen := placement.lacking(runs, {row: row.planned(rounds) for row in rows})):
        run_round("again, for undisturbed runs", chosen, 0)
    progress()
    return runs


def row_result(row, runs, limits, rounds):
    """Figures of the runs in one place, those of the other beside them; counts of all runs together."""
    varying = (*MEASURED, *COUNTED, *placement.OBSERVED)
    constant = {name: value for name, value in runs[0].items() if name not in varying}
    place, chosen, others = placement.chosen(runs, limits, row.planned(rounds))
    return {
        "key": row.key, "build": row.build, **constant, **dict(row.facts),
        "command": " ".join((row.program, *row.arguments)),
        **{name: sum(run[name] for run in runs) for name in COUNTED if name in runs[0]},
        "placement": place, **figures_of(chosen),
        **({"elsewhere": {"placement": placement.FAR, **figures_of(others)}} if others else {}),
    }


def rows_result(runs, rounds):
    every = [run for row_runs in runs.values() for run in row_runs]
    limits = placement.limits_of(every)
    return {"placements": placement.of_all(every, limits),
            "rows": [row_result(row, row_runs, limits, rounds) for row, row_runs in runs.items()]}


def figures_of(runs):
    columns = {name: [run[name] for run in runs] for name in MEASURED if name in runs[0]}
    judged = {name: columns[name] for name in JUDGED if name in columns}
    return {
        "summary": {name: {key: figures.rounded(value) for key, value in figures.summary(values).items()}
                    for name, values in judged.items()},
        "medians": {name: figures.rounded(statistics.median(values)) for name, values in columns.items()},
        "runs": {name: [figures.rounded(value) for value in values] for name, values in judged.items()},
    }


def run(args, command):
    """Measures, writes the result and the report. The exit code, and the result if there is one."""
    state = host.observe()
    amiss = host.warnings(state)
    for warning in amiss:
        print(f"preflight: {warning}", file=sys.stderr)
    if amiss and args.strict_preflight:
        print("preflight: the machine is not quiet; nothing was measured", file=sys.stderr)
        return 1, None
    result = measured(args, command, state)
    path = args.out or host.ROOT / f"build/bench/matrix-{args.matrix}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    page = path.parent / "report.html"
    page.write_text(report.page(result))
    verdicts.show(result)
    for row in result["rows"]:
        if row["summary"][FIGURE]["high_cv"]:
            print(f"HIGH-CV {row['key']}: its runs vary by {100 * row['summary'][FIGURE]['cv']:.0f} %")
    print(f"{len(result['rows'])} rows of {args.repeats} runs, all verified, and the curves in "
          f"{result['seconds']:.0f} s; written to {os.path.relpath(path)} and {os.path.relpath(page)}")
    return 0 if verdicts.met(result) else 1, result


def measured(args, command, state):
    builds = [programs.host_build(args.build)]
    newer, missing = programs.newer_build()
    if newer:
        builds.append(newer)
    start = time.monotonic()
    rows = plan.rows(builds, args.matrix, args.filter or "")
    if not rows:
        raise Failed(f"no row matches {args.filter}")
    runs = measure(builds, rows, args.repeats, plan.LIMIT_S[args.matrix])
    result = {
        "schema": 1, "kind": "matrix", "matrix": args.matrix, "command": command, "rounds": args.repeats,
        "machine": host.machine(args.build / "bench/micro/build.json"), "preflight": state, "newer_missing": missing,
        **rows_result(runs, args.repeats),
        "curves": curves.measure(builds[0], args.matrix, args.filter or ""),
    }
    return {**result, "verdicts": verdicts.of(result), "load_after": host.first_line("/proc/loadavg").split()[:3],
            "seconds": round(time.monotonic() - start, 1)}
