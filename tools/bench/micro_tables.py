# SPDX-License-Identifier: Apache-2.0
"""The README's table of micro-benchmarks."""
from bench import host

UNIT = "record_bench:BM_local_increment/threads:1"
RECORD = [  # label, benchmark of record_bench
    ("local variable, `++x` in memory (the floor)", "local_increment"),
    ("`Counter::add`", "counter_add"),
    ("`Labeled<Counter, …>`, two enums, 64 combinations", "labeled_counter_two_enums"),
    ("`Histogram::record`, 13 bounds, unpredictable values", "histogram_record"),
    ("`FloatHistogram::record`", "float_histogram_record"),
    ("`MaxGauge::observe`", "max_gauge_observe"),
    ("`Distribution::record`, scale 3, unpredictable values", "distribution_record"),
    ("`SampledTimer`, one call in 64 timed", "sampled_timer"),
    ("`CounterSet<6>`, all six", "counter_set_add_six"),
    ("`Histogram::record` with a trace that is not chosen", "histogram_record_trace"),
    ("`Gauge::set` (two threads: one line shared by both)", "gauge_double_set"),
    ("one `std::atomic` for all threads", "shared_atomic"),
    ("an atomic per thread, padded to 128 bytes", "sharded_atomic"),
]
DYNAMIC = [("`Dynamic<Counter, 2>` by two labels, among 16 series", "dynamic/sets:shared/series:16/shared:1"),
           ("… among 1 000", "dynamic/sets:shared/series:1000/shared:1"),
           ("… among 100 000", "dynamic/sets:shared/series:100000/shared:1"),
           ("the same through a handle", "dynamic_handle")]
TABLE = (("record_bench", RECORD), ("dynamic_bench", DYNAMIC))


class Incomplete(Exception):
    """A result of some rows only."""


def readme(result):
    attempt = result["attempts"][-1]
    summary = attempt["summary"]
    wanted = {UNIT, *(f"{binary}:BM_{name}/threads:{threads}" for binary, rows in TABLE for _, name in rows for threads in (1, 2))}
    if missing := wanted - summary.keys():
        raise Incomplete(f"the result has no {', '.join(sorted(missing))}")
    unit = summary[UNIT]["median_ns"]
    lines = ["| one record | ns (middle half) | × local increment | two threads |", "|---|---:|---:|---:|"]
    for binary, rows in TABLE:
        for label, name in rows:
            one, two = (summary[f"{binary}:BM_{name}/threads:{threads}"] for threads in (1, 2))
            lines.append(f"| {label} | {one['median_ns']:.2f} ({one['q1_ns']:.2f} … {one['q3_ns']:.2f}) | "
                         f"{one['median_ns'] / unit:.1f} | {two['median_ns']:.2f} |")
    machine, built = host.described(attempt["machine"])
    return "\n".join(lines) + f"\n\nMedians of {summary[UNIT]['runs']} interleaved runs on {machine}; {built}.\n"
