# SPDX-License-Identifier: Apache-2.0
"""tools/bench: statistics, plan, verified rows, verdicts, gate, report, tables of the documentation."""
import contextlib
import copy
import io
import json
import pathlib
import re
import sys
import unittest
from unittest import mock

from fake_result import QUIET, RESULT, FakeBuild, measured, printed, slower
from bench import cases, charts, compare, docs, figures, host, matrix, micro_tables, plan
from bench import programs, report, tables, verdicts


class Figures(unittest.TestCase):
    def test_the_mean_drops_a_quarter_on_each_side_and_is_the_median_of_fewer_than_five(self):
        self.assertEqual(figures.trimmed_mean([1, 2, 3, 4, 5, 6, 7, 100, 200]), 5)  # drops two on each side
        self.assertEqual(figures.trimmed_mean([0, 2, 3, 4, 50]), 3)
        self.assertEqual(figures.trimmed_mean([1, 2, 300]), 2)

    def test_rows_of_more_than_a_tenth_of_variation_are_flagged(self):
        self.assertFalse(figures.summary([10, 10.5, 9.5])["high_cv"])
        self.assertTrue(figures.summary([10, 12, 8])["high_cv"])
        self.assertAlmostEqual(figures.variation([8, 10, 12]), 0.2)

    def test_ratios_are_of_medians_and_their_spread_of_middle_halves(self):
        upper, lower = figures.summary([9, 10, 11, 10, 500]), figures.summary([1, 2, 3, 2, 4])
        self.assertEqual(figures.ratio(upper, lower), {"ratio": 5, "low": 10 / 3, "high": 5.5})

    def test_runs_agree_within_both_spreads_or_five_per_cent(self):
        wide = {"median": 100, "q1": 90, "q3": 110}
        self.assertTrue(figures.agree(wide, {"median": 125, "q1": 120, "q3": 130}))
        self.assertFalse(figures.agree(wide, {"median": 131, "q1": 126, "q3": 136}))
        self.assertTrue(figures.agree({"median": 100, "q1": 100, "q3": 100}, {"median": 104, "q1": 104, "q3": 104}))
        self.assertFalse(figures.agree({"median": 100, "q1": 100, "q3": 100}, {"median": 106, "q1": 106, "q3": 106}))


class Plan(unittest.TestCase):
    def test_a_peer_is_measured_in_the_first_build_that_has_it_and_ours_in_each(self):
        found = {(row["build"], row["subject"]) for row in RESULT["rows"] if row.get("entity") == "counter"}
        self.assertEqual(found, {("host", "fast"), ("host", "atomic"), ("host", "sharded"), ("host", "prometheus-cpp"),
                                 ("newer", "fast"), ("newer", "sharded"), ("newer", "otel-cpp")})

    def test_every_thread_count_up_to_the_cpus_is_in_the_full_matrix(self):
        with mock.patch("os.cpu_count", return_value=6):
            self.assertEqual(plan.thread_counts("full"), [1, 2, 4, 6])
            self.assertEqual(plan.thread_counts("quick"), [2, 6])
        with mock.patch("os.cpu_count", return_value=1):
            self.assertEqual(plan.thread_counts("quick"), [2])

    def test_spans_are_measured_where_they_have_a_peer(self):
        self.assertEqual({row["build"] for row in RESULT["rows"] if "scenario" in row}, {"newer"})
        self.assertEqual({row["build"] for row in measured(builds=("host",))["rows"] if "scenario" in row}, {"host"})

    def test_searches_run_in_every_other_round_of_the_quick_matrix(self):
        runs = {row["mode"]: row["summary"][cases.FIGURE]["runs"] for row in RESULT["rows"] if "mode" in row}
        self.assertEqual(runs, {"burst": 9, "sustained": 5})
        full = plan.span_rows("host", [{"subject": "fast", "scenario": "root", "mode": "sustained"}], "full")
        self.assertEqual({row.every for row in full}, {1})

    def test_no_row_is_named_like_a_folder_of_a_machine(self):
        keys = [row["key"] for row in RESULT["rows"] if "scenario" in row]
        self.assertIn("newer/root_spans/burst/2/fast", keys)
        self.assertFalse([key for key in keys if "/root/" in key])

    def test_rounds_begin_at_different_rows(self):
        order = []
        build = FakeBuild("host", lambda line: order.append(line.get("entity")) or line)
        rows = plan.rows([build], "quick", "host/counter/.*(fast|sharded|atomic)$")
        order.clear()
        build.change = lambda line: order.append(line["subject"]) or line
        with contextlib.redirect_stderr(io.StringIO()):
            matrix.measure([build], rows, 3)
        self.assertEqual(order, ["fast", "atomic", "sharded", "atomic", "sharded", "fast", "sharded", "fast", "atomic"])


