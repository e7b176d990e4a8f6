"""The overhead as a ratio of paired rounds, with its interval."""
import dataclasses
import math
import statistics

# Two-sided 95 % points of Student's t, by degrees of freedom; between two the one for fewer is taken.
T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228, 11: 2.201,
        12: 2.179, 13: 2.160, 14: 2.145, 15: 2.131, 17: 2.110, 19: 2.093, 21: 2.080, 24: 2.064, 29: 2.045, 39: 2.023,
        59: 2.001, 119: 1.980}


def t_95(degrees):
    return T_95[max(known for known in T_95 if known <= degrees)]


@dataclasses.dataclass
class Overhead:
    percent: float
    low: float
    high: float

    @property
    def half_width(self):
        return (self.high - self.low) / 2


def overhead(bare, instrumented):
    """From CPU time per request of paired rounds. Of the logarithms of their ratios: a ratio and its inverse then weigh
    the same, and a drift of the machine that both rounds of a pair share cancels."""
    ratios = [math.log(with_telemetry / without) for without, with_telemetry in zip(bare, instrumented)]
    mean = statistics.mean(ratios)
    half = t_95(len(ratios) - 1) * statistics.stdev(ratios) / math.sqrt(len(ratios))
    percent = [100 * (math.exp(value) - 1) for value in (mean, mean - half, mean + half)]
    return Overhead(*percent)
