# SPDX-License-Identifier: Apache-2.0
"""The tables of a result, for the report and for the documentation alike: (title, note, header, rows of text)."""
from dataclasses import dataclass

from bench import cases, placement, verdicts
from bench.cases import FIGURE, PEERS, name_of
from bench.charts import figure


@dataclass(frozen=True)
class Table:
    title: str
    header: list
    rows: list
    note: str = ""


def times(value):
    return f"{value:.0f} ×" if value >= 100 else f"{value:.1f} ×"


def spread(row, scale=1.0):
    return f"{figure(row['q1'] * scale)} … {figure(row['q3'] * scale)}"


def words(verdict):
    return {True: "kept", False: "missed", None: "not judged"}[verdict["ok"]]


def of_verdicts(result):
    rows = []
    for verdict in result["verdicts"]:
        profile = f", {verdict['profile']}" if verdict["profile"] else ""
        judged = verdict["ok"] is not None
        rows.append([verdict["what"] + profile, name_of(verdict["peer"]), times(verdict["ratio"]) if judged else "–",
                     f"{times(verdict['low'])} … {times(verdict['high'])}" if judged else "–",
                     f"≥ {verdict['at_least']:g} ×",
                     words(verdict),
                     "; ".join(verdicts.remarks(verdict))])
    # Once, not in each row: what is missed together is missed for one reason.
    whys = dict.fromkeys((words(verdict), verdict["why"]) for verdict in result["verdicts"] if verdict["why"])
    note = " ".join(f"What is {word}: {why}." for word, why in whys)
    return Table("Goals", ["", "beside", "ratio", "spread", "goal", "", "remark"], rows, note)


def shown_subjects(result):
    """In the order of the columns: ours, baselines, peers, those missing too, and local builds if there are any."""
    measured = cases.measured_subjects(result)
    wanted = ["fast", "atomic", "sharded", *PEERS]
    return [subject for subject in wanted if subject in measured or subject in PEERS] + [
        subject for subject in measured if subject not in wanted]


def missing_note(result):
    return "; ".join(f"{name_of(peer)} was not measured: {why}" for peer, why in cases.missing_peers(result).items())


def shown(row):
    """The figure, marked where it is not of CPUs near each other."""
    mark = " ‡" if row.get("placement") in (placement.FAR, placement.DISTURBED) else ""
    return figure(row["summary"][FIGURE]["median"]) + mark


def placement_note(rows):
    marked = any("‡" in cell for row in rows for cell in row)
    return "‡ measured while the two CPUs were apart, moved, or were shared with somebody else." if marked else ""


def of_cases(result, title, found, subjects):
    rows = []
    for case in found:
        others = cases.beside(result, case)
        ours = cases.rows_with(result, "fast", case.ours)
        if not ours or not others and all(subject in PEERS for subject in subjects[1:]):
            continue
        cells = [shown(ours[0])]
        for subject in subjects[1:]:
            if subject in others:
                theirs, same = others[subject]
                ratio = cases.ratio(theirs, same)["ratio"]
                cells.append(f"{shown(theirs)} ({times(ratio)})")
            else:
                cells.append("–")
        rows.append([case.what + (" †" if case.unlike else ""), *cells])
    notes = [note for note in (missing_note(result), placement_note(rows)) if note]
    return Table(title, ["", *(name_of(subject) for subject in subjects)], rows, " ".join(notes))


def of_metrics(result):
    return of_cases(result, "One record, two threads: ns of the writers' CPU time (× ours in the same build)",
                    cases.metric_cases(result), shown_subjects(result))


def of_spans(result):
    subjects = [subject for subject in shown_subjects(result) if subject == "fast" or subject.startswith("otel")]
    return of_cases(result, "One pass of a scenario, two threads, every span recorded: ns (× ours)",
                    cases.span_cases(result), subjects)


def of_accounts(result):
    """What became of the spans, and the rate that each side sustains without a drop."""
    rows = []
    for row in result["rows"]:
        if "scenario" not in row:
            continue
        rate = row["summary"].get("sustained_spans_per_s")
        rows.append([row_name(row), name_of(row["subject"]), figure(row["summary"][FIGURE]["median"]),
                     figure(rate["median"]) if rate else "–", spread(rate) if rate else "–",
                     *(f"{row[name]:,}" for name in ("recorded", "sampled_out", "dropped", "delivered"))])
    return Table("Spans: what became of them, all runs together",
                 ["", "", "ns per pass", "sustained spans/s", "middle half", "recorded", "sampled out", "dropped",
                  "delivered"], rows)


def row_name(row):
    if "scenario" in row:
        return f"{row['scenario']}, {row['mode']}"
    return ", ".join(part for part in (row["entity"], row["access"], row["profile"]) if part)


