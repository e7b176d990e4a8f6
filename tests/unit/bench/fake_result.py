# SPDX-License-Identifier: Apache-2.0
"""A result as a matrix makes it, of programs that do not measure."""
import contextlib
import copy
import io
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent.parent / "tools")]

import fake_bench  # noqa: E402
from bench import cases, curves, matrix, plan, programs, verdicts  # noqa: E402

MACHINE = {"cpu": "a CPU", "cpu_family_and_model": "1 2", "cpus": 2, "governor": "none", "hypervisor": True,
           "memory_bytes": 2**33, "kernel": "6", "libc": "glibc 2.36", "compiler": "GNU 12", "flags": " -O2",
           "rseq": "ON", "commit": "c" * 40,
           "uncommitted_changes": False, "date": "2026-01-01"}
QUIET = {"loads": [0.1, 0.1, 0.1], "load_threshold": 0.25, "busy_processes": [], "spread": 0.02, "steal": 0.0}


class FakeBuild(programs.Build):
    """Its programs are functions of this process."""

    def __init__(self, name, change=lambda line: line):
        super().__init__(name, list(programs.FOLDERS), None)
        self.change = change

    def printed(self, program, arguments, what=""):
        return "\n".join(fake_bench.main(self.name, program, *arguments))

    def lines(self, program, arguments, what=""):
        return [self.change(line) for line in fake_bench.main(self.name, program, *arguments)]


def measured(change=lambda line: line, builds=("host", "newer"), rounds=9):
    builds = [FakeBuild(name, change) for name in builds]
    rows = plan.rows(builds, "quick")
    with contextlib.redirect_stderr(io.StringIO()):
        runs = matrix.measure(builds, rows, rounds)
        result = {"schema": 1, "kind": "matrix", "matrix": "quick", "command": "./dev bench --matrix quick",
                  "rounds": rounds, "machine": MACHINE, "preflight": QUIET,
                  "newer_missing": "" if len(builds) > 1 else "there is no <root> here",
                  **matrix.rows_result(runs, rounds),
                  "curves": curves.measure(builds[0], "quick"), "load_after": ["1", "1", "1"], "seconds": 1.0}
    return {**result, "verdicts": verdicts.of(result)}


RESULT = measured()


def slower(result, factor, matches=lambda row: True):
    changed = copy.deepcopy(result)
    for row in filter(matches, changed["rows"]):
        for name in ("median", "q1", "q3"):
            row["summary"][cases.FIGURE][name] *= factor
    return changed


def printed(function, *arguments):
    """Exit code and text."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        return function(*arguments), text.getvalue()
