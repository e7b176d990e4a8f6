# SPDX-License-Identifier: Apache-2.0
"""Which rows of a result stand beside each other, and where the work is not the same."""
from dataclasses import dataclass

from bench import figures

FIGURE = "writer_ns_per_op"  # the writers' own CPU time: what a program pays for a record
THREADS = 2
NAMES = {"fast": "fast-telemetry", "atomic": "one atomic", "sharded": "an atomic per thread",
         "otel-cpp": "opentelemetry-cpp", "otel-cpp-bound": "opentelemetry-cpp, bound"}
BASELINES = ("atomic", "sharded")
PEERS = ("prometheus-cpp", "otel-cpp")  # whose columns are there also when they could not be measured
PER_CALL = "unlike work: ours picks a cell by an enumerator, the peer is given attributes in each call"
BUCKETS = "unlike work: opentelemetry-cpp 1.19 has no exponential histogram; an explicit one with as many buckets"
HANDLE = "unlike work: ours through a handle, the peer is given attributes in each call"


@dataclass(frozen=True)
class Case:
    what: str
    ours: tuple  # pairs of a result's row: what is compared
    theirs: tuple
    unlike: str = ""


def name_of(subject):
    return NAMES.get(subject, subject)


def measured_subjects(result):
    return list(dict.fromkeys(row["subject"] for row in result["rows"]))


def missing_peers(result):
    """Peer -> why it has no row."""
    reasons = {"otel-cpp": result["newer_missing"]}
    return {peer: reasons.get(peer) or "not in this build, or not asked for"
            for peer in PEERS if peer not in measured_subjects(result)}


def metric(entity, access):
    return (("entity", entity), ("access", access))


def rows_with(result, subject, facts, threads=THREADS):
    return [row for row in result["rows"] if row["subject"] == subject and row["threads"] == threads
            and all(row.get(name) == value for name, value in dict(facts).items())]


def counterparts(result, subject, ours, peer, theirs, threads=THREADS):
    """Pairs of rows of one build and one profile."""
    return [(row, beside) for row in rows_with(result, subject, ours, threads)
            for beside in rows_with(result, peer, theirs, threads)
            if row["build"] == beside["build"] and row.get("profile") == beside.get("profile")]


def at(row, place):
    """A row's figures in a place, if it has any of its own there."""
    elsewhere = row.get("elsewhere", {})
    return elsewhere if elsewhere.get("placement") == place else row


def ratio(theirs, ours):
    """In the place that theirs was measured in."""
    ours = at(ours, theirs.get("placement"))
    return figures.ratio(theirs["summary"][FIGURE], ours["summary"][FIGURE])


def entity_cases(entity):
    words = entity.replace("_", " ")
    handle, labels = metric(entity, "handle"), metric(entity, "labels")
    if entity.startswith("labeled_"):
        return [Case(f"{words}, resolved before", handle, handle),
                Case(f"{words}, attributes in each call", handle, labels, PER_CALL)]
    if entity.startswith("dynamic_"):
        return [Case(f"{words}, by handle", handle, handle), Case(f"{words}, by labels in each call", labels, labels),
                Case(f"{words}, handle beside labels", handle, labels, HANDLE)]
    return [Case(words, handle, handle, BUCKETS if entity == "distribution" else "")]


def metric_cases(result):
    """Every comparison that the result's rows allow, one per profile."""
    entities = dict.fromkeys(row["entity"] for row in result["rows"] if "entity" in row)
    for entity in entities:
        profiles = dict.fromkeys(row["profile"] for row in result["rows"] if row.get("entity") == entity)
        for case in entity_cases(entity):
            for profile in profiles:
                what = case.what + (f", {profile}" if len(profiles) > 1 else "")
                yield Case(what, (*case.ours, ("profile", profile)), (*case.theirs, ("profile", profile)), case.unlike)


def span_cases(result):
    for scenario in dict.fromkeys(row["scenario"] for row in result["rows"] if "scenario" in row):
        facts = (("scenario", scenario), ("mode", "burst"))
        yield Case(f"{scenario} span", facts, facts)


def beside(result, case, threads=THREADS):
    """Subject -> (its row, ours in the same build) of every subject that has this case but ours."""
    found = {}
    for subject in measured_subjects(result):
        if subject != "fast":
            for ours, theirs in counterparts(result, "fast", case.ours, subject, case.theirs, threads)[:1]:
                found[subject] = (theirs, ours)
    return found
