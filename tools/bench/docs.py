# SPDX-License-Identifier: Apache-2.0
"""The figures of the documentation: blocks between markers, each written from a result of bench/results.

<!-- bench:NAME PATH --> begins a block and <!-- /bench --> ends it. A block without a path was never written; its text
stands as it is. tools/check_docs.py fails when a block with a path is not, byte for byte, what the result gives.
"""
import json
import re

from bench import cases, curves, host, micro_tables, placement, tables
from bench.charts import figure, number
from bench.compare import kind

PAGES = ("README.md", "docs/benchmarks.md")
RESULTS = "bench/results"
BLOCK = re.compile(r"<!-- bench:(\w+)(?: (\S+))? -->\n(.*?)<!-- /bench -->", re.DOTALL)


class Refused(Exception):
    pass


def noted(table):
    return tables.markdown(table) + (f"\n{table.note}\n" if table.note else "")


def measured_on(result):
    machine, built = host.described(result["machine"])
    return (f"Measured on {machine}; {built}; `{result['command']}`, {result['rounds']} interleaved rounds of "
            f"{len(result['rows'])} rows in {result['seconds']:.0f} s. {placement.sentence(result)}\n")


def peers(result):
    """The README's: one profile, and one row per question."""
    uniform = [case for case in cases.metric_cases(result)
               if ("profile", "uniform") in case.ours and case.unlike != cases.HANDLE]
    found = tables.of_cases(result, "", [*uniform, *cases.span_cases(result)], tables.shown_subjects(result))
    rows = [[row[0].replace(", uniform", ""), *row[1:]] for row in found.rows]
    return noted(tables.Table("", found.header, rows, found.note))


def curve_tables(result):
    text = []
    for curve in curves.grouped(result["curves"]):
        names = list(curve["series"])
        xs = sorted({x for points in curve["series"].values() for x, _ in points})
        at = {name: dict(points) for name, points in curve["series"].items()}
        rows = [[number(x), *(figure(at[name][x]) if x in at[name] else "–" for name in names)] for x in xs]
        text.append(f"**{curve['title']}**\n\n" + tables.markdown(tables.Table("", [curve["x_name"], *names], rows)))
    return "\n".join(text)


def of(table):
    return lambda result: noted(table(result))


WRITERS = {  # block -> the kind of result it is written from, and how
    "record": ("micro", micro_tables.readme),
    "peers": ("matrix", peers),
    "machine": ("matrix", measured_on),
    "goals": ("matrix", of(tables.of_verdicts)),
    "metrics": ("matrix", of(tables.of_metrics)),
    "spans": ("matrix", of(tables.of_spans)),
    "accounts": ("matrix", of(tables.of_accounts)),
    "article": ("matrix", of(tables.of_article)),
    "curves": ("matrix", curve_tables),
    "subjects": ("matrix", of(tables.of_subjects)),
}
SOURCED = ("record", "peers", "machine")  # one per page and result


def block(name, path, result):
    source = f"\nThe whole result is `{path}`.\n" if name in SOURCED else ""
    return f"<!-- bench:{name} {path} -->\n{WRITERS[name][1](result)}{source}<!-- /bench -->"


def rewritten(text, path, result):
    """The page with every block that is written from such a result."""
    def of_result(found):
        return block(found[1], path, result) if WRITERS[found[1]][0] == kind(result) else found[0]

    return BLOCK.sub(of_result, text)


def update(path):
    path = path.resolve()
    if path.parent != host.ROOT / RESULTS:
        raise Refused(f"copy {path.name} to {RESULTS} first: the documentation rests on results that are committed")
    result = json.loads(path.read_text())
    for page in PAGES:
        file = host.ROOT / page
        file.write_text(rewritten(file.read_text(), f"{RESULTS}/{path.name}", result))


def stale():
    """A sentence per block that is not what its result gives."""
    found = []
    for page in PAGES:
        for match in BLOCK.finditer((host.ROOT / page).read_text()):
            name, path = match[1], match[2]
            if path and not (host.ROOT / path).exists():
                found.append(f"{page}: block {name} is written from {path}, which does not exist")
            elif path and match[0] != block(name, path, json.loads((host.ROOT / path).read_text())):
                found.append(f"{page}: block {name} is not what {path} gives: tools/bench.py --update-docs {path}")
    return found
