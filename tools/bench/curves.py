# SPDX-License-Identifier: Apache-2.0
"""Curves: how a figure changes with threads, series, shards."""
import re

from bench.programs import progress


WHAT = {  # curve -> what it shows, and what x is
    "threads": ("One record, by threads that record", "threads"),
    "series": ("One record, and memory, by series", "series"),
    "latency": ("Single records of 100 000 series while another CPU is busy", "percentile"),
    "thread_churn": ("One record, beside threads that begin and end", "threads that start others all the time"),
    "fold": ("Collecting, by series", "series"),
    "encode": ("Encoding, by series", "series"),
    "simulated_fold": ("Collecting, by simulated CPUs that recorded", "CPUs"),
    "simulated_memory": ("Memory, by simulated CPUs that recorded", "CPUs"),
}


def measure(build, matrix, pattern=""):
    """The points of every curve that matches, at the matrix' size."""
    if "curves_bench" not in build.programs:
        return []
    points = []
    for name in build.printed("curves_bench", ["--list"]).split():
        if re.search(pattern, f"curves/{name}"):
            progress(f"curve: {name}")
            points += build.lines("curves_bench", ["--curve", name, "--size", matrix])
    progress()
    return points


def grouped(points):
    """A chart per curve and unit: what has no common axis has none."""
    charts = {}
    for point in points:
        chart = charts.setdefault((point["curve"], point["unit"]), {})
        chart.setdefault(point["series"], []).append((point["x"], point["value"]))
    named = {curve: WHAT.get(curve, (curve, "")) for curve, _ in charts}
    return [{"title": f"{named[curve][0]}: {unit}", "x_name": named[curve][1], "unit": unit, "series": series}
            for (curve, unit), series in charts.items()]
