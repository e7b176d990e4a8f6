# SPDX-License-Identifier: Apache-2.0
"""Micro-benchmarks: one operation beside its floor, and what is promised of it."""
import json
import os
import re
import statistics
import subprocess
import sys

from bench.host import ROOT, first_line, machine
from bench.micro_tables import ACCOUNTING, LATENCY, PERCENTILES, by_label, print_report, question
from bench.programs import NEWER_ROOT

NEWER_MICRO = ROOT / "build/newer/release/bench/micro"

BINARIES = ["record_bench", "shared_object_bench", "fold_bench", "encode_bench", "dynamic_bench", "span_bench",
            "latency_bench", "labels_bench", "export_bench", "overlap_bench"]
# What needs a package: measured where it was built. Those of the newer root beside ours there, of the same compiler.
OPTIONAL = ["span_cycle_bench", "prometheus_cpp_bench"]
PEERS_IN_NEWER_ROOT = ["otel_cpp_bench"]
OURS_IN_NEWER_ROOT = ["record_bench", "labels_bench", "export_bench", "overlap_bench", "span_cycle_bench"]

LOCAL = "record_bench:BM_local_increment/threads:1"
TEXT = "encode_bench:BM_prometheus_text/series:10000"
OTLP = "encode_bench:BM_collect_and_otlp/series:10000"
OTLP_HISTOGRAMS = "encode_bench:BM_collect_and_otlp/histograms:10000"
PER_CPU = ["counter_add", "counter_add_values", "up_down_counter_add", "float_counter_add",
           "labeled_counter_one_enum", "labeled_counter_two_enums",
           "histogram_record", "histogram_record_duration", "labeled_histogram_record", "float_histogram_record",
           "max_gauge_observe", "min_gauge_observe", "distribution_record", "distribution_record_duration",
           "distribution_record_extrema", "sampled_timer", "counter_set_add_six"]

DYNAMIC_LOCAL = "dynamic_bench:BM_local_increment"
DYNAMIC_TEXT = "encode_bench:BM_prometheus_text/dynamic:10000"

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


class WrongAnswer(Exception):
    pass


def run_once(command, name, min_time):
    """One short run of one benchmark, as a process of its own; returns its figures."""
    options = [f"--benchmark_filter=^{re.escape(name)}$", f"--benchmark_min_time={min_time}", "--benchmark_format=json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    try:
        benchmarks = json.loads(done.stdout)["benchmarks"]
    except (json.JSONDecodeError, KeyError):
        benchmarks = []
    if done.returncode != 0 or len(benchmarks) != 1:
        raise WrongAnswer(f"{command[-1]} {name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    result = benchmarks[0]
    if result.get("error_occurred"):
        raise WrongAnswer(f"{command[-1]} {name}: {result['error_message']}")
    kept = ("ns", "allocations", "bytes", "shards", *PERCENTILES, *ACCOUNTING)
    return {key: result[key] for key in kept if key in result}


class Bench:
    """All benchmarks of a build, and what their runs gave."""

    def __init__(self, folder, name_filter, with_newer_root=False):
        self.folder = folder
        self.commands = {binary: [str(folder / binary)] for binary in (*BINARIES, *OPTIONAL)
                         if binary in BINARIES or (folder / binary).exists()}
        self.names = [name for binary in self.commands for name in self.listed(binary)]  # "binary:benchmark"
        if with_newer_root:
            self.add_newer_root()
        if name_filter:
            self.names = [name for name in self.names if re.search(name_filter, name)]
            if not self.names:
                raise WrongAnswer(f"no benchmark matches {name_filter}")
        elif missing := LIMITED - set(self.names):
            raise WrongAnswer(f"benchmarks that a limit is about do not exist: {', '.join(sorted(missing))}")
        self.runs = {name: [] for name in self.names}
        self.memory = []

    def listed(self, binary):
        names = subprocess.run([*self.commands[binary], "--benchmark_list_tests=true"], capture_output=True, text=True,
                               check=True).stdout.split()
        return [f"{binary}:{name}" for name in names]

    def add_newer_root(self):
        """What opentelemetry-cpp has, and of ours what answers the same questions."""
        def names_of(binaries):
            built = [binary for binary in binaries if (NEWER_MICRO / binary).exists()]
            self.commands |= {f"newer/{binary}": [str(NEWER_ROOT), "run", binary] for binary in built}
            return [name for binary in built for name in self.listed(f"newer/{binary}")]

        peers = names_of(PEERS_IN_NEWER_ROOT)
        questions = {question(name) for name in peers}
        self.names += peers + [name for name in names_of(OURS_IN_NEWER_ROOT) if question(name) in questions]

    def round(self, start, min_time, progress=""):
        """Runs each benchmark once, beginning at number `start`."""
        for i, name in enumerate(self.names[start:] + self.names[:start]):
            if progress:
                print(f"\r  {progress}: {i + 1} of {len(self.names)}\033[K", end="", file=sys.stderr, flush=True)
            binary, benchmark = name.split(":", 1)
            self.runs[name].append(run_once(self.commands[binary], benchmark, min_time))

    def measure_memory(self):
        done = subprocess.run([str(self.folder / "series_memory")], capture_output=True, text=True)
        if done.returncode != 0:
            raise WrongAnswer(f"series_memory: exit {done.returncode}\n{done.stderr}")
        self.memory = [json.loads(line) for line in done.stdout.splitlines()]

    def measure(self, repeats, min_time):
        show = sys.stderr.isatty()
        for number in range(repeats):
            progress = f"round {number + 1} of {repeats}" if show else ""
            self.round(number * len(self.names) // repeats, min_time, progress)
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


def measure(folder, args):
    before = first_line("/proc/loadavg")
    bench = Bench(folder, args.filter, with_newer_root=True)
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


def run(args):
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
