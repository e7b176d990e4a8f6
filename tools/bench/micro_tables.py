# SPDX-License-Identifier: Apache-2.0
"""The tables of micro-benchmarks, for the terminal, for a page and for the README."""
import re

from bench import host

LATENCY = "latency_bench:BM_latency/other:{}/real_time"
ACCOUNTING = ("recorded", "drained", "dropped")  # of spans
PERCENTILES = ("p50", "p99", "p9999")  # of single records, whose figure, `ns`, is the 99.9th


def by_label(series, sets="shared", threads=1):
    return f"dynamic_bench:BM_dynamic/sets:{sets}/series:{series}/shared:{int(sets == 'shared')}/threads:{threads}"


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
            header = ["", "1 thread", "middle half", "of local", "2 threads", "middle half", "of 1 thread"]
            result.append((title, header, rows))

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
            for what, other in (("the other CPU is idle", 0), ("it is busy with memory of its own", 1),
                                ("it collects", 2))
            if (row := summary.get(LATENCY.format(other)))]
    if rows:
        result.append(("One record of 100 000 series between two reads of the clock, ns",
                       ["", "50 %", "99 %", "99.9 %", "middle half", "99.99 %"], rows))
    return result + dynamic_tables(summary) + peer_tables(summary)


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
             ("a map per thread (the floor)", "map_per_thread"), ("map under a shared mutex", "map_under_shared_mutex"),
             ("prometheus-cpp", "prometheus_cpp"))
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
    for label, name in (("through a handle", "dynamic_handle/threads:1"),
                        ("the same, 2 threads", "dynamic_handle/threads:2"),
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


# What is called otherwise where it is measured beside its floor.
RECORDED = {"record_bench:BM_counter_add": "BM_record/counter",
            "record_bench:BM_histogram_record": "BM_record/histogram",
            "record_bench:BM_gauge_double_set": "BM_record/gauge",
            "record_bench:BM_labeled_counter_one_enum": "BM_record/labeled_counter",
            "record_bench:BM_labeled_histogram_record": "BM_record/labeled_histogram"}
PEERS = {"prometheus_cpp_bench": "prometheus-cpp", "otel_cpp_bench": "opentelemetry-cpp"}
ASKED_OF_PEERS = ("record_bench", "labels_bench", "export_bench", "overlap_bench", "span_cycle_bench", *PEERS)


def question(name):
    """What a benchmark asks, whoever is asked."""
    name = name.removeprefix("newer/")
    for ours, common in RECORDED.items():
        name = re.sub(f"^{ours}/threads", f"x:{common}/threads", name)
    return re.sub(r"/(dynamic|prometheus_cpp|otel_cpp)(?=/)", "/by_labels", name.split(":", 1)[1])


def peer_tables(summary):
    """Ours beside each peer, in the build that has it."""
    result = []
    for build, title in (("", "this machine's build"), ("newer/", "a newer Debian's build")):
        asked = {}
        for name in summary:
            binary = name.split(":")[0].removeprefix(build)
            if name.startswith(build) and binary in ASKED_OF_PEERS:
                asked.setdefault(question(name), {})[PEERS.get(binary, "ours")] = summary[name]
        rows = [[what, figure(answers["ours"]["median_ns"]), spread(answers["ours"]), peer, figure(row["median_ns"]),
                 spread(row), f"{row['median_ns'] / answers['ours']['median_ns']:.1f} ×"]
                for what, answers in asked.items() if "ours" in answers
                for peer, row in answers.items() if peer != "ours"]
        if rows:
            result.append((f"Beside peers, ns, in {title}",
                           ["", "ours", "middle half", "peer", "ns", "middle half", "of ours"], rows))
    return result


def print_report(report, markdown):
    load = report["load"]
    facts = [*host.described(report["machine"]), f"load {load['before']} before, {load['after']} after"]
    print("\n".join(facts) + "\n")
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
        faster = 0 < v["limit"] < 1
        ratio, sign, limit = (1 / v["ratio"], "≥", 1 / v["limit"]) if faster else (v["ratio"], "≤", v["limit"])
        print(f"{'* ' if markdown else ''}{word:6}  {v['what']}: {ratio:.2f}, {sign} {limit:g}")
    print()


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
    wanted = {UNIT, *(f"{binary}:BM_{name}/threads:{threads}" for binary, rows in TABLE for _, name in rows
                      for threads in (1, 2))}
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
