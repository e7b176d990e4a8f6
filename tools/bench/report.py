# SPDX-License-Identifier: Apache-2.0
"""The page of a result: one file without any other, for screens, dark ones too, and for paper."""
import pathlib
from html import escape

from bench import cases, charts, curves, host, placement, tables, verdicts
from bench.cases import FIGURE, name_of

STYLE = (pathlib.Path(__file__).parent / "style.css").read_text()
CLASSES = {"fast": "ours", "prometheus-cpp": "prometheus", "otel-cpp": "otel", "otel-cpp-bound": "otel"}
WORDS = {"remark", "settings", "unlike work"}  # columns of sentences


def kind_of(subject):
    return CLASSES.get(subject, "base")


def cell(tag, column, content):
    kind = "words" if column in WORDS else content if content in ("kept", "missed") else ""
    return f"<{tag}{f' class={kind}' if kind else ''}>{escape(content)}</{tag}>"


def html_table(table):
    head = "".join(cell("th", name, name) for name in table.header)
    body = "".join(f"<tr>{''.join(cell('td', *pair) for pair in zip(table.header, row))}</tr>\n" for row in table.rows)
    note = f'<p class="quiet">{escape(table.note)}</p>' if table.note else ""
    return (f'<h3>{escape(table.title)}</h3>{note}<div class="scroll"><table><thead><tr>{head}</tr></thead>\n'
            f"<tbody>{body}</tbody></table></div>")


def card(verdict):
    profile = f", {verdict['profile']}" if verdict["profile"] else ""
    if verdict["ok"] is None:
        big, state = "–", '<span class="missed">not judged</span>'
    else:
        word = "kept" if verdict["ok"] else "missed"
        big = tables.times(verdict["ratio"])
        state = f'<span class="{word}">{word}</span>: ≥ {verdict["at_least"]:g} ×'
    remarks = "".join(f"<br>{escape(remark)}" for remark in verdicts.remarks(verdict))
    return (f'<div class="card"><b>{big}</b>{escape(verdict["what"] + profile)}<br>'
            f'beside {escape(name_of(verdict["peer"]))}<br>{state}{remarks}</div>')


def cards(result):
    return "".join(f'<h3>{kind.capitalize()}</h3><div class="cards">'
                   f'{"".join(card(verdict) for verdict in result["verdicts"] if verdict["kind"] == kind)}</div>'
                   for kind in ("metrics", "spans"))


def compared(result):
    """Cases that have a peer."""
    for case in [*cases.metric_cases(result), *cases.span_cases(result)]:
        others = cases.beside(result, case)
        if any(subject in others for subject in cases.PEERS):
            yield case, others


def speed_ups(result):
    rows = []
    for case, others in compared(result):
        label = case.what + (" †" if case.unlike else "")
        for subject, (theirs, ours) in others.items():
            if subject not in cases.BASELINES:
                found = cases.ratio(theirs, ours)
                note = f"{tables.times(found['ratio'])} ({found['low']:.3g} … {found['high']:.3g})"
                rows.append((label, found["ratio"], note, kind_of(subject)))
                label = ""  # said once for all peers
    return charts.bars("How many times the CPU time of a record the peers need", rows, " ×") if rows else ""


def dumbbells(result):
    rows = []
    for case, others in compared(result):
        ours = cases.rows_with(result, "fast", case.ours)[0]
        dots = [(name_of(subject), theirs["summary"][FIGURE]["median"], kind_of(subject))
                for subject, (theirs, _) in others.items()]
        rows.append((case.what + (" †" if case.unlike else ""),
                     [*dots, (name_of("fast"), ours["summary"][FIGURE]["median"], "ours")]))
    return charts.dumbbells("CPU time of one record", rows, "ns") if rows else ""


def captioned(chart, caption, keys=()):
    if not chart:
        return ""
    legend = "".join(f'<span class="key {kind}"></span>{escape(name)}' for name, kind in keys)
    return f"<figure>{chart}<figcaption>{legend}<br>{escape(caption)}</figcaption></figure>"


def curve_charts(result):
    return "".join(captioned(charts.lines(curve["title"], curve["series"], curve["x_name"], curve["unit"]),
                             curve["title"]) for curve in curves.grouped(result["curves"]))


def preflight(result):
    state = result["preflight"]
    amiss = host.warnings(state)
    loads = ", ".join(f"{load:g}" for load in state["loads"])
    facts = [f"load {loads} before (threshold {state['load_threshold']:g}), {', '.join(result['load_after'])} after",
             f"the same work, on every CPU at once, took up to {100 * state['spread']:.1f} % longer than at best "
             f"in nine of ten times; the hypervisor took {100 * state['steal']:.1f} % away"]
    facts += filter(None, [placement.sentence(result)])
    judged = "".join(f'<li class="missed">{escape(warning)}</li>' for warning in amiss) or "<li>nothing amiss</li>"
    return f"<ul>{''.join(f'<li>{escape(fact)}</li>' for fact in facts)}{judged}</ul>"


def page(result):
    machine = host.described(result["machine"])
    keys = [("fast-telemetry", "ours"), ("prometheus-cpp", "prometheus"), ("opentelemetry-cpp", "otel"),
            ("baselines", "base")]
    missing = f'<p class="missed">{escape(tables.missing_note(result))}</p>'
    builds = dict.fromkeys(row["build"] for row in result["rows"])
    main = [tables.of_metrics(result), tables.of_spans(result), tables.of_accounts(result), tables.of_article(result)]
    parts = [
        f"<h1>fast-telemetry beside its peers</h1><p>{'<br>'.join(map(escape, machine))}<br>"
        f"<code>{escape(result['command'])}</code>: {len(result['rows'])} rows, {result['rounds']} interleaved rounds, "
        f"every run verified, in {result['seconds']:.0f} s</p>",
        missing, "<h2>Goals</h2>", cards(result),
        "<h2>Beside peers</h2>",
        captioned(speed_ups(result),
                  "The peer's CPU time by ours, both in one build: median by median, and between which the ratio lies "
                  "when both are in their middle halves. Logarithmic. † unlike work.", keys[1:3]),
        captioned(dumbbells(result), "Nanoseconds of the writing threads' CPU time, logarithmic. † unlike work.", keys),
        *map(html_table, [tables.of_verdicts(result), *main]),
        "<h2>Curves</h2>" if result["curves"] else "", curve_charts(result),
        "<h2>The machine and its state</h2>", preflight(result),
        "<h2>Everything measured</h2>",
        "<p>A row's figure is the median of its runs with the CPUs near each other, with the middle half of them; "
        "those with the CPUs apart are a line of their own. A second measurement agrees in a row when the two medians "
        "of one place differ by no more than both middle halves together are wide, or by 5 %. HIGH: their "
        "coefficient of variation is above 10 %. Ratios are made of the writers' CPU time; wall time is there for "
        "information.</p>",
        *(html_table(tables.of_rows(result, build)) for build in builds),
        html_table(tables.of_subjects(result)),
    ]
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>fast-telemetry: benchmarks</title><style>\n{STYLE}</style></head>\n<body>\n"
            + "\n".join(parts) + "\n</body></html>\n")
