"""The metrics by tenant while somebody invents tenants: how many series there are, what was counted where."""
import dataclasses
import re

from .page import number, table

METRIC = "proxy_tenant_commands"
LATENCY = "proxy_tenant_latency_seconds"
MAX_GROWTH = 2 << 20  # bytes; arbitrary, and far less than a million names would take


@dataclasses.dataclass
class Tenants:
    """What Prometheus has of them."""
    series: int
    limit: int
    with_own_series: int
    in_overflow: int
    latencies: int
    overflow_latencies: int
    overflow_records: int  # of latencies: commands of one tenant in a row are one record of a counter
    refused_values: int

    @classmethod
    def seen_by(cls, prometheus):
        def value(expression):
            return int(prometheus.number(expression) or 0)

        return cls(series=value(f'fast_telemetry_series{{metric="{METRIC}"}}'),
                   limit=value(f'fast_telemetry_series_limit{{metric="{METRIC}"}}'),
                   with_own_series=value(f'sum({METRIC}_total{{otel_metric_overflow=""}})'),
                   in_overflow=value(f'{METRIC}_total{{otel_metric_overflow="true"}}'),
                   latencies=value(f"sum({LATENCY}_count)"),
                   overflow_latencies=value(f'{LATENCY}_count{{otel_metric_overflow="true"}}'),
                   overflow_records=value(f'fast_telemetry_overflow_records_total{{metric="{LATENCY}"}}'),
                   refused_values=value(f'fast_telemetry_refused_values{{metric="{METRIC}",label="tenant"}}'))


@dataclasses.dataclass
class Attack:
    invented: int  # commands, each of another tenant
    latecomer: int  # commands of one that came when there was no room any more
    before: int  # bytes of the proxy in memory
    full: int  # the same once all places were taken and scraped
    after: int
    said: str  # by the proxy
    seen: Tenants | None = None  # at the very end

    def problems(self, sent):
        """What is not as it should be, given how many commands were sent in all."""
        seen = self.seen
        wrong = [(seen.series != seen.limit, f"{seen.series} tenants have series, and {seen.limit} may have"),
                 (seen.with_own_series + seen.in_overflow != sent, "commands by tenant do not add up to what was sent"),
                 (seen.latencies != sent, f"{seen.latencies} latencies by tenant, of {sent} commands"),
                 (seen.overflow_latencies != seen.overflow_records, "the overflow series is not what its counter says"),
                 (self.after - self.full > MAX_GROWTH, "the proxy's memory grows with the tenants it refuses")]
        return [what for is_so, what in wrong if is_so]

    def page(self, sent):
        seen = self.seen
        agree = "equal" if seen.with_own_series + seen.in_overflow == sent else "DIFFERENT"
        mib = "{:.1f} MiB".format
        rows = [("tenants with series of their own", number(seen.series), f"at most {number(seen.limit)}"),
                ("commands counted in these", number(seen.with_own_series), ""),
                ("commands counted in the overflow series", number(seen.in_overflow), ""),
                ("together; sent in all", number(seen.with_own_series + seen.in_overflow), f"{number(sent)} {agree}"),
                ("tenants refused, estimated by the proxy", number(seen.refused_values), ""),
                ("the proxy's memory before", mib(self.before / 2**20), ""),
                ("with all places taken", mib(self.full / 2**20), ""),
                ("at the end", mib(self.after / 2**20), f"{(self.after - self.full) / 2**20:+.1f} MiB")]
        return (f"What becomes of tenants without end ({number(self.invented)} GETs, each of a tenant of its own, and "
                f"{number(self.latecomer)} of one that came late)\n\n{table(rows)}\n\n  The proxy said: {self.said}")


def last_said(log):
    """The proxy's latest message on the matter."""
    messages = re.findall(rf"^ft_proxy: ({METRIC}: .*)$", log, re.MULTILINE)
    return messages[-1] if messages else "nothing"