class Runs(unittest.TestCase):
    def test_a_run_that_is_not_verified_fails_the_matrix_and_names_its_row(self):
        def change(line):
            return {**line, "verified": not (line.get("entity") == "histogram" and line["subject"] == "otel-cpp")}

        with self.assertRaisesRegex(programs.Failed, "newer/histogram/handle/uniform/2/otel-cpp.*not verified"):
            measured(change)

    def test_a_program_that_fails_is_said_with_its_words(self):
        with self.assertRaisesRegex(programs.Failed, "(?s)this row: exit 3.*oh no"):
            failing = "import sys; print('oh no', file=sys.stderr); sys.exit(3)"
            programs.printed([sys.executable, "-c", failing], "this row")
        with self.assertRaisesRegex(programs.Failed, "this row: not JSON"):
            programs.objects("hello", "this row")
        with self.assertRaisesRegex(programs.Failed, "no such program"):
            programs.printed(["/no/such/program"], "no such program")

    def test_totals_of_all_runs_are_kept(self):
        row = next(row for row in RESULT["rows"] if row.get("entity") == "counter")
        self.assertEqual((row["operations"], row["found"], len(row["runs"][cases.FIGURE])), (18000, 18000, 9))


class Preflight(unittest.TestCase):
    def test_a_quiet_machine_is_not_warned_about(self):
        self.assertEqual(host.warnings(QUIET), [])

    def test_load_processes_neighbours_and_steal_are(self):
        for change, words in (({"loads": [0.26, 0, 0]}, "load"), ({"spread": 0.11}, "noisy neighbour"),
                              ({"steal": 0.02}, "hypervisor"),
                              ({"busy_processes": [{"name": "cc1plus", "percent": 50.0}]}, "cc1plus takes 50 %")):
            self.assertRegex(" ".join(host.warnings({**QUIET, **change})), words)

    def test_a_strict_one_refuses(self):
        arguments = mock.Mock(strict_preflight=True)
        noisy = mock.patch.object(host, "observe", return_value={**QUIET, "steal": 0.5})
        with noisy, contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(matrix.run(arguments, "")[0], 1)

    def test_its_observations_are_numbers(self):
        with mock.patch.object(host, "busy_processes", return_value=[]):
            state = host.observe()
        self.assertEqual(len(state["loads"]), 3)
        self.assertGreaterEqual(state["spread"], 0)
        self.assertGreaterEqual(state["steal"], 0)


class Verdicts(unittest.TestCase):
    def of(self, what, peer, result=RESULT):
        return [verdict for verdict in verdicts.of(result) if (verdict["what"], verdict["peer"]) == (what, peer)]

    def test_a_goal_is_kept_or_missed_by_the_ratio_of_medians(self):
        counter = self.of("counter", "otel-cpp")[0]
        self.assertEqual((counter["ratio"], counter["ok"], counter["why"]), (320, True, ""))
        near = slower(RESULT, 1.61, lambda row: row["key"] == counter["ours"])
        missed = self.of("counter", "otel-cpp", near)[0]
        self.assertFalse(missed["ok"])
        self.assertTrue(missed["why"])
        self.assertFalse(verdicts.met({"verdicts": verdicts.of(near)}))

    def test_a_miss_within_the_spread_says_so(self):
        wide = slower(RESULT, 1.7, lambda row: row["key"] == "host/counter/handle/uniform/2/fast")
        row = next(row for row in wide["rows"] if row["key"] == "host/counter/handle/uniform/2/fast")
        self.assertIn("not found yet", self.of("counter", "prometheus-cpp", wide)[0]["why"])
        row["summary"][cases.FIGURE]["q1"] = 0.5
        verdict = self.of("counter", "prometheus-cpp", wide)[0]
        self.assertEqual((verdict["ok"], "within the spread, up to 66 x" in verdict["why"]), (False, True))

    def test_each_profile_is_judged(self):
        found = self.of("counter by two labels looked up in each call", "otel-cpp")
        self.assertEqual([verdict["profile"] for verdict in found], ["uniform", "hotspot"])

    def test_rows_of_different_builds_are_not_compared(self):
        for verdict in RESULT["verdicts"]:
            self.assertEqual(verdict["ours"].split("/")[0], verdict["theirs"].split("/")[0])

    def test_beside_spans_stand_the_rates_that_both_sides_sustain(self):
        root = self.of("root span, all recorded", "otel-cpp")[0]
        self.assertEqual(root["sustained"], [5e7, 156250])
        self.assertIn("50 and 0.156 million spans/s", " ".join(verdicts.remarks(root)))

    def test_wall_time_is_said_beside_the_writers_cpu_time(self):
        slept = copy.deepcopy(RESULT)
        for row in slept["rows"]:
            if row["subject"] == "otel-cpp":
                row["medians"]["wall_ns_per_op"] *= 2
        counter = self.of("counter", "otel-cpp", slept)[0]
        self.assertEqual((counter["ratio"], counter["wall_ratio"]), (320, 640))
        self.assertIn("by wall time 640 x", verdicts.remarks(counter))

    def test_unlike_work_says_so(self):
        labels = self.of("labels of an enumeration, beside attributes in each call", "otel-cpp")[0]
        self.assertIn("unlike work", labels["unlike"])

    def test_a_missing_peer_is_neither_kept_nor_missed(self):
        alone = measured(builds=("host",))
        counter = self.of("counter", "otel-cpp", alone)[0]
        self.assertEqual((counter["ok"], counter["why"]), (None, "there is no <root> here"))
        self.assertTrue(all(verdict["ok"] is None for verdict in alone["verdicts"] if verdict["peer"] == "otel-cpp"))


