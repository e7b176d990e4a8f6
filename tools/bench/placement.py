# SPDX-License-Identifier: Apache-2.0
"""Where runs were made: with the CPUs near each other or apart, and whether somebody else had a share of them.

A hypervisor moves a virtual machine's CPUs between cores that share a cache and cores that do not, within seconds; what
threads contend for costs twice as much, or five times, in one place. And now and then another machine has the other
half of a core, and all that is computed takes longer. So each run says, of before and after, how long a cache line
takes from one CPU to the other and back, and how long a piece of work takes that is always the same. A row's figure is
of undisturbed runs in one place.
"""
import math
import statistics

from bench import figures

NEAR, FAR, DISTURBED = "near", "far", "disturbed"
APART = 2.0  # times the short round trips of a result: another place
# Times the short times of the same work: not alone on the core. What the core's clock does meanwhile is less.
SLOWED = 1.10
SHORT = 1 / 20  # which of all are short; not the shortest, which a clock may have cut short
TRIPS = ("round_trip_before_ns", "round_trip_after_ns")
WORK = ("work_before_ns", "work_after_ns")
OBSERVED = (*TRIPS, *WORK)


def known(run, names):
    """What a run says of itself; no round trips with one CPU."""
    return [run[name] for name in names if run.get(name)]


def short(runs, names):
    found = sorted(value for run in runs for value in known(run, names))
    return found[int(len(found) * SHORT)] if found else math.inf


def limits_of(runs):
    """From here on CPUs are apart, and work is slowed."""
    return APART * short(runs, TRIPS), SLOWED * short(runs, WORK)


def of_run(run, limits):
    apart, slowed = limits
    if max(known(run, WORK), default=0) > slowed:
        return DISTURBED
    trips = known(run, TRIPS)
    if max(trips, default=0) < apart:
        return NEAR
    return FAR if min(trips) >= apart else DISTURBED


def grouped(runs, limits):
    found = {NEAR: [], FAR: [], DISTURBED: []}
    for run in runs:
        found[of_run(run, limits)].append(run)
    return found


def enough(runs):
    """Of so many that were planned, how many make a figure: of few, a middle half says little."""
    return max(min(3, runs), math.ceil(runs / 2))


def wanted(runs):
    """How many are better: of something uneven, two medians of five runs lie outside their middle halves once in
    twenty, of seven once in a hundred, of nine once in 250."""
    return max(min(3, runs), math.ceil(runs * 2 / 3))


def chosen(runs, limits, planned):
    """(place, the runs there, those far apart if they make a figure too). Near before far; all where neither does."""
    groups = grouped(runs, limits)
    near, far = ([] if len(groups[place]) < enough(planned) else groups[place] for place in (NEAR, FAR))
    if near:
        return NEAR, near, far
    return (FAR, far, []) if far else (DISTURBED, runs, [])


def lacking(runs, planned):
    """Rows with too few near runs, if near is where the CPUs often are, or with too few in any place."""
    every = [run for row_runs in runs.values() for run in row_runs]
    limits = limits_of(every)
    is_often_near = len(grouped(every, limits)[NEAR]) >= len(every) / 4
    found = []
    for row, row_runs in runs.items():
        groups = grouped(row_runs, limits)
        made = len(groups[NEAR]) if is_often_near else max(len(groups[NEAR]), len(groups[FAR]))
        if made < wanted(planned[row]):
            found.append(row)
    return found


def of_all(runs, limits):
    """How many runs were made where, the median round trip there, and what the same work took."""
    def median(group, names):
        found = [value for run in group for value in known(run, names)]
        return figures.rounded(statistics.median(found)) if found else 0

    return {place: {"runs": len(group), "round_trip_ns": median(group, TRIPS), "work_ns": median(group, WORK)}
            for place, group in grouped(runs, limits).items() if group}


def place_of(result, part):
    """(place, round trip) of a row's figures."""
    place = part.get("placement")
    return place, result.get("placements", {}).get(place, {}).get("round_trip_ns", 0)


def clock(first, second, place):
    """How many times faster the second result's cores computed in a place: their clock depends on who else is on the
    machine. 1 where it is not known."""
    one, two = (result.get("placements", {}).get(place, {}).get("work_ns", 0) for result in (first, second))
    return one / two if one and two else 1.0


def same(one, other):
    """Whether figures of two places can be compared. A round trip of 0: it does not matter, or is not known."""
    if DISTURBED in (one[0], other[0]):
        return False
    trip, other_trip = one[1], other[1]
    return not trip or not other_trip or max(trip, other_trip) < APART * min(trip, other_trip)


def sentence(result):
    words = {NEAR: "near each other in {} runs (a cache line's round trip: {:.0f} ns{})",
             FAR: "apart in {} ({:.0f} ns)", DISTURBED: "moved meanwhile, or shared with somebody else, in {}"}
    found = [words[place].format(part["runs"], part["round_trip_ns"],
                                 f"; the same work: {part['work_ns']:.3g} ns" if part.get("work_ns") else "")
             for place, part in result.get("placements", {}).items()]
    return f"The CPUs were {', '.join(found)}." if found else ""
