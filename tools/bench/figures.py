# SPDX-License-Identifier: Apache-2.0
"""What several runs of one row amount to."""
import math
import statistics

HIGH_CV = 0.10
NARROW = 0.05  # two medians this near agree, however narrow the spreads


def trimmed_mean(values):
    """Drops floor((n - 1) / 4) on each side; below five runs that would leave too few: their median."""
    if len(values) < 5:
        return statistics.median(values)
    drop = (len(values) - 1) // 4
    return statistics.fmean(sorted(values)[drop:len(values) - drop])


def variation(values):
    """The coefficient of variation: standard deviation of the runs by their mean."""
    mean = statistics.fmean(values)
    return statistics.stdev(values) / mean if len(values) > 1 and mean else 0.0


def summary(values):
    q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    cv = variation(values)
    return {"median": median, "q1": q1, "q3": q3, "least": min(values), "greatest": max(values),
            "trimmed_mean": trimmed_mean(values), "cv": cv, "high_cv": cv > HIGH_CV, "runs": len(values)}


def ratio(upper, lower):
    """Median by median, and between which the ratio lies when both are anywhere in their middle halves."""
    return {"ratio": upper["median"] / lower["median"], "low": upper["q1"] / lower["q3"],
            "high": upper["q3"] / lower["q1"]}


def half_width(row):
    """Half of the middle half, as a share of the median."""
    return (row["q3"] - row["q1"]) / 2 / row["median"]


def scaled(row, factor):
    return {**row, **{name: factor * row[name] for name in ("median", "q1", "q3")}}


def agree(first, second):
    """Whether two medians differ by no more than their stated spread: both middle halves together, or 5 %."""
    allowed = max(first["q3"] - first["q1"] + second["q3"] - second["q1"], NARROW * first["median"])
    return abs(second["median"] - first["median"]) <= allowed


def rounded(value, digits=6):
    """For results that are committed: no digits that no measurement has."""
    if not isinstance(value, float) or not math.isfinite(value) or value == 0:
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))
