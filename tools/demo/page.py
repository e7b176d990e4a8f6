"""The page at the end of the demo."""
import os
import platform

GOAL_PERCENT = 2.0
GOAL_HALF_WIDTH = 3.0


def number(value):
    return f"{value:,.0f}".replace(",", " ")


def microseconds(ns):
    return f"{ns / 1000:.2f} µs"


def milliseconds(ms):
    return f"{ms:.2f} ms"


def machine():
    """One line on what was measured."""
    model = "unknown CPU"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}"


def table(rows):
    """Columns as wide as they need to be; the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                      for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows)


def verdict(overhead):
    if overhead.half_width > GOAL_HALF_WIDTH:
        return "too inexact to say (a busy machine? --quick?)"
    return "goal met" if overhead.percent < GOAL_PERCENT else "goal NOT met"


def cost(results):
    """`results`: by pipeline depth a measured Comparison."""
    head, ops, cpu, p50, p99, records = [""], ["operations per second"], ["proxy's CPU per operation"], [
        "latency p50"], ["latency p99"], ["records per second"]
    for pipeline, result in results.items():
        head += [f"-P {pipeline}: bare", "with telemetry"]
        for row, of, show in ((ops, "per_second", number), (cpu, "cpu_ns_per_request", microseconds),
                              (p50, "p50_ms", milliseconds), (p99, "p99_ms", milliseconds)):
            row += [show(result.mean(result.bare, of)), show(result.mean(result.instrumented, of))]
        records += ["", number(result.mean(result.instrumented, "per_second") * result.records_per_operation)]
    lines = [table([head, ops, cpu, p50, p99, records]), ""]
    for pipeline, result in results.items():
        found = result.overhead
        lines.append(f"  Overhead at -P {pipeline:<2} {found.percent:+.2f} % of the proxy's CPU time, 95 % interval "
                     f"{found.low:+.2f} % to {found.high:+.2f} %, {len(result.bare)} pairs: {verdict(found)}")
    lines += ["", f"  Goal: below {GOAL_PERCENT:g} % with an interval no wider than ±{GOAL_HALF_WIDTH:g} %. Of the logarithms of "
              "paired ratios: Hodges' and Lehmann's estimate, and the interval of Wilcoxon's signed ranks.",
              "  CPU time: user and system, all threads, serving the scrapes included (/proc/PID/task/*/schedstat).",
              "  Records: counter and latency histogram by command and by tenant, bytes in and out per pipeline."]
    return "\n".join(lines)


def agreement(sent, executed, seen, backend):
    """The table of totals by command, and the names of those that differ."""
    rows = [("command", "sent", f"{backend} executed", "Prometheus has", "")]
    different = []
    for command in sorted(sent.keys() | executed.keys() | seen.keys()):
        totals = [source.get(command, 0) for source in (sent, executed, seen)]
        if any(totals):
            equal = len(set(totals)) == 1
            rows.append((command, *map(number, totals), "equal" if equal else "DIFFERENT"))
            if not equal:
                different.append(command)
    return table(rows), different
