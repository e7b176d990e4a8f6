# SPDX-License-Identifier: Apache-2.0
"""Two results beside each other: the gate that a change must pass, and whether two runs agree.

The gate judges by ratios to what the same run measured beside each row, so that a machine that is slower as a whole
moves nothing. A row is worse when its ratio rose by more than 10 % and what the spreads of all four medians explain;
one too uneven to judge, when its middle halves do not meet either.
"""
import re

from bench import figures, placement
from bench.cases import FIGURE
from bench.micro_tables import PEERS
from bench.plan import UNIT

TOLERANCE = 0.10
UNCLEAR = 0.25  # spreads that explain more than this hide a regression that matters: said, not judged

MICRO_UNIT = "record_bench:BM_local_increment/threads:1"


class Different(Exception):
    """Results that cannot be compared."""


def kind(result):
    return "micro" if "attempts" in result else "matrix"


def figures_of_row(row):
    """Of a rate, the time that it leaves for each span."""
    rate = row["summary"].get("sustained_spans_per_s")
    if rate is None:
        return row["summary"][FIGURE]
    return {"median": 1e9 / rate["median"], "q1": 1e9 / rate["q3"], "q3": 1e9 / rate["q1"]}


def places_of(result):
    """Name -> [(place, figures)] of every row that is a time, for each place that it was measured in."""
    if kind(result) == "micro":
        return {name: [(("", 0), {**row, "median": row["median_ns"], "q1": row["q1_ns"], "q3": row["q3_ns"]})]
                for name, row in result["attempts"][-1]["summary"].items() if isinstance(row, dict)}
    return {row["key"]: [(placement.place_of(result, part), figures_of_row(part))
                         for part in (row, row.get("elsewhere")) if part]
            for row in result["rows"]}


def in_one_place(first, second):
    """Pairs of figures of a row that were measured in the same place, and which place of the first that was."""
    return [(one, two, place[0]) for place, one in first for other, two in second if placement.same(place, other)]


def units_of(result):
    """Name -> name of the row of the same result that it is divided by."""
    if kind(result) == "micro":
        return {name: MICRO_UNIT for name in places_of(result)}
    units = {(row["build"], row["threads"]): row["key"] for row in result["rows"]
             if UNIT.items() <= row.items()}
    return {row["key"]: units.get((row["build"], row["threads"]), "the sharded counter") for row in result["rows"]}


def ratios(result):
    """Name -> (places, figures of its unit, which is the same in any place) of every row but the units."""
    found, units = places_of(result), units_of(result)
    if missing := set(units.values()) - found.keys():
        raise Different(f"{', '.join(sorted(missing))}: not measured, so nothing can be divided by it")
    return {name: (places, found[units[name]][0][1]) for name, places in found.items() if units[name] != name}


def gate(base, new, pattern=""):
    """(verdict, name, sentence) of every row that matches. Verdicts: gone, new, same, better, unclear, worse, and
    slower, which is worse of others."""
    if kind(base) != kind(new) or base.get("matrix") != new.get("matrix"):
        raise Different("the results are of different measurements")
    before, after = ({name: row for name, row in ratios(result).items() if re.search(pattern, name)}
                     for result in (base, new))
    found = [("gone", name, "was measured and is not any more") for name in before if name not in after]
    found += [("new", name, "is measured for the first time") for name in after if name not in before]
    for name in before:
        if name not in after:
            continue
        (old_places, old_unit), (places, unit) = before[name], after[name]
        common = in_one_place(old_places, places)
        if not common:
            found.append(("unclear", name, "was disturbed, or measured with its CPUs in another place"))
            continue
        old_row, row, _ = common[0]
        was, now = old_row["median"] / old_unit["median"], row["median"] / unit["median"]
        change = now / was - 1
        spread = sum(figures.half_width(part) for part in (old_row, old_unit, row, unit))
        # Two threads on one line have two speeds, and a median is one of them: what is slow now was seen before.
        apart = row["q1"] / unit["median"] > old_row["q3"] / old_unit["median"]
        verdict = judge(change, spread, apart)
        if verdict == "worse" and not is_ours(name):
            verdict = "slower"
        found.append((verdict, name, f"{was:.3g} -> {now:.3g} of its unit, {100 * change:+.1f} %, "
                      f"allowed {100 * (TOLERANCE + spread):.1f} %"))
    return found


def is_ours(name):
    """Not a peer's or a baseline's, which no change here makes worse; but a comparison that is gone is missed."""
    binary, is_micro, _ = name.partition(":")
    return binary.removeprefix("newer/") not in PEERS if is_micro else name.endswith("/fast")


def judge(change, spread, apart):
    allowed = TOLERANCE + spread
    if change > allowed and (apart or allowed <= UNCLEAR):
        return "worse"
    if allowed > UNCLEAR:
        return "unclear"
    return "better" if change < -allowed else "same"


def show_gate(base, new, pattern=""):
    """Prints what moved; the exit code."""
    found = gate(base, new, pattern)
    for verdict, name, text in sorted(found):
        if verdict != "same":
            print(f"{verdict:8}  {name}: {text}")
    counts = {verdict: sum(row[0] == verdict for row in found) for verdict in ("worse", "gone", "unclear")}
    print(f"{len(found)} rows: {counts['worse']} worse, {counts['gone']} gone, {counts['unclear']} too uneven to judge")
    return 1 if counts["worse"] or counts["gone"] else 0


def show_agreement(first, second):
    """Prints the rows whose medians lie outside the stated spread; the exit code. The second's figures are told as
    they were at the first's clock."""
    one, two = places_of(first), places_of(second)
    both = [name for name in one if name in two]
    pairs = {name: [(a, figures.scaled(b, placement.clock(first, second, place)))
                    for a, b, place in in_one_place(one[name], two[name])] for name in both}
    outside = {name: [pair for pair in pairs[name] if not figures.agree(*pair)] for name in both}
    for name, (a, b) in ((name, pair) for name in both for pair in outside[name]):
        print(f"outside  {name}: {a['median']:.4g} ({a['q1']:.4g} … {a['q3']:.4g}) and "
              f"{b['median']:.4g} ({b['q1']:.4g} … {b['q3']:.4g}) ns")
    judged = [name for name in both if pairs[name]]
    differ = sum(bool(outside[name]) for name in judged)
    for name in both:
        if not pairs[name]:
            print(f"not judged  {name}: disturbed in one result, or measured in different places")
    alone = len(one.keys() ^ two.keys())
    print(f"{len(judged)} rows in both: {len(judged) - differ} agree, {differ} outside the stated spread"
          + (f"; {len(both) - len(judged)} disturbed, or measured in different places" if judged != both else "")
          + (f"; {alone} in one result only" if alone else ""))
    return 1 if differ or not judged else 0