def micro(**medians):
    return {"attempts": [{"summary": {
        "record_bench:BM_local_increment/threads:1": {"median_ns": 0.3, "q1_ns": 0.3, "q3_ns": 0.3, "runs": 9},
        "memory": [],
        **{name: {"median_ns": value, "q1_ns": value, "q3_ns": value, "runs": 9} for name, value in medians.items()}}}]}


class Micro(unittest.TestCase):
    def test_benchmarks_of_one_question_stand_beside_each_other_in_their_build(self):
        summary = micro(**{
            "record_bench:BM_counter_add/threads:1": 0.5, "prometheus_cpp_bench:BM_record/counter/threads:1": 5.0,
            "newer/record_bench:BM_counter_add/threads:1": 1.0,
            "newer/otel_cpp_bench:BM_record/counter/threads:1": 50.0,
            "labels_bench:BM_hot_set/dynamic/series:4": 10.0, "labels_bench:BM_hot_set/dynamic_free/series:4": 20.0,
            "prometheus_cpp_bench:BM_hot_set/prometheus_cpp/series:4": 200.0})["attempts"][0]["summary"]
        here, newer = micro_tables.peer_tables(summary)
        self.assertEqual([row[-1] for row in here[2]], ["10.0 ×", "20.0 ×"])
        self.assertEqual([row[-1] for row in newer[2]], ["50.0 ×"])

    def test_an_incomplete_result_makes_no_table(self):
        with self.assertRaises(micro_tables.Incomplete):
            micro_tables.readme(micro())