def measured_cells(part):
    writer = part["summary"][FIGURE]

    def median(name):
        return figure(part["medians"][name]) if name in part["medians"] else "–"

    return [figure(writer["median"]), spread(writer), figure(writer["trimmed_mean"]),
            f"{100 * writer['cv']:.1f} %{' HIGH' if writer['high_cv'] else ''}",
            *map(median, ("wall_ns_per_op", "cpu_ns_per_op", "ops_per_s", "ops_per_cpu_s", "average_cores",
                          "exports", "record_s")), str(writer["runs"])]


def of_rows(result, build):
    """Every row of a build in full."""
    rows = []
    for row in result["rows"]:
        if row["build"] != build:
            continue
        for part in (row, *([row["elsewhere"]] if "elsewhere" in row else [])):
            rows.append([row_name(row), name_of(row["subject"]), str(row["threads"]), part.get("placement", ""),
                         *measured_cells(part), f"{row['operations']:,}"])
    compilers = ", ".join(dict.fromkeys(row.get("compiler", "") for row in result["rows"] if row["build"] == build))
    return Table(f"All rows of the build {build} ({compilers})",
                 ["", "", "threads", "CPUs", "writer ns/op", "middle half", "trimmed mean", "CV", "wall ns/op",
                  "CPU ns/op", "ops/s", "ops per CPU s", "average cores", "exports", "seconds", "runs",
                  "operations, verified"],
                 rows)


def of_subjects(result):
    seen = {}
    for row in result["rows"]:
        kind = "spans" if "scenario" in row else "metrics"
        seen.setdefault((row["build"], row["subject"], kind, row.get("settings", "")), row)
    rows = [[name_of(subject), kind, row.get("subject_version", ""), f"{build}: {row.get('compiler', '')}", settings]
            for (build, subject, kind, settings), row in seen.items()]
    return Table("Who is measured, in which version, and how it is used", ["", "", "version", "build", "settings"],
                 rows, missing_note(result))


# The original's launch article: 10-core laptop-class ARM machine, against OpenTelemetry's SDK for Rust.
ARTICLE_MACHINE = "a 10-core laptop-class ARM machine, beside OpenTelemetry's SDK for Rust"
SAMPLED = ("there: sampled down to 1 in 128, what was left out counted as throughput, beside a synchronous exporter; "
           "here: all recorded")


def metric_case(entity, profile, ours, theirs, unlike=""):
    return cases.Case("", (*cases.metric(entity, ours), ("profile", profile)),
                      (*cases.metric(entity, theirs), ("profile", profile)), unlike)


def span_case(scenario):
    facts = (("scenario", scenario), ("mode", "burst"))
    return cases.Case("", facts, facts, SAMPLED)


ARTICLE = [
    ("labeled_counter, churn", 8_798_611_227, 3_721_890,
     metric_case("labeled_counter", "churn", "handle", "labels", cases.PER_CALL)),
    ("dynamic_counter, uniform", 6_075_946_906, 3_485_690,
     metric_case("dynamic_counter", "uniform", "handle", "labels", cases.HANDLE)),
    ("the same, equal work", None, None, metric_case("dynamic_counter", "uniform", "labels", "labels")),
    ("spans, pipeline", 59_388_005, 183_055, span_case("pipeline")),
    ("spans, root", 267_326_071, 1_056_078, span_case("root")),
    ("dynamic_gauge_i64, uniform", 32_229_521, 3_570_375,
     metric_case("dynamic_gauge_i64", "uniform", "handle", "labels", cases.HANDLE)),
]


def of_article(result):
    rows = []
    for what, fast, otel, case in ARTICLE:
        there = [f"{fast:,}", f"{otel:,}", times(fast / otel)] if fast else ["–"] * 3
        here = ["–"] * 3
        if pair := cases.beside(result, case).get("otel-cpp"):
            theirs, ours = pair
            here = [figure(ours["medians"]["ops_per_s"]), figure(theirs["medians"]["ops_per_s"]),
                    times(cases.ratio(theirs, ours)["ratio"])]
        rows.append([what, *there, *here, case.unlike])
    machine = result["machine"]
    return Table("Beside the headline figures of the original's launch article",
                 ["", "original, ops/s", "its peer, ops/s", "ratio", "here, ops/s", "opentelemetry-cpp, ops/s",
                  "ratio of CPU time", "unlike work"], rows,
                 f"Theirs: {ARTICLE_MACHINE}, about a millisecond of work in one run. Ours: {machine['cpu']}, "
                 f"{machine['cpus']} CPUs{', virtual' if machine['hypervisor'] else ''}, {cases.THREADS} threads.")


def markdown(table):
    def line(cells):
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    rule = "|" + "|".join(["---"] + ["---:"] * (len(table.header) - 1)) + "|"
    return "\n".join([line(table.header), rule, *map(line, table.rows)]) + "\n"
