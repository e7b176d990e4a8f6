# SPDX-License-Identifier: Apache-2.0
"""Which rows a matrix has: everything that a build's programs say they can run, within the matrix' bounds."""
import math
import os
import re
from dataclasses import dataclass, field

PROFILES = ("uniform", "hotspot", "churn")
UNLABELLED = ("counter", "distribution", "histogram", "counter_set")  # a profile chooses labels

# Many short runs rather than few long ones: a row's runs differ by where the machine has its CPUs, hardly by chance.
SECONDS = {"quick": ("--seconds", "0.2"), "full": ("--seconds", "1")}  # that a run measures, about
ROUNDS = {"quick": 13, "full": 9}
LIMIT_S = {"quick": 490, "full": math.inf}  # after which no row is run again: ten minutes are promised, curves included
OURS = {"fast", "atomic", "sharded"}  # what needs no package
UNIT = {"entity": "counter", "subject": "sharded"}  # what rows are divided by: atomics that no two threads share

# Entities and their profiles. Beside those that goals are about: what the original's launch article shows.
QUICK = {"counter": ("uniform",), "histogram": ("uniform",), "distribution": ("uniform",),
         "labeled_counter": PROFILES, "dynamic_counter": ("uniform", "hotspot"), "dynamic_gauge_i64": ("uniform",)}


@dataclass(frozen=True)
class Row:
    """One command line; its runs are one row of the result."""
    build: str
    program: str
    facts: tuple  # (name, value) of what tells rows apart
    arguments: tuple = field(compare=False)
    every: int = field(default=1, compare=False)  # in how many rounds it runs once

    @property
    def key(self):
        # "root" alone between slashes would be read as a folder.
        names = (f"{value}_spans" if name == "scenario" else str(value) for name, value in self.facts)
        return "/".join([self.build, *names])

    def planned(self, rounds):
        """Runs in so many rounds."""
        return -(-rounds // self.every)

    def matches(self, pattern):
        return re.search(pattern, self.key) is not None


def thread_counts(matrix):
    cpus = max(2, os.cpu_count())
    if matrix == "quick":
        return sorted({2, cpus})
    return sorted({*(2**i for i in range(cpus.bit_length()) if 2**i <= cpus), cpus})


def metric_rows(build, listed, matrix):
    result = []
    for entry in listed:
        entity = entry["entity"]
        if entity.startswith("labeled_") and entry["access"] == "labels" and entry["subject"] in OURS:
            continue  # an enumerator is no handle and no lookup: the row by handle again
        profiles = QUICK.get(entity, ()) if matrix == "quick" else ("uniform",) if entity in UNLABELLED else PROFILES
        for profile in profiles:
            for threads in thread_counts(matrix):
                facts = (("entity", entity), ("access", entry["access"]), ("profile", profile),
                         ("threads", threads), ("subject", entry["subject"]))
                result.append(Row(build, "contention_bench", facts, (*options(facts), *SECONDS[matrix])))
    return result


def span_rows(build, listed, matrix):
    result = []
    for entry in listed:
        for threads in thread_counts(matrix):
            facts = (("scenario", entry["scenario"]), ("mode", entry["mode"]), ("threads", threads),
                     ("subject", entry["subject"]))
            # A search of several tries, and their maximum: long, and steady.
            every = 2 if matrix == "quick" and entry["mode"] == "sustained" else 1
            result.append(Row(build, "span_contention_bench", facts, (*options(facts), *SECONDS[matrix]), every))
    return result


def options(facts):
    return tuple(text for name, value in facts for text in (f"--{name}", str(value)))


ROWS_OF = {"contention_bench": metric_rows, "span_contention_bench": span_rows}


def rows(builds, matrix, pattern=""):
    """Each is measured in the first build that has it; ours and what it is divided by in every one."""
    result, elsewhere = [], set()
    for build in builds:
        for program, rows_of in ROWS_OF.items():
            # Spans have no peer in the build on this machine: they are measured where they have one.
            if program not in build.programs or (program == "span_contention_bench" and build is not builds[-1]):
                continue
            listed = [entry for entry in build.lines(program, ["--list"])
                      if entry["subject"] not in elsewhere or UNIT.items() <= entry.items()]
            result += rows_of(build.name, listed, matrix)
        elsewhere |= {dict(row.facts)["subject"] for row in result} - {"fast"}
    return [row for row in result if row.matches(pattern)]
