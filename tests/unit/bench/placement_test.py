# SPDX-License-Identifier: Apache-2.0
"""tools/bench/placement.py and what comes of it: repeated runs, agreement, verdicts, tables."""
import contextlib
import copy
import io
import math
import unittest
from unittest import mock

from fake_result import RESULT, FakeBuild, printed, slower
from bench import cases, compare, matrix, placement, plan, tables, verdicts


def placed(before, after, work=1.6):
    return {"round_trip_before_ns": before, "round_trip_after_ns": after, "work_before_ns": 1.6, "work_after_ns": work,
            cases.FIGURE: 100.0}


NEAR, FAR, MOVED, SLOWED = placed(80, 90), placed(320, 330), placed(80, 320), placed(80, 90, work=1.8)


class Placement(unittest.TestCase):
    """A hypervisor's CPUs come near each other, move apart and are shared; rows cost more there."""

    def of(self, runs):
        return placement.chosen(runs, placement.limits_of(runs), 9)

    def test_a_run_is_near_or_apart_when_it_was_before_and_after(self):
        limits = placement.limits_of([NEAR, FAR])
        self.assertEqual([placement.of_run(run, limits) for run in (NEAR, FAR, MOVED)], ["near", "far", "disturbed"])

    def test_a_run_is_disturbed_when_work_took_longer_before_or_after(self):
        limits = placement.limits_of([NEAR, SLOWED])
        self.assertEqual(placement.of_run(SLOWED, limits), "disturbed")
        self.assertEqual(placement.of_run({**SLOWED, "work_before_ns": 1.8, "work_after_ns": 1.6}, limits), "disturbed")
        self.assertEqual(placement.of_run(placed(80, 90, work=1.75), limits), "near")

    def test_a_figure_is_of_runs_in_one_place_and_of_near_ones_if_half_are(self):
        self.assertEqual(self.of([NEAR] * 5 + [FAR] * 5 + [MOVED]), ("near", [NEAR] * 5, [FAR] * 5))
        self.assertEqual(self.of([NEAR] * 5 + [FAR] * 4), ("near", [NEAR] * 5, []))
        self.assertEqual(self.of([NEAR] * 4 + [FAR] * 5), ("far", [FAR] * 5, []))
        self.assertEqual(self.of([NEAR] * 7 + [FAR] * 2), ("near", [NEAR] * 7, []))
        self.assertEqual(self.of([NEAR] * 2 + [FAR] * 7), ("far", [FAR] * 7, []))
        mixed = [NEAR] * 2 + [FAR] * 2 + [MOVED] * 5
        self.assertEqual(self.of(mixed), ("disturbed", mixed, []))

    def test_where_no_two_cpus_are_all_are_near(self):
        alone = [{cases.FIGURE: 1.0}, placed(0, 0)]
        self.assertEqual(placement.chosen(alone, placement.limits_of(alone), 2), ("near", alone, []))
        self.assertEqual(placement.of_all(alone, placement.limits_of(alone)), {"near": {"runs": 2, "round_trip_ns": 0,
                                                                                            "work_ns": 1.6}})

    def test_one_short_time_among_many_moves_no_limit(self):
        runs = [placed(80, 80)] * 50 + [{**placed(30, 80), "work_before_ns": 0.5}]
        self.assertEqual(placement.limits_of(runs), (160, 1.10 * 1.6))

    def test_rows_run_again_that_lack_near_runs_where_the_cpus_are_often_near_or_runs_in_any_place(self):
        def lacking(**runs):
            return placement.lacking(runs, dict.fromkeys(runs, 9))

        self.assertEqual(lacking(a=[NEAR] * 9, b=[NEAR] * 5 + [FAR] * 4), ["b"])
        self.assertEqual(lacking(a=[NEAR] * 2 + [FAR] * 7, b=[FAR] * 9), [])
        self.assertEqual(lacking(a=[FAR] * 9, b=[NEAR] * 2 + [FAR] * 2 + [MOVED] * 5), ["b"])

    def test_they_do_until_they_have_enough_or_time_is_up(self):
        def runs_of_fast(near_at, again_s=100, limit_s=math.inf):
            made = iter(range(100))

            def change(line):
                apart = line["subject"] == "fast" and next(made) not in near_at
                return {**line, "round_trip_before_ns": 320 if apart else 80, "round_trip_after_ns": 90}

            build = FakeBuild("host")
            rows = plan.rows([build], "quick", "host/counter/.*(fast|sharded|atomic)$")
            build.change = change
            with contextlib.redirect_stderr(io.StringIO()), mock.patch.object(matrix, "AGAIN_S", again_s):
                return [len(runs) for runs in matrix.measure([build], rows, 6, limit_s).values()]

        self.assertEqual(runs_of_fast(range(4)), [6, 6, 6])
        self.assertEqual(runs_of_fast({0, 1, 6, 9}), [10, 6, 6])
        self.assertEqual(runs_of_fast({0, 1, 6, 9}, again_s=0), [6, 6, 6])
        self.assertEqual(runs_of_fast({0, 1, 6, 9}, limit_s=0), [6, 6, 6])

    def moved(self, far_ns=50.0):
        """RESULT as if prometheus-cpp's counter had been measured in both places."""
        row = next(row for row in RESULT["rows"] if row["key"] == "host/counter/handle/uniform/2/prometheus-cpp")
        apart = copy.deepcopy({name: row[name] for name in ("summary", "medians", "runs")})
        for name in ("median", "q1", "q3"):
            apart["summary"][cases.FIGURE][name] = far_ns
        rows = [{**row, "elsewhere": {"placement": "far", **apart}} if other is row else other
                for other in RESULT["rows"]]
        places = {"near": {"runs": 9, "round_trip_ns": 80.0}, "far": {"runs": 6, "round_trip_ns": 320.0}}
        return {**RESULT, "rows": rows, "placements": places}

    def test_results_agree_place_by_place(self):
        self.assertEqual(printed(compare.show_agreement, self.moved(), self.moved(51))[0], 0)
        status, text = printed(compare.show_agreement, self.moved(), self.moved(60))
        self.assertEqual((status, text.count("outside  ")), (1, 1))

    def test_results_agree_as_they_were_at_one_clock(self):
        def at(work_ns, result):  # times only: `slower` leaves rates as they are
            return {**result, "rows": [row for row in result["rows"] if row.get("mode") != "sustained"],
                    "placements": {"near": {"runs": 9, "round_trip_ns": 80.0, "work_ns": work_ns}}}

        self.assertEqual(printed(compare.show_agreement, at(1.6, RESULT), at(1.76, slower(RESULT, 1.1)))[0], 0)
        for work_ns, factor in ((1.6, 1.1), (1.76, 1.0), (1.76, 1.2)):
            self.assertEqual(printed(compare.show_agreement, at(1.6, RESULT), at(work_ns, slower(RESULT, factor)))[0], 1)

    def test_rows_of_different_places_are_not_compared(self):
        apart = copy.deepcopy(self.moved())
        row = next(row for row in apart["rows"] if "elsewhere" in row)
        row.update(row.pop("elsewhere"))
        alone = self.moved()
        next(row for row in alone["rows"] if "elsewhere" in row).pop("elsewhere")
        status, text = printed(compare.show_agreement, alone, apart)
        self.assertEqual(status, 0)
        self.assertRegex(text, f"(?s){row['key']}.*1 disturbed, or measured in different places")
        verdict = [found for found in compare.gate(alone, apart) if found[1] == row["key"]]
        self.assertEqual([found[0] for found in verdict], ["unclear"])

    def test_disturbed_rows_are_not_compared(self):
        disturbed = copy.deepcopy(RESULT)
        disturbed["rows"][0]["placement"] = "disturbed"
        disturbed["rows"][0]["summary"][cases.FIGURE]["median"] *= 3
        status, text = printed(compare.show_agreement, RESULT, disturbed)
        self.assertEqual((status, "1 disturbed" in text), (0, True))

    def test_a_verdict_says_what_it_is_with_the_cpus_apart(self):
        counter = [verdict for verdict in verdicts.of(self.moved())
                   if (verdict["what"], verdict["peer"]) == ("counter", "prometheus-cpp")][0]
        self.assertEqual((counter["ratio"], counter["far_ratio"]), (66, 100))
        self.assertIn("with the CPUs apart 100 x", verdicts.remarks(counter))

    def test_a_ratio_is_of_figures_of_one_place(self):
        ours = {"placement": "near", "summary": {cases.FIGURE: {"median": 1, "q1": 1, "q3": 1}},
                "elsewhere": {"placement": "far", "summary": {cases.FIGURE: {"median": 2, "q1": 2, "q3": 2}}}}
        theirs = {"placement": "far", "summary": {cases.FIGURE: {"median": 10, "q1": 10, "q3": 10}}}
        self.assertEqual(cases.ratio(theirs, ours)["ratio"], 5)

    def test_a_figure_of_cpus_that_were_apart_is_marked(self):
        apart = copy.deepcopy(RESULT)
        next(row for row in apart["rows"] if row["subject"] == "prometheus-cpp")["placement"] = "far"
        table = tables.of_metrics(apart)
        self.assertEqual(sum("‡" in cell for row in table.rows for cell in row), 1)
        self.assertIn("‡", table.note)
        self.assertNotIn("‡", tables.of_metrics(RESULT).note)


if __name__ == "__main__":
    unittest.main()
