#!/usr/bin/env python3
"""Runs the micro-benchmarks and prints their tables, or a matrix beside peers (--matrix); `./dev bench` builds them.

Every benchmark runs for a short time in each of several rounds, and every round begins at another one, so that a slow
minute of the machine does not fall on one row. A run's figure is the median time of its passes (bench/micro/passes.h),
a row's figure is the median of its runs, ratios are between medians of one measurement, and the spread printed is the
middle half of the runs. Nothing is filtered. When a limit is missed, everything is measured once more.

Exit code: 0; 1 when a limit is missed, also in the repetition, or a goal of the matrix, or the gate is not passed;
2 when a benchmark computed something wrong or did not run.
"""
import argparse
import json
import pathlib
import shlex
import sys

from bench import compare, docs, matrix, micro, plan, report
from bench.host import ROOT
from bench.micro_tables import Incomplete, print_report


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="the build tree")
    parser.add_argument("--out", type=pathlib.Path, help="where the result goes; default: in build/bench")
    parser.add_argument("--filter", help="only rows that match this regular expression")
    parser.add_argument("--repeats", "--rounds", type=int, help="runs of each: 9, or 13 in the quick matrix")
    parser.add_argument("--min-time", type=float, default=0.05, help="seconds that one micro-benchmark takes at least")
    parser.add_argument("--quick", action="store_true", help="each once, for its answer only: no table, no limits")
    parser.add_argument("--markdown", action="store_true", help="print the tables for a page")
    parser.add_argument("--matrix", choices=("quick", "full"),
                        help="beside peers, with threads and an exporter, and a report")
    parser.add_argument("--strict-preflight", action="store_true", help="do not measure on a machine that is not quiet")
    parser.add_argument("--compare", type=pathlib.Path, metavar="BASE",
                        help="the gate: measure what BASE is of, and fail where a row is worse beside its unit")
    parser.add_argument("--result", type=pathlib.Path, help="with --compare: judge this result; measures nothing")
    parser.add_argument("--agree", type=pathlib.Path, nargs=2, metavar="RESULT",
                        help="which rows of two results differ by more than their stated spread; measures nothing")
    parser.add_argument("--show", type=pathlib.Path, metavar="RESULT", help="print a result again; measures nothing")
    parser.add_argument("--report", type=pathlib.Path, metavar="RESULT",
                        help="write a matrix' page again, to build/bench/report.html; measures nothing")
    parser.add_argument("--update-docs", type=pathlib.Path, metavar="RESULT",
                        help="write the tables of README.md and docs/benchmarks.md from a result in bench/results")
    return parser


def load(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise docs.Refused(f"{path} cannot be read as a result: {error}") from error


def measure_any(args):
    args.repeats = args.repeats or plan.ROUNDS.get(args.matrix, 9)
    if args.matrix:
        return matrix.run(args, shlex.join(["./dev", "bench", *sys.argv[1:]]))
    return micro.run(args)


def gate(args):
    """Beside a base, its verdict alone counts: limits and goals are another run's business."""
    base = load(args.compare)
    if args.result:
        return compare.show_gate(base, load(args.result), args.filter or "")
    args.matrix = base.get("matrix")
    status, result = measure_any(args)
    return compare.show_gate(base, result, args.filter or "") if result else status


def main():
    args = options().parse_args()
    try:
        if args.show:
            print_report(load(args.show)["attempts"][-1], args.markdown)
        elif args.report:
            (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
            (ROOT / "build/bench/report.html").write_text(report.page(load(args.report)))
        elif args.update_docs:
            docs.update(args.update_docs)
        elif args.agree:
            return compare.show_agreement(*map(load, args.agree))
        elif args.compare:
            return gate(args)
        else:
            return measure_any(args)[0]
    except (micro.WrongAnswer, matrix.Failed, compare.Different, docs.Refused, Incomplete) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
