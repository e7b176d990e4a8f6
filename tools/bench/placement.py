# SPDX-License-Identifier: Apache-2.0
"""Where runs were made: with the CPUs of their first two threads near each other, or far apart.

A hypervisor moves a virtual machine's CPUs between cores that share a cache and cores that do not, within seconds; what
threads contend for costs twice as much, or five times, in one place. So each run says how long a cache line takes from
one CPU to the other and back, and a row's figure is of runs made in one place.
"""
import math
import statistics

NEAR, FAR, MOVED = "near", "far", "moved"
TRIPS = ("round_trip_before_ns", "round_trip_after_ns")
APART = 2.0  # times the short round trips of a result: another place


def round_trips(run):
    """Before the run and after it; none with one thread, or one CPU."""
    return [run[name] for name in TRIPS if run.get(name)]


def limit_of(runs):
    """From here on a round trip is one between CPUs that are apart. By the twentieth part of all that is shortest, not
    by the shortest: one that a clock cut short is not to be the measure."""
    trips = sorted(trip for run in runs for trip in round_trips(run))
    return APART * trips[len(trips) // 20] if trips else math.inf


def of_run(run, limit):
    trips = round_trips(run)
    if not trips or max(trips) < limit:
        return NEAR
    return FAR if min(trips) >= limit else MOVED


def grouped(runs, limit):
    found = {NEAR: [], FAR: [], MOVED: []}
    for run in runs:
        found[of_run(run, limit)].append(run)
    return found


def enough(runs):
    """Of so many, how many make a figure."""
    return math.ceil(runs / 3)


def chosen(runs, limit):
    """(place, the runs there, those far apart if they make a figure too). Near before far; all where neither does. No
    place if it does not matter."""
    groups = grouped(runs, limit)
    near, far = ([] if len(groups[place]) < enough(len(runs)) else groups[place] for place in (NEAR, FAR))
    if near:
        return NEAR if any(map(round_trips, near)) else "", near, far
    return (FAR, far, []) if far else (MOVED, runs, [])


def of_all(runs, limit):
    """How much was measured where, and the median round trip there. Nothing if no run has two CPUs."""
    groups = grouped([run for run in runs if round_trips(run)], limit)
    all_runs = sum(map(len, groups.values()))
    return {place: {"runs": len(group), "share": round(len(group) / all_runs, 3),
                    "round_trip_ns": round(statistics.median(trip for run in group for trip in round_trips(run)), 1)}
            for place, group in groups.items() if group}


def same(trip, other):
    """Whether two round trips are of one place. 0: it does not matter, or is not known."""
    return not trip or not other or max(trip, other) < APART * min(trip, other)


def sentence(result):
    words = {NEAR: "near each other", FAR: "apart", MOVED: "moved meanwhile"}
    found = [f"{words[place]} in {part['runs']} runs (a cache line's round trip: {part['round_trip_ns']:.0f} ns)"
             for place, part in result.get("placements", {}).items()]
    return f"The CPUs were {', '.join(found)}." if found else ""
