"""The overhead as a ratio of paired rounds, with its interval."""
import dataclasses
import itertools
import math
import statistics

NORMAL_95 = 1.96


@dataclasses.dataclass
class Overhead:
    percent: float
    low: float
    high: float

    @property
    def half_width(self):
        return (self.high - self.low) / 2


def centre(values):
    """(estimate, low, high): Hodges' and Lehmann's, the median of the means of all pairs of values, each with itself
    too, and the 95 % interval that belongs to it, of Wilcoxon's signed ranks. One round that the machine disturbed
    moves a mean, and hardly this. Of fewer than six values there is no such interval: all that was seen."""
    means = sorted((one + other) / 2 for one, other in itertools.combinations_with_replacement(values, 2))
    count = len(values)
    spread = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    first = max(math.floor(len(means) / 2 - NORMAL_95 * spread), 0)
    return statistics.median(means), means[first], means[-1 - first]


def overhead(bare, instrumented):
    """From CPU time per request of paired rounds. Of the logarithms of their ratios: a ratio and its inverse then weigh
    the same, and a drift of the machine that both rounds of a pair share cancels."""
    ratios = [math.log(with_telemetry / without) for without, with_telemetry in zip(bare, instrumented)]
    return Overhead(*(100 * (math.exp(value) - 1) for value in centre(ratios)))
