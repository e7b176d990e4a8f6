# SPDX-License-Identifier: Apache-2.0
"""tools/demo/comparison.py: the overhead that the demo reports, and its interval."""
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent.parent / "tools"))

from demo import comparison  # noqa: E402


class Comparison(unittest.TestCase):
    def test_equal_ratios_are_the_overhead(self):
        found = comparison.overhead([100, 200, 50, 100, 400, 80, 10], [102, 204, 51, 102, 408, 81.6, 10.2])
        for value in (found.percent, found.low, found.high):
            self.assertAlmostEqual(value, 2)

    def test_a_ratio_and_its_inverse_are_no_overhead(self):
        self.assertAlmostEqual(comparison.overhead([1, 2], [2, 1]).percent, 0)

    def test_the_estimate_is_the_median_of_the_means_of_pairs(self):
        self.assertEqual(comparison.centre([1, 2, 10])[0], 3.75)  # 1, 1.5, 2, 5.5, 6, 10

    def test_a_disturbed_round_hardly_moves_it(self):
        quiet = [0.001 * i for i in range(40)]
        disturbed = quiet[:-1] + [5.0]
        self.assertLess(comparison.centre(disturbed)[0] - comparison.centre(quiet)[0], 0.001)

    def test_few_values_have_all_that_was_seen_for_an_interval(self):
        self.assertEqual(comparison.centre([3, 1, 2])[1:], (1, 3))

    def test_the_interval_holds_the_truth_19_times_of_20(self):
        chance = random.Random(7)
        for count in (10, 60):
            held = 0
            for _ in range(1000):
                # As rounds are: even, and now and then far off.
                values = [chance.gauss(1, 0.05 if chance.random() < 0.9 else 0.3) for _ in range(count)]
                _, low, high = comparison.centre(values)
                held += low <= 1 <= high
            self.assertTrue(930 <= held <= 975, f"{held} of 1000, {count} values")


if __name__ == "__main__":
    unittest.main()