class Gate(unittest.TestCase):
    KEY = "host/histogram/handle/uniform/2/fast"

    def test_a_machine_that_is_slower_as_a_whole_passes(self):
        self.assertEqual(printed(compare.show_gate, RESULT, slower(RESULT, 2))[0], 0)
        self.assertEqual(printed(compare.show_gate, RESULT, RESULT)[0], 0)

    def test_a_row_that_is_30_per_cent_worse_fails_and_is_named(self):
        status, text = printed(compare.show_gate, RESULT, slower(RESULT, 1.3, lambda row: row["key"] == self.KEY))
        self.assertEqual(status, 1)
        self.assertRegex(text, f"worse +{self.KEY}: .* \\+30.0 %")
        self.assertIn("1 worse, 0 gone", text)

    def test_a_row_that_vanished_fails(self):
        fewer = {**RESULT, "rows": [row for row in RESULT["rows"] if row["key"] != self.KEY]}
        status, text = printed(compare.show_gate, RESULT, fewer)
        self.assertEqual((status, "gone" in text and self.KEY in text), (1, True))

    def test_a_change_within_the_spread_of_both_passes(self):
        def uneven(result):
            changed = copy.deepcopy(result)
            for row in changed["rows"]:
                if row["key"] == self.KEY:
                    figure = row["summary"][cases.FIGURE]
                    figure["q1"], figure["q3"] = 0.96 * figure["median"], 1.04 * figure["median"]
            return changed

        worse = slower(RESULT, 1.15, lambda row: row["key"] == self.KEY)
        self.assertEqual(printed(compare.show_gate, RESULT, worse)[0], 1)
        self.assertEqual(printed(compare.show_gate, uneven(RESULT), uneven(worse))[0], 0)

    def test_a_peer_that_is_slower_is_said_and_passes(self):
        peer = "host/counter/handle/uniform/2/prometheus-cpp"
        status, text = printed(compare.show_gate, RESULT, slower(RESULT, 1.3, lambda row: row["key"] == peer))
        self.assertEqual((status, f"slower    {peer}" in text), (0, True))
        self.assertFalse(compare.is_ours("newer/otel_cpp_bench:BM_record/counter/threads:1"))
        self.assertTrue(compare.is_ours("newer/record_bench:BM_counter_add/threads:1"))

    def test_a_rate_that_falls_is_worse(self):
        fallen = copy.deepcopy(RESULT)
        row = next(row for row in fallen["rows"] if row.get("mode") == "sustained" and row["subject"] == "fast")
        for name in ("median", "q1", "q3"):
            row["summary"]["sustained_spans_per_s"][name] /= 1.3
        status, text = printed(compare.show_gate, RESULT, fallen)
        self.assertEqual((status, text.count("worse  "), row["key"] in text), (1, 1, True))

    def test_a_row_too_uneven_to_judge_is_said(self):
        self.assertEqual(compare.judge(0.2, 0.3, apart=True), "unclear")
        self.assertEqual(compare.judge(0.5, 0.3, apart=True), "worse")
        self.assertEqual(compare.judge(-0.2, 0.05, apart=False), "better")

    def test_a_median_that_goes_from_one_of_two_speeds_to_the_other_is_said(self):
        def of_two_speeds(median):
            changed = copy.deepcopy(RESULT)
            figure = next(row for row in changed["rows"] if row["key"] == self.KEY)["summary"][cases.FIGURE]
            figure["q1"], figure["q3"] = figure["median"] * 0.9, figure["median"] * 3.1
            figure["median"] *= median
            return changed

        status, text = printed(compare.show_gate, of_two_speeds(1), of_two_speeds(3))
        self.assertEqual((status, f"unclear   {self.KEY}" in text), (0, True))

    def test_without_its_unit_nothing_is_judged(self):
        bare = {**RESULT, "rows": [row for row in RESULT["rows"] if row["subject"] != "sharded"]}
        with self.assertRaises(compare.Different):
            compare.gate(RESULT, bare)
        with self.assertRaises(compare.Different):
            compare.gate(RESULT, micro())

    def test_micro_benchmarks_are_divided_by_a_local_increment(self):
        base, name = micro(**{"a:BM_x": 1.0, "a:BM_y": 1.0}), "record_bench:BM_local_increment/threads:1"
        twice = copy.deepcopy(base)
        for row in twice["attempts"][0]["summary"].values():
            if row:
                row.update({key: 2 * row[key] for key in ("median_ns", "q1_ns", "q3_ns")})
        self.assertEqual(printed(compare.show_gate, base, twice)[0], 0)
        status, text = printed(compare.show_gate, base, micro(**{"a:BM_x": 1.3, "a:BM_y": 1.0}))
        self.assertEqual((status, "worse     a:BM_x" in text, name in text), (1, True, False))

    def test_results_agree_or_the_rows_outside_are_named(self):
        self.assertEqual(printed(compare.show_agreement, RESULT, slower(RESULT, 1.04))[0], 0)
        status, text = printed(compare.show_agreement, RESULT, slower(RESULT, 1.06, lambda row: row["key"] == self.KEY))
        self.assertEqual((status, text.count("outside  ")), (1, 1))
        self.assertIn(self.KEY, text)


