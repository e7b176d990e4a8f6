# SPDX-License-Identifier: Apache-2.0
"""Curves: how a figure changes with threads, series, shards."""
import re

from bench.programs import progress


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
    return [{"title": f"{curve.replace('_', ' ')}: {unit}", "x_name": curve.replace("_", " "), "unit": unit,
             "series": series} for (curve, unit), series in charts.items()]
