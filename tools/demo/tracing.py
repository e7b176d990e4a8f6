"""What tracing every request costs, and whether every request is in the trace."""
import dataclasses
import json
import pathlib
import re
import statistics
import urllib.request

from . import comparison
from .page import microseconds, milliseconds, number, table
from .processes import Failure

GOAL_KEPT_PERCENT = 95
GOAL_PIPELINE = 1
GOAL_HALF_WIDTH = 3.0


@dataclasses.dataclass
class Traced:
    """Rounds in turn through three proxies: without telemetry, with metrics, with metrics and traces."""
    pipeline: int
    spans_per_command: int
    bare: list = dataclasses.field(default_factory=list)
    metrics: list = dataclasses.field(default_factory=list)
    traced: list = dataclasses.field(default_factory=list)

    @property
    def kept(self):
        """Throughput with metrics and traces over the bare proxy's in per cent, and half its 95 % interval."""
        change = comparison.overhead([r.per_second for r in self.bare], [r.per_second for r in self.traced])
        return 100 + change.percent, change.half_width

    @property
    def cpu_ns_per_span(self):
        def cpu(rounds):
            return statistics.mean(r.cpu_ns_per_request for r in rounds)
        return (cpu(self.traced) - cpu(self.metrics)) / self.spans_per_command

    def progress(self):
        kept, half = self.kept
        return (f"  -P {self.pipeline:<2}  {len(self.traced):>3} rounds each   throughput kept {kept:.1f} % "
                f"(±{half:.1f})   {number(self.cpu_ns_per_span)} ns of CPU time per span")


@dataclasses.dataclass
class Accounting:
    """What the proxy says became of its spans, and what it has answered."""
    commands: int
    connections: int
    spans: dict
    file: dict
    path: pathlib.Path
    events: int  # as a reader of JSON finds them

    @classmethod
    def of(cls, proxy, path):
        """Stops the proxy, so that all is over."""
        with urllib.request.urlopen(f"http://127.0.0.1:{proxy.metrics_port}/metrics", timeout=10) as page:
            text = page.read().decode()

        def total(name):
            values = re.findall(rf"^{name}_total(?:{{.*}})? (\S+)$", text, re.MULTILINE)
            return sum(int(float(value)) for value in values)

        commands, connections = total("proxy_commands"), total("proxy_connections_opened")
        proxy.child.stop()
        said = {}
        for about in ("spans", "trace file"):
            line = re.search(f"^{about}: (.*)$", proxy.child.log.read_text(errors="replace"), re.MULTILINE)
            if not line:
                raise Failure(f"the {proxy.child.name} does not say what became of its {about}", proxy.child)
            said[about] = {word: int(value) for value, word in re.findall(r"(\d+) (\w+)", line[1])}
        try:
            events = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise Failure(f"{path} is not JSON: {error}", proxy.child) from error
        return cls(commands, connections, said["spans"], said["trace file"], path,
                   sum(event["ph"] == "X" for event in events))

    def expected(self, spans_per_command):
        return self.commands * spans_per_command + self.connections

    def problems(self, spans_per_command):
        spans, file = self.spans, self.file
        wrong = [(spans["recorded"] != self.expected(spans_per_command), "not every request has its spans"),
                 (spans["recorded"] != spans["drained"] + spans["dropped"], "spans are neither drained nor dropped"),
                 (spans["drained"] != file["written"] + file["dropped"], "drained spans are not in the file's sum"),
                 (file["error"] != 0, "spans could not be written"),
                 (self.events != file["written"], f"the trace file has {self.events} spans")]
        return [what for is_so, what in wrong if is_so]


def verdict(kept, half_width):
    if half_width > GOAL_HALF_WIDTH:
        return "too inexact to say (a busy machine? --quick?)"
    return "goal met" if kept >= GOAL_KEPT_PERCENT else "goal NOT met"


def page(results, accounting):
    """`results`: by pipeline depth a measured Traced."""
    head, ops, cpu, p99 = [""], ["operations per second"], ["proxy's CPU per operation"], ["latency p99"]
    for pipeline, result in results.items():
        head += [f"-P {pipeline}: bare", "metrics", "and traces"]
        for row, of, show in ((ops, "per_second", number), (cpu, "cpu_ns_per_request", microseconds),
                              (p99, "p99_ms", milliseconds)):
            row += [show(statistics.mean(getattr(r, of) for r in rounds))
                    for rounds in (result.bare, result.metrics, result.traced)]
    lines = [table([head, ops, cpu, p99]), ""]
    for pipeline, result in results.items():
        kept, half = result.kept
        judged = f": {verdict(kept, half)}" if pipeline == GOAL_PIPELINE else ""
        lines.append(f"  At -P {pipeline:<2} {kept:.1f} % of the bare proxy's throughput (±{half:.1f}), "
                     f"{number(result.cpu_ns_per_span)} ns of CPU time per span{judged}")
    spans, file = accounting.spans, accounting.file
    per_command = next(iter(results.values())).spans_per_command
    expected = accounting.expected(per_command)
    rows = [("commands and connections", f"{number(accounting.commands)} and {number(accounting.connections)}", ""),
            (f"{per_command} per command and one per connection", number(expected), ""),
            ("spans recorded", number(spans["recorded"]), "equal" if spans["recorded"] == expected else "DIFFERENT"),
            ("dropped: no room in the buffers", number(spans["dropped"]), ""),
            ("drained", number(spans["drained"]), ""),
            ("written into the file", number(file["written"]), f"it has {number(accounting.events)}"),
            ("dropped: beyond the file's limit", number(file["limit"]), "")]
    lines += ["", f"  Goal: at least {GOAL_KEPT_PERCENT} % at -P {GOAL_PIPELINE}. Per span: what the proxy with traces "
              "takes more than the one with metrics, to",
              "  record, drain and encode it. Spans beyond the file's limit are encoded, and not written.",
              "", table(rows), "", f"  The trace: {accounting.path}, for https://ui.perfetto.dev"]
    return "\n".join(lines)