class Report(unittest.TestCase):
    PAGE = report.page(RESULT)

    def test_the_page_needs_no_other_file(self):
        self.assertNotRegex(self.PAGE, r"https?://|<script|<link|<img|@import|url\(|srcset| src=")

    def test_all_that_is_foreign_is_escaped(self):
        self.assertIn("1.0 &lt;of a test&gt;", self.PAGE)
        self.assertIn("as a test &amp; nobody else", self.PAGE)
        self.assertNotIn("<of a test>", self.PAGE)

    def test_it_is_well_formed(self):
        import html.parser
        import xml.etree.ElementTree as xml

        for svg in re.findall(r"<svg.*?</svg>", self.PAGE, re.DOTALL):
            xml.fromstring(svg)
        open_tags = []

        class Nesting(html.parser.HTMLParser):
            def handle_starttag(self, tag, attributes):
                if tag not in ("meta", "br"):
                    open_tags.append(tag)

            def handle_endtag(self, tag):
                assert open_tags.pop() == tag, tag

        Nesting().feed(self.PAGE)
        self.assertEqual(open_tags, [])

    def test_every_row_verdict_and_curve_is_on_it(self):
        self.assertEqual(self.PAGE.count('<div class="card">'), len(RESULT["verdicts"]))
        self.assertEqual(self.PAGE.count("<svg"), 3)
        for build in ("host", "newer"):
            shown = len(tables.of_rows(RESULT, build).rows)
            self.assertEqual(shown, sum(row["build"] == build for row in RESULT["rows"]))

    def test_it_has_light_dark_and_paper(self):
        for medium in ("prefers-color-scheme: dark", "@media print"):
            self.assertIn(medium, self.PAGE)

    def test_a_missing_peer_is_an_empty_column_with_its_reason(self):
        alone = measured(builds=("host",))
        page = report.page(alone)
        self.assertIn("opentelemetry-cpp was not measured: there is no &lt;root&gt; here", page)
        self.assertNotIn("<root>", page)
        table = tables.of_metrics(alone)
        column = table.header.index("opentelemetry-cpp")
        self.assertEqual({row[column] for row in table.rows}, {"–"})

    def test_the_other_peer_is_missed_as_well(self):
        rows = [row for row in RESULT["rows"] if row["subject"] != "prometheus-cpp"]
        page = report.page({**RESULT, "rows": rows})
        self.assertIn("prometheus-cpp was not measured: not in this build", page)
        self.assertNotIn("was not measured", self.PAGE)

    def test_scales_hold_all_values(self):
        for values in ([0.5, 3000], [1, 10], [0.1]):
            for scale in (charts.LogScale(values, 0, 100), charts.LinearScale(values, 0, 100)):
                self.assertTrue(all(-1e-9 <= scale.at(value) <= 100 + 1e-9 for value in values))
        self.assertEqual(charts.LinearScale([0, 7], 0, 70).ticks(), [0, 2, 4, 6, 8])

    def test_names_on_an_axis_do_not_cover_each_other(self):
        page = charts.lines("", {"": [(x, 1) for x in (50, 90, 99, 99.9)]}, "", "")
        places = sorted(float(x) for x in re.findall(r'<circle cx="([\d.]+)"', page))
        self.assertGreater(min(b - a for a, b in zip(places, places[1:])), 100)


class Documentation(unittest.TestCase):
    EMPTY = ("before\n<!-- bench:goals -->\nold\n<!-- /bench -->\nbetween\n"
             "<!-- bench:record -->\nkept\n<!-- /bench -->\nafter\n")

    def test_blocks_are_written_from_results_of_their_kind(self):
        page = docs.rewritten(self.EMPTY, "bench/results/x.json", RESULT)
        self.assertIn("<!-- bench:goals bench/results/x.json -->\n|", page)
        self.assertNotIn("old", page)
        self.assertIn("<!-- bench:record -->\nkept\n", page)
        self.assertEqual(docs.rewritten(page, "bench/results/x.json", RESULT), page)

    def test_every_block_can_be_written(self):
        for name, (kind, _) in docs.WRITERS.items():
            if kind == "matrix":
                self.assertGreater(len(docs.block(name, "x", RESULT).splitlines()), 2, name)

    def test_cells_do_not_break_tables(self):
        self.assertIn("a \\| b", tables.markdown(tables.Table("", ["", ""], [["a | b", "c"]])))

    def test_a_block_that_differs_from_its_result_is_found(self):
        with contextlib.ExitStack() as stack:
            import tempfile
            root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stack.enter_context(mock.patch.object(host, "ROOT", root))
            stack.enter_context(mock.patch.object(docs, "PAGES", ("page.md",)))
            (root / "bench/results").mkdir(parents=True)
            result = root / "bench/results/x.json"
            result.write_text(json.dumps(RESULT))
            (root / "page.md").write_text(self.EMPTY)
            self.assertEqual(docs.stale(), [])
            docs.update(result)
            self.assertEqual(docs.stale(), [])
            page = (root / "page.md").read_text()
            (root / "page.md").write_text(page.replace("320 ×", "321 ×"))
            self.assertEqual(len(docs.stale()), 1)
            (root / "page.md").write_text(page)
            result.unlink()
            self.assertIn("does not exist", docs.stale()[0])
            with self.assertRaises(docs.Refused):
                docs.update(root / "elsewhere.json")


if __name__ == "__main__":
    unittest.main()
