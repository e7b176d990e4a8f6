#!/usr/bin/env python3
"""Runs the micro-benchmarks and prints their table, or a matrix beside peers (--matrix); `./dev bench` builds them first.

Every benchmark runs for a short time in each of several rounds, and every round begins at another one, so that a slow
minute of the machine does not fall on one row. A run's figure is the median time of its passes (bench/micro/passes.h),
a row's figure is the median of its runs, ratios are between medians of one measurement, and the spread printed is the
middle half of the runs. Nothing is filtered. When a limit is missed, everything is measured once more.

Exit code: 0; 1 when a limit is missed, also in the repetition, a goal of the matrix is, or the gate is not passed; 2 when a benchmark computed something wrong or did not run.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys

from bench import compare, docs, matrix, report
from bench.host import ROOT, described, first_line, machine

BINARIES = ["record_bench", "shared_object_bench", "fold_bench", "encode_bench", "dynamic_bench", "span_bench",
            "latency_bench"]

LOCAL = "record_bench:BM_local_increment/threads:1"
TEXT = "encode_bench:BM_prometheus_text/series:10000"
OTLP = "encode_bench:BM_collect_and_otlp/series:10000"
OTLP_HISTOGRAMS = "encode_bench:BM_collect_and_otlp/histograms:10000"
PER_CPU = ["counter_add", "counter_add_values", "up_down_counter_add", "float_counter_add",
           "labeled_counter_one_enum", "labeled_counter_two_enums",
           "histogram_record", "histogram_record_duration", "labeled_histogram_record", "float_histogram_record",
           "max_gauge_observe", "min_gauge_observe", "distribution_record", "distribution_record_duration",
           "distribution_record_extrema", "sampled_timer", "counter_set_add_six"]

LATENCY = "latency_bench:BM_latency/other:{}/real_time"
DYNAMIC_LOCAL = "dynamic_bench:BM_local_increment"
DYNAMIC_TEXT = "encode_bench:BM_prometheus_text/dynamic:10000"


def by_label(series, sets="shared", threads=1):
    return f"dynamic_bench:BM_dynamic/sets:{sets}/series:{series}/shared:{int(sets == 'shared')}/threads:{threads}"


ACCOUNTING = ("recorded", "drained", "dropped")  # of spans
PERCENTILES = ("p50", "p99", "p9999")  # of single records, whose figure, `ns`, is the 99.9th
OVER_RUNS = {**dict.fromkeys(ACCOUNTING, sum), **dict.fromkeys(PERCENTILES, statistics.median)}  # others: max

# What is promised: what is measured, beside what, and how many times that at most. Medians of one run.
LIMITS = [
    ("counter, beside a plain local increment",
     "record_bench:BM_counter_add/threads:1", LOCAL, 2.5),
    ("counter, beside a 128-byte-padded sharded atomic (at least 7 times faster)",
     "record_bench:BM_counter_add/threads:1", "record_bench:BM_sharded_atomic/threads:1", 1 / 7),
    ("counter with two enums, beside a plain local increment",
     "record_bench:BM_labeled_counter_two_enums/threads:1", LOCAL, 3.5),
    ("histogram of 13 bounds, beside a plain local increment",
     "record_bench:BM_histogram_record/threads:1", LOCAL, 13),
    ("counter of doubles, beside a plain local increment",
     "record_bench:BM_float_counter_add/threads:1", LOCAL, 14),
    ("greatest value, beside a plain local increment",
     "record_bench:BM_max_gauge_observe/threads:1", LOCAL, 4),
    ("smallest value, beside a plain local increment",
     "record_bench:BM_min_gauge_observe/threads:1", LOCAL, 4),
    ("distribution of scale 3, beside a plain local increment",
     "record_bench:BM_distribution_record/threads:1", LOCAL, 16),
    ("sampled timer of stride 64, beside a plain local increment (2 ns are 7 of them)",
     "record_bench:BM_sampled_timer/threads:1", LOCAL, 7),
    ("histogram with a trace that is not chosen, beside one without (2 ns more)",
     "record_bench:BM_histogram_record_trace/threads:1", "record_bench:BM_histogram_record/threads:1", 1.75),
    ("set of six counters, beside one counter's add",
     "record_bench:BM_counter_set_add_six/threads:1", "record_bench:BM_counter_add/threads:1", 6),
    *[(f"{name}: two threads beside one", f"record_bench:BM_{name}/threads:2", f"record_bench:BM_{name}/threads:1", 1.2)
      for name in PER_CPU],
    ("text of 10 000 labelled series, beside a memcpy of it",
     TEXT, "encode_bench:BM_memcpy_of_text/series:10000", 8),
    ("DogStatsD packets of 10 000 labelled series, beside a memcpy of their text (0.4 ms)",
     "encode_bench:BM_dogstatsd/series:10000", "encode_bench:BM_memcpy_of_text/series:10000", 28),
    # A local increment takes 0.29 ns on the reference machine (Zen 5): 18, 22, 30 and 150 ns.
    *[(f"by two labels among {series} series, beside a plain local increment", by_label(series), DYNAMIC_LOCAL, limit)
      for series, limit in ((1, 62), (16, 76), (1000, 103), (100000, 517))],
    *[(f"by two labels among {series} series, {sets} by two threads, beside one thread",
       by_label(series, sets, 2), by_label(series), 1.25)
      for sets in ("shared", "own") for series in (1, 16, 1000, 100000)],
    *[(f"spans: {shape}, beside the {reads} clock reads in it",
       f"span_bench:BM_span_{shape}", f"span_bench:BM_clock_reads/reads:{reads}", limit)
      for shape, reads, limit in (("root", 2, 1.8), ("lifecycle", 5, 1.5), ("pipeline", 8, 1.4))],
    *[(f"{what}, drained into OTLP, beside two clock reads (200 ns: 5 million spans per second)",
       f"span_bench:BM_otlp_{name}", "span_bench:BM_clock_reads/reads:2", 8)
      for what, name in (("root span", "root"), ("span with two attributes and an event, or with none", "lifecycle"))],
    ("handle of a dynamic series, beside a plain local increment",
     "dynamic_bench:BM_dynamic_handle/threads:1", DYNAMIC_LOCAL, 4),
    ("first record of a series, beside a plain local increment (1 µs)",
     "dynamic_bench:BM_dynamic_first_touch", DYNAMIC_LOCAL, 3448),
    ("text of 10 000 dynamic series, beside a memcpy of it (0.3 ms)",
     DYNAMIC_TEXT, "encode_bench:BM_memcpy_of_text/dynamic:10000", 27),
    # The copies take 12.5 and 60 µs on the reference machine (Zen 5).
    ("10 000 counters collected into OTLP, beside a memcpy of it (60 ns each)",
     OTLP, "encode_bench:BM_memcpy_of_otlp/series:10000", 48),
    ("10 000 histograms of 13 bounds collected into OTLP, beside a memcpy of it (300 ns each)",
     OTLP_HISTOGRAMS, "encode_bench:BM_memcpy_of_otlp/histograms:10000", 50),
    ("99.9 % of records among 100 000 series that are collected meanwhile, beside a CPU as busy with its own memory",
     LATENCY.format(2), LATENCY.format(1), 1.5),
]

# A benchmark that is renamed must not take its limit with it.
LIMITED = {TEXT, *(name for limit in LIMITS for name in limit[1:3])}

RECORD_ROWS = [
    ("local increment (the unit)", "local_increment"), ("local add, values read", "local_add_values"),
    ("local array, two labels read", "local_increment_labels"), ("local store", "local_store"),
    ("one shared atomic", "shared_atomic"), ("sharded atomic, 128-byte padded", "sharded_atomic"),
    ("Counter, add 1", "counter_add"), ("Counter, add values", "counter_add_values"),
    ("UpDownCounter, add 1", "up_down_counter_add"), ("FloatCounter, add values", "float_counter_add"),
    ("Labeled<Counter, 16>", "labeled_counter_one_enum"), ("Labeled<Counter, 16, 4>", "labeled_counter_two_enums"),
    ("Gauge<int64_t>, set", "gauge_int64_set"), ("Gauge<double>, set", "gauge_double_set"),
    ("Histogram, 13 bounds, integers", "histogram_record"),
    ("Histogram, 13 bounds, durations", "histogram_record_duration"),
    ("Labeled<Histogram, 16>, durations", "labeled_histogram_record"),
    ("FloatHistogram, 13 bounds", "float_histogram_record"),
    ("MaxGauge<int64_t>, observe", "max_gauge_observe"), ("MinGauge<int64_t>, observe", "min_gauge_observe"),
    ("Distribution, scale 3, integers", "distribution_record"),
    ("Distribution, scale 3, durations", "distribution_record_duration"),
    ("Distribution with minimum and maximum", "distribution_record_extrema"),
    ("Counter, add 1 with a trace", "counter_add_trace"),
    ("Histogram, 13 bounds, integers with a trace", "histogram_record_trace"),
    ("Distribution, scale 3, integers with a trace", "distribution_record_trace"),
    ("now_ns()", "now"), ("SampledTimer, stride 64", "sampled_timer"),
    ("CounterSet<6>, all six", "counter_set_add_six"),
]


class WrongAnswer(Exception):
    pass


def run(binary, name, min_time):
    """One short run of one benchmark, as a process of its own; returns its figures."""
    command = [str(binary), f"--benchmark_filter=^{re.escape(name)}$", f"--benchmark_min_time={min_time}",
               "--benchmark_format=json"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        benchmarks = json.loads(done.stdout)["benchmarks"]
    except (json.JSONDecodeError, KeyError):
        benchmarks = []
    if done.returncode != 0 or len(benchmarks) != 1:
        raise WrongAnswer(f"{binary.name} {name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    result = benchmarks[0]
    if result.get("error_occurred"):
        raise WrongAnswer(f"{binary.name} {name}: {result['error_message']}")
    return {key: result[key] for key in ("ns", "allocations", "bytes", "shards", *PERCENTILES, *ACCOUNTING) if key in result}


class Bench:
    """All benchmarks of a build, and what their runs gave."""

    def __init__(self, folder, name_filter):
        self.folder = folder
        self.names = []  # "binary:benchmark"
        for binary in BINARIES:
            listed = subprocess.run([str(folder / binary), "--benchmark_list_tests=true"], capture_output=True, text=True,
                                    check=True).stdout.split()
            self.names += [f"{binary}:{name}" for name in listed]
        if name_filter:
            self.names = [name for name in self.names if re.search(name_filter, name)]
            if not self.names:
                raise WrongAnswer(f"no benchmark matches {name_filter}")
        elif missing := LIMITED - set(self.names):
            raise WrongAnswer(f"benchmarks that a limit is about do not exist: {', '.join(sorted(missing))}")
        self.runs = {name: [] for name in self.names}
        self.memory = []

    def round(self, start, min_time, progress=""):
        """Runs each benchmark once, beginning at number `start`."""
        for i, name in enumerate(self.names[start:] + self.names[:start]):
            if progress:
                print(f"\r  {progress}: {i + 1} of {len(self.names)}\033[K", end="", file=sys.stderr, flush=True)
            binary, benchmark = name.split(":", 1)
            self.runs[name].append(run(self.folder / binary, benchmark, min_time))

    def measure_memory(self):
        done = subprocess.run([str(self.folder / "series_memory")], capture_output=True, text=True)
        if done.returncode != 0:
            raise WrongAnswer(f"series_memory: exit {done.returncode}\n{done.stderr}")
        self.memory = [json.loads(line) for line in done.stdout.splitlines()]

    def measure(self, repeats, min_time):
        show = sys.stderr.isatty()
        for number in range(repeats):
            self.round(number * len(self.names) // repeats, min_time, f"round {number + 1} of {repeats}" if show else "")
        if show:
            print("\r\033[K", end="", file=sys.stderr)

    def summary(self):
        result = {}
        for name, runs in self.runs.items():
            values = [r["ns"] for r in runs]
            q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
            result[name] = {"median_ns": median, "q1_ns": q1, "q3_ns": q3, "runs": len(values),
                            **{key: OVER_RUNS.get(key, max)(r[key] for r in runs) for key in runs[0] if key != "ns"}}
        if self.memory:
            result["memory"] = self.memory
        return result


def verdicts(summary):
    result = []
    for what, name, beside, limit in LIMITS:
        if name not in summary or beside not in summary:
            continue  # filtered out
        ratio = summary[name]["median_ns"] / summary[beside]["median_ns"]
        result.append({"what": what, "ratio": ratio, "limit": limit, "ok": ratio <= limit})
    for row in summary.get("memory", []):
        if row["what"].startswith("Dynamic"):
            result.append({"what": "memory of 10 000 dynamic series on two CPUs, MB", "ratio": row["bytes"] / 1e6,
                           "limit": 2.5, "ok": row["bytes"] <= 2.5e6})
    for name, what in ((TEXT, "text of 10 000 labelled series"), (OTLP, "10 000 counters collected into OTLP"),
                       (OTLP_HISTOGRAMS, "10 000 histograms collected into OTLP")):
        if name in summary:
            allocations = summary[name]["allocations"]
            result.append({"what": f"{what}: allocations", "ratio": allocations, "limit": 0, "ok": allocations == 0})
    return result


def figure(value):
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def spread(row, scale=1.0):
    return f"{figure(row['q1_ns'] / scale)} … {figure(row['q3_ns'] / scale)}"


def tables(summary):
    """(title, header, rows) of every table; cells are text."""
    result = []
    for binary, title in (("record_bench", "One record, ns"),
                          ("shared_object_bench", "The same from inside a shared object, ns")):
        unit = summary.get(f"{binary}:BM_local_increment/threads:1")
        rows = []
        for label, name in RECORD_ROWS:
            one, two = (summary.get(f"{binary}:BM_{name}/threads:{n}") for n in (1, 2))
            if one is None or two is None or unit is None:
                continue
            rows.append([label, figure(one["median_ns"]), spread(one), f"{one['median_ns'] / unit['median_ns']:.2f} ×",
                         figure(two["median_ns"]), spread(two), f"{two['median_ns'] / one['median_ns']:.2f} ×"])
        if rows:
            result.append((title, ["", "1 thread", "middle half", "of local", "2 threads", "middle half", "of 1 thread"],
                           rows))

    result += span_tables(summary)

    rows = []
    for name, row in summary.items():
        if match := re.match(r"fold_bench:BM_collect_(\w+)/cells:(\d+)/cpus:(\d+)/writers:(\d)", name):
            kind, cells, cpus, writers = match[1], int(match[2]), match[3], match[4]
            what = {"metrics": "counters", "labeled": "labelled cells", "observables": "observable counters"}[kind]
            rows.append([f"{cells} {what}",
                         cpus, writers, f"{row['shards']:.0f}", figure(row["median_ns"] / 1e3), spread(row, 1e3),
                         figure(row["median_ns"] / cells)])
    if rows:
        result.append(("One collection (Reader::collect), µs",
                       ["", "CPUs that wrote", "writers", "shards", "µs", "middle half", "ns per cell"], rows))

    rows = []
    for name, row in summary.items():
        if match := re.match(r"encode_bench:BM_(\w+)/(series|histograms|dynamic):(\d+)", name):
            kind = "otlp" if match[1].endswith("otlp") else "text"
            copy = summary.get(f"encode_bench:BM_memcpy_of_{kind}/{match[2]}:{match[3]}")
            rows.append([f"{match[1].replace('_', ' ')}: {match[3]} {match[2]}",
                         figure(row["median_ns"] / 1e3), spread(row, 1e3), figure(row["median_ns"] / int(match[3])),
                         f"{row['bytes']:.0f}", f"{row['median_ns'] / copy['median_ns']:.2f} ×" if copy else "",
                         f"{row['allocations']:.0f}"])
    if rows:
        result.append(("Text and OTLP, µs",
                       ["", "µs", "middle half", "ns per series", "bytes", "of memcpy", "allocations"], rows))
    rows = [[what, figure(row["p50"]), figure(row["p99"]), figure(row["median_ns"]), spread(row), figure(row["p9999"])]
            for what, other in (("the other CPU is idle", 0), ("it is busy with memory of its own", 1), ("it collects", 2))
            if (row := summary.get(LATENCY.format(other)))]
    if rows:
        result.append(("One record of 100 000 series between two reads of the clock, ns",
                       ["", "50 %", "99 %", "99.9 %", "middle half", "99.99 %"], rows))
    return result + dynamic_tables(summary)


def span_tables(summary):
    result = []
    rows = []
    for name, row in summary.items():
        match = re.match(r"span_bench:BM_(?!otlp|sustained)(\w+?)(?:/reads:(\d+))?$", name)
        if not match:
            continue
        reads = {"span_root": 2, "vector_root": 2, "span_lifecycle": 5, "vector_lifecycle": 5, "span_pipeline": 8,
                 "vector_pipeline": 8, "span_attributes": 2, "operation": 2, "operation_unsampled": 2,
                 "operation_untraced": 2, "operation_timer_alone": 2, "operation_in_parts": 4}.get(match[1])
        floor = summary.get(f"span_bench:BM_clock_reads/reads:{reads}")
        rows.append([match[1].replace("_", " ") + (f": {match[2]}" if match[2] else ""), figure(row["median_ns"]),
                     spread(row), f"{row['median_ns'] / floor['median_ns']:.2f} ×" if floor else "",
                     *(f"{row[key]:,.0f}" if key in row else "" for key in ACCOUNTING)])
    if rows:
        result.append(("Spans, ns per iteration, in bursts of 8 192 within a budget of 64 MiB",
                       ["", "ns", "middle half", "of the clock reads in it", *ACCOUNTING], rows))
    rows = [[match[1].replace("_", " "), figure(row["median_ns"]), spread(row), f"{1e3 / row['median_ns']:.1f}",
             f"{row['bytes']:.0f}" if "bytes" in row else "", f"{row['dropped']:,.0f}" if "dropped" in row else ""]
            for name, row in summary.items()
            if (match := re.match(r"span_bench:BM_(otlp_\w+|sustained)(?:/real_time)?$", name))]
    if rows:
        result.append(("Spans drained into OTLP requests on one core; sustained: while another core records",
                       ["", "ns per span", "middle half", "million spans per s", "bytes per span", "dropped"], rows))
    return result


def dynamic_tables(summary):
    result = []
    kinds = (("Dynamic<Counter, 2>", "dynamic"), ("DynamicFree<Counter>", "dynamic_free"),
             ("a map per thread (the floor)", "map_per_thread"), ("map under a shared mutex", "map_under_shared_mutex"), ("prometheus-cpp", "prometheus_cpp"))
    rows = []
    for label, kind in kinds:
        for sets in ("shared", "own"):
            for series in (1, 16, 1000, 100000):
                one, two = (summary.get(by_label(series, *how).replace("BM_dynamic/", f"BM_{kind}/"))
                            for how in (("shared", 1), (sets, 2)))
                if one and two:
                    first = [figure(one["median_ns"]), spread(one)] if sets == "shared" else ["", ""]
                    rows.append([label, f"{series}", sets, *first, figure(two["median_ns"]), spread(two),
                                 f"{two['median_ns'] / one['median_ns']:.2f} ×"])
    if rows:
        result.append(("One record by two labels, ns",
                       ["", "series", "of two threads", "1 thread", "middle half", "2 threads", "middle half",
                        "of 1 thread"], rows))
    rows = []
    for label, name in (("through a handle", "dynamic_handle/threads:1"), ("the same, 2 threads", "dynamic_handle/threads:2"),
                        ("first record of a series", "dynamic_first_touch"),
                        ("beyond the limit", "dynamic_overflow/threads:1"),
                        ("the same, 2 threads", "dynamic_overflow/threads:2")):
        if row := summary.get(f"dynamic_bench:BM_{name}"):
            rows.append([label, figure(row["median_ns"]), spread(row)])
    if rows:
        result.append(("Dynamic<Counter, 2>, ns", ["", "ns", "middle half"], rows))
    rows = [[row["what"], *(figure(row[key] / 1e6) for key in ("bytes", "bytes_16_cpus", "bytes_64_cpus"))]
            for row in summary.get("memory", [])]
    if rows:
        result.append(("Memory of 10 000 counter series with two labels, MB",
                       ["", "2 CPUs, measured", "16 CPUs, computed", "64 CPUs, computed"], rows))
    return result


def print_report(report, markdown):
    load = report["load"]
    print("\n".join([*described(report["machine"]), f"load {load['before']} before, {load['after']} after"]) + "\n")
    for title, header, rows in tables(report["summary"]):
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        bars = ("| ", " | ", " |") if markdown else ("", "  ", "")

        def line(cells):
            padded = [cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths))]
            return bars[0] + bars[1].join(padded) + bars[2]

        print(f"**{title}**\n" if markdown else title)
        print(line(header))
        if markdown:
            print("|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|")
        for row in rows:
            print(line(row))
        print()
    for v in report["verdicts"]:
        word = "ok" if v["ok"] else "MISSED"
        # A limit below one is a promise to be faster: said the other way round.
        ratio, sign, limit = (1 / v["ratio"], "≥", 1 / v["limit"]) if 0 < v["limit"] < 1 else (v["ratio"], "≤", v["limit"])
        print(f"{'* ' if markdown else ''}{word:6}  {v['what']}: {ratio:.2f}, {sign} {limit:g}")
    print()


def measure(folder, args):
    before = first_line("/proc/loadavg")
    bench = Bench(folder, args.filter)
    bench.measure(args.repeats, args.min_time)
    if not args.filter or re.search(args.filter, "series_memory"):
        bench.measure_memory()
    summary = bench.summary()
    return {
        "machine": machine(folder / "build.json"),
        "load": {"before": " ".join(before.split()[:3]), "after": " ".join(first_line("/proc/loadavg").split()[:3])},
        "summary": summary,
        "verdicts": verdicts(summary),
        "runs": bench.runs,
    }


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="the build tree")
    parser.add_argument("--out", type=pathlib.Path, help="where the result goes; default: in build/bench")
    parser.add_argument("--filter", help="only rows that match this regular expression")
    parser.add_argument("--repeats", "--rounds", type=int, default=9, help="runs of each")
    parser.add_argument("--min-time", type=float, default=0.05, help="seconds that one micro-benchmark takes at least")
    parser.add_argument("--quick", action="store_true", help="each once, for its answer only: no table, no limits")
    parser.add_argument("--markdown", action="store_true", help="print the tables for a page")
    parser.add_argument("--matrix", choices=("quick", "full"), help="beside peers, with threads and an exporter, and a report")
    parser.add_argument("--strict-preflight", action="store_true", help="do not measure on a machine that is not quiet")
    parser.add_argument("--compare", type=pathlib.Path, metavar="BASE",
                        help="the gate: measure what BASE is of, and fail where a row is worse beside its unit")
    parser.add_argument("--result", type=pathlib.Path, help="with --compare: judge this result; measures nothing")
    parser.add_argument("--agree", type=pathlib.Path, nargs=2, metavar="RESULT",
                        help="which rows of two results differ by more than their stated spread; measures nothing")
    parser.add_argument("--show", type=pathlib.Path, metavar="RESULT", help="print a result again; measures nothing")
    parser.add_argument("--report", type=pathlib.Path, metavar="RESULT",
                        help="write a matrix' page again, to build/bench/report.html; measures nothing")
    parser.add_argument("--update-docs", type=pathlib.Path, metavar="RESULT",
                        help="write the tables of README.md and docs/benchmarks.md from a result in bench/results")
    return parser


def load(path):
    return json.loads(path.read_text())


def measure_micro(args):
    """Exit code and result."""
    folder = args.build / "bench/micro"
    if args.quick:
        bench = Bench(folder, args.filter)
        bench.round(0, 0.001)
        bench.measure_memory()
        print(f"{len(bench.names)} benchmarks ran and computed what they should")
        return 0, None
    out = args.out or ROOT / "build/bench/result.json"
    attempts = []
    for _ in range(2):
        attempts.append(measure(folder, args))
        print_report(attempts[-1], args.markdown)
        # After each attempt: what is complete is kept whatever becomes of the next.
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps({"attempts": attempts}, indent=1) + "\n")
        print(f"written to {os.path.relpath(out)}")
        if all(v["ok"] for v in attempts[-1]["verdicts"]):
            return 0, {"attempts": attempts}
        if len(attempts) == 1:
            print("A limit was missed: measuring everything once more.\n")
    return 1, {"attempts": attempts}


def measure_any(args):
    if args.matrix:
        return matrix.run(args, shlex.join(["./dev", "bench", *sys.argv[1:]]))
    return measure_micro(args)


def gate(args):
    """Beside a base, its verdict alone counts: limits and goals are another run's business."""
    base = load(args.compare)
    if args.result:
        return compare.show_gate(base, load(args.result), args.filter or "")
    args.matrix = base.get("matrix")
    status, result = measure_any(args)
    return compare.show_gate(base, result, args.filter or "") if result else status


def main():
    args = options().parse_args()
    try:
        if args.show:
            print_report(load(args.show)["attempts"][-1], args.markdown)
        elif args.report:
            (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
            (ROOT / "build/bench/report.html").write_text(report.page(load(args.report)))
        elif args.update_docs:
            docs.update(args.update_docs)
        elif args.agree:
            return compare.show_agreement(*map(load, args.agree))
        elif args.compare:
            return gate(args)
        else:
            return measure_any(args)[0]
    except (WrongAnswer, matrix.Failed, compare.Different, docs.Refused, docs.Incomplete) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
