#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real peers read our expositions: two Prometheus servers scrape, one of them OpenMetrics and one format 0.0.4, and
answer queries; promtool checks, a Pushgateway and Python's client library parse.

usage: run_prometheus.py EXPOSITION_TARGET

Peers are found through FT_PROMETHEUS, FT_PROMTOOL, FT_PUSHGATEWAY and FT_PROMETHEUS_CLIENT, or under build/peers, where
tools/peers.sh puts them. Exits with 77 when one is missing.
"""
import contextlib
import gzip
import http.server
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from peers import Failure, check, free_port, peer, running, until  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
EXPORTED_NAMES = ROOT / "tests" / "golden" / "exported_names"
ZONE = 'größe "q" \\ \n }'
PUT = 'say "put"\\\n}'


def fetch(url, data=None, method=None, **fields):
    request = urllib.request.Request(url, data=data, headers=fields, method=method)
    with urllib.request.urlopen(request, timeout=20) as response:
        body = response.read()
        return gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body


class Target:
    """The program that is scraped."""

    def __init__(self, process):
        self.process = process
        self.port = int(process.stdout.readline())

    def ask(self, *command):
        print(*command, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().removesuffix("\n")

    def tell(self, *command):
        answer = self.ask(*command)
        check(answer == "ok", "the target answers", answer, "to", command)

    def body(self, accept=TEXT):
        return fetch(f"http://127.0.0.1:{self.port}/metrics", Accept=accept)


@contextlib.contextmanager
def serving(answer):
    """A server of our own, which gives its port: `answer` makes a body and its content type of a path."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body, content_type = answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


class Prometheus:
    """One server that scrapes every second: for each job a port and a path."""

    def __init__(self, stack, folder, jobs):
        self.port = free_port()
        folder.mkdir()
        (folder / "prometheus.yml").write_text(json.dumps({  # JSON is YAML
            "scrape_configs": [{
                "job_name": job, "scrape_interval": "1s", "scrape_timeout": "1s", "metrics_path": path,
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, (port, path) in jobs.items()]}))
        log = stack.enter_context(open(folder / "log", "wb"))
        stack.enter_context(running(
            PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn", "--enable-feature=exemplar-storage",
            stdout=log, stderr=log, env={**os.environ, "TZ": "UTC"}))  # it prints instants in its own zone

    def api(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query, doseq=True)}"
        answer = json.loads(fetch(url))
        check(answer["status"] == "success", answer)
        return answer["data"]

    def targets(self):
        targets = self.api("targets")["activeTargets"]
        check(targets, "no targets")
        return targets

    def check_up(self):
        for target in self.targets():
            check(target["health"] == "up" and target["lastError"] == "", target["scrapePool"], "is", target["health"],
                  target["lastError"])

    def exemplars(self, query, labels, start, end):
        """Of each series, by the values of these labels: ids and labels, value, time."""
        found = self.api("query_exemplars", query=query, start=start, end=end)
        return {tuple(series["seriesLabels"].get(label) for label in labels): [
            (exemplar["labels"], float(exemplar["value"]), exemplar["timestamp"]) for exemplar in series["exemplars"]]
            for series in found}

    def scraped_since(self, instant):
        """RFC 3339 in UTC with nanoseconds, as Go prints it; seconds are enough to compare with."""
        for target in self.targets():
            last = target["lastScrape"][:19]
            check(last > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(instant)), "the last scrape was at", last)

    def values(self, name, job="target"):
        """Every series of the name: its other labels, without the scrape's own, and its value."""
        result = self.api("query", query=f'{{__name__="{name}",job="{job}"}}')["result"]
        values = {}
        for series in result:
            labels = {key: value for key, value in series["metric"].items() if key not in ("__name__", "job", "instance")}
            values[tuple(sorted(labels.items()))] = float(series["value"][1])
        return values


def labels(**pairs):
    return tuple(sorted({"zone": ZONE, **pairs}.items()))


def buckets(counts, **pairs):
    return {labels(le=bound, **pairs): count for bound, count in counts.items()}


def expected_after(n, in_open_metrics):
    """What `add` has done after a total of n, the last time with n: gauges keep the last value."""
    only_in_text = lambda series: {} if in_open_metrics else series
    return {
        "target_plain_total": {labels(): n},
        "target_received_bytes_total": {labels(): 1_000_000_007 * n},
        # PRM-7: all combinations, and the spare point for what is no enumerator.
        "target_by_enum_total": {
            labels(method="GET", outcome="ok"): 2 * n, labels(method="GET", outcome="failed"): 0,
            labels(method=PUT, outcome="ok"): 0, labels(method=PUT, outcome="failed"): 3 * n,
            labels(method="invalid", outcome="invalid"): 5 * n},
        "target_whole": {labels(): -n},
        "target_real": {labels(): 0.1 * n},
        "target_not_a_number": {labels(): math.nan},
        "target_endless": {labels(): -math.inf},
        "target_state_by_enum": {labels(outcome="ok"): 0, labels(outcome="failed"): 7 * n},
        # P-14, P-32: `le` in one spelling, whatever scraper asks.
        "target_latency_seconds_bucket": buckets({"1e-05": n, "0.005": n, "1.0": n, "+Inf": 2 * n}),
        "target_latency_seconds_sum": {labels(): (10_000 * n + 2_000_000_000 * n) / 1e9},
        "target_latency_seconds_count": {labels(): 2 * n},
        "target_size_bucket": buckets({"1.0": 0, "1e+06": 0, "1e+10": n, "+Inf": n}),
        "target_size_sum": {labels(): 1_000_001 * n},
        "target_size_count": {labels(): n},
        "target_level_bucket": buckets({"-2.5": n, "0.0": n, "0.1": 2 * n, "1e+22": 2 * n, "+Inf": 3 * n}),
        # P-28: a bound is negative.
        "target_level_sum": only_in_text({labels(): 1e300 * n}),
        "target_level_count": only_in_text({labels(): 3 * n}),
        "target_latency_by_enum_seconds_bucket": {
            **buckets({"0.001": 0, "+Inf": n}, outcome="ok"), **buckets({"0.001": 0, "+Inf": 0}, outcome="failed")},
        "target_latency_by_enum_seconds_count": {labels(outcome="ok"): n, labels(outcome="failed"): 0},
        # P-24, P-27
        "target_build_info": {labels(version="1.2.3", revision=PUT, compiler="cc 7"): 1},
        "target_state": {labels(target_state="GET"): 0, labels(target_state=PUT): 1},
        # O-73: only what was reported.
        "target_observed_total": {labels(): n},
        "target_observed_level": {labels(): 0.1 * n},
        "target_observed_by_enum": {labels(outcome="failed"): -n},
    }


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-15)


def check_values(server, expected):
    for name, series in expected.items():
        seen = server.values(name)
        check(seen.keys() == series.keys(), name, "has the label sets", sorted(seen), "instead of", sorted(series))
        for key, value in series.items():
            check(same(seen[key], value), name, dict(key), "is", seen[key], "instead of", value)


def repaired(data):
    """What a strict decoder makes of the bytes; Python replaces maximal subparts too (P-7)."""
    return data.decode("utf-8", errors="replace")


def hostile(randomness):
    pieces = [b'"', b"\\", b"\n", b"\r", b"}", b"{", b",", b"=", b" ", b"\t", b"#", b"# EOF\n", b'"} 1\nfake 1\n', b"\\n",
              b"\x00", b"\x7f", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98", "€".encode(), "😀".encode(), b"le",
              b"a", b"NaN", b"\xef\xbb\xbf", "\u2028".encode(), "\u0085".encode(), b"\xf4\x90\x80\x80", b"\xe2\x82"]
    return b"".join(randomness.choice(pieces) for _ in range(randomness.randrange(12)))


def check_process(server, pid):
    """What Prometheus has of the target is what the kernel says of it."""
    def value(name):
        return server.values(name)[()]

    check(value("process_threads") == len(os.listdir(f"/proc/{pid}/task")), "threads:", value("process_threads"))
    check(3 <= value("process_open_fds") <= value("process_max_fds"), "open files:", value("process_open_fds"))
    check(0 < value("process_resident_memory_bytes") <= value("process_virtual_memory_bytes"), "memory")
    check(0 < value("process_cpu_seconds_total"), "CPU time")
    started = os.stat(f"/proc/{pid}").st_mtime  # about when it did
    check(abs(value("process_start_time_seconds") - started) < 60, "start time:", value("process_start_time_seconds"))


def promtool(body):
    return subprocess.run([PROMTOOL, "check", "metrics"], input=body, capture_output=True, check=False)


def fuzz(target, servers):
    """P-5, P-6, P-7, P-8, S-21: hostile label values and help, all in one exposition, come back as they were."""
    seed = int(os.environ.get("FT_SEED", "1"))
    print(f"fuzz: seed {seed} (FT_SEED)")
    randomness = random.Random(seed)
    # Numbered, because what is ill-formed is replaced, and two values must not become one.
    values = {f"{i}:".encode() + hostile(randomness): i for i in range(400)}
    helps = {i: b"Help: " + hostile(randomness) + b"." for i in range(100)}
    for value, number in values.items():
        target.tell("counter", value.hex(), number)
    for number, text in helps.items():
        target.tell("help", number, text.hex())

    expected = {(("value", repaired(value)),): number for value, number in values.items()}
    expected_helps = {f"fuzz_help_{number}": repaired(text).replace("\x00", "\ufffd") for number, text in helps.items()}

    def seen_by(server):
        server.check_up()
        check_values(server, {"fuzz_total": expected})
        metadata = server.api("metadata")
        for name, text in expected_helps.items():
            check(name in metadata, name, "has no metadata")
            check(metadata[name][0]["help"] == text, name, "has help", repr(metadata[name][0]["help"]), "not", repr(text))

    for server in servers:
        until("hostile text through Prometheus", lambda server=server: seen_by(server))

    for parse, accept in ((parser, TEXT), (open_metrics_parser, OPEN_METRICS)):
        body = target.body(accept).decode()
        families = {family.name: family for family in parse.text_string_to_metric_families(body)}
        seen = {tuple(sample.labels.items()): sample.value for sample in families["fuzz"].samples}
        check(seen == expected, "Python's parser of", accept, "sees", seen.keys() ^ expected.keys())
    for name, text in expected_helps.items():
        check(families[name].documentation == text, name, "has help", repr(families[name].documentation), "not", repr(text))


DYNAMIC_VALUES = [
    b"plain", b"", b'"', b"\\", b"\n", b'"} 1\nfake 1\n# EOF\n', b"\xff", b"\xfe", b"a\xe2\x82", b"a\x00b", b" ",
    "größe €".encode(), b"x" * 10_000, b"x" * 10_000 + b"y", b"true"]


def dynamic_series(target, servers):
    """P-6, P-7, P-10, P-17, W-32: series of label values known at run time, as hostile as may be, until they are evicted
    and written again."""
    def tell(command, value, n):
        target.tell(command, value.hex() or "-", n)

    totals = {}  # by the value as it is shown: what is ill-formed becomes one
    counts = {}
    free = {}
    for n, value in enumerate(DYNAMIC_VALUES, 1):
        tell("dynamic", value, n)
        key = repaired(value)
        totals[key] = totals.get(key, 0) + n
        counts[key] = counts.get(key, 0) + 1
        free[tuple((k, v) for k, v in (("first", str(n)), ("second", key)) if v)] = n
    check(len(totals) == len(DYNAMIC_VALUES) - 1, "of two ill-formed values one series")
    in_limits = dict(list(totals.items())[:3])

    def of(value, **more):
        return tuple(sorted({**({"value": value} if value else {}), **more}.items()))

    def expected():
        buckets = {of(key, le=le): count for key, count in counts.items() for le in ("1e-05", "1.0", "+Inf")}
        limited = {of(key): n for key, n in in_limits.items()}
        limited[(("otel_metric_overflow", "true"),)] = sum(totals.values()) - sum(in_limits.values())
        return {
            "dynamic_by_value_total": {of(key): n for key, n in totals.items()},
            "dynamic_time_by_value_seconds_bucket": buckets,
            "dynamic_time_by_value_seconds_count": {of(key): count for key, count in counts.items()},
            "dynamic_time_by_value_seconds_sum": {of(key): count * 1e-5 for key, count in counts.items()},
            "dynamic_free_total": free,
            "dynamic_traffic_requests_total": {of(key): n for key, n in totals.items()},
            "dynamic_traffic_bytes_total": {of(key): 10 * n for key, n in totals.items()},
            "dynamic_limited_total": limited,
        }

    def seen_by_everybody(what):
        def seen_by(server, since):
            server.scraped_since(since)
            server.check_up()
            check_values(server, expected())

        since = time.time()
        for server in servers:
            until(f"dynamic series {what}", lambda server=server: seen_by(server, since))
        for key, n in totals.items():
            tell("pushed", key.encode(), n)
        for accept, parse in ((TEXT, lambda body: None), (OPEN_METRICS, lambda body: parsed_strictly("the target", body))):
            body = target.body(accept)
            lines = [line.rpartition(b" ")[0] for line in body.split(b"\n") if line and not line.startswith(b"#")]
            check(len(lines) == len(set(lines)), "a series twice in", accept, what)
            parse(body)
        result = promtool(target.body())
        check(result.returncode == 0, "promtool check metrics:", result.returncode, result.stdout.decode(),
              result.stderr.decode())

    seen_by_everybody("when they are new")
    for server in servers:
        overflow = server.values("fast_telemetry_overflow_records_total")[(("metric", "dynamic_limited"),)]
        check(overflow == len(DYNAMIC_VALUES) - 3, "records in the overflow series:", overflow)
    if (answer := target.ask("evict")) != "ok":
        check(answer.startswith("refused: "), answer)
        print("NOT TESTED: eviction,", answer)
        return
    seen_by_everybody("when they are evicted")
    for n, value in ((1000, b"plain"), (2000, b""), (3000, b"\xff")):
        key = repaired(value)
        tell("dynamic", value, n)
        totals[key] += n
        counts[key] += 1
        free[tuple((k, v) for k, v in (("first", str(n)), ("second", key)) if v)] = n
        if key in in_limits:
            in_limits[key] += n
    # The third takes a place in the metric that has room for three: evicted series gave theirs back.
    in_limits[repaired(b"\xff")] = 3000
    seen_by_everybody("when they are written again")
    print("Prometheus: dynamic series live, evicted and written again")


def recorded_exemplars(target, server):
    """M-51, P-34, P-35: what was recorded with a trace comes back from Prometheus and from a strict parser as it was."""
    first, second = ({"trace_id": byte * 16, "span_id": byte * 8} for byte in ("1f", "c3"))
    before = time.time()
    for ids, ms in ((first, 70), (second, 3000), ({"trace_id": "0" * 32, "span_id": "1" * 16}, 5)):
        target.tell("trace", ids["trace_id"] + ids["span_id"], ms)
    after = time.time()

    def check_exemplars(source, found, expected):
        check({key: [exemplar[:2] for exemplar in series] for key, series in found.items()} == expected, source, "has", found)
        for series in found.values():
            for _, _, at in series:  # a millisecond: Prometheus keeps no more
                check(before - 0.001 <= at <= after + 0.001, source, "has an exemplar of", at, "and not of", before, after)

    def seen_by_prometheus(query, labels, expected):
        found = server.exemplars(f'{query}{{job="target"}}', labels, before - 60, after + 60)
        check_exemplars("Prometheus", found, expected)

    families = {
        "target_traced_seconds_bucket": {("0.125",): [(first, 0.07)], ("4.0",): [(second, 3)]},
        "target_traced_requests_seconds_bucket": {("0.1",): [(first, 0.07)], ("+Inf",): [(second, 3)]}}
    for query, expected in families.items():
        until(f"exemplars of {query}", lambda query=query, expected=expected: seen_by_prometheus(query, ("le",), expected))

    # One of the two, at random; at the second scrape it may have become the other's turn.
    def seen_of_counter():
        found = server.exemplars('target_traced_by_enum_total{job="target"}', ("outcome",), before - 60, after + 60)
        check(found.keys() == {("failed",)}, "Prometheus has", found)
        check(all(exemplar[:2] in ((first, 2), (second, 2)) for exemplar in found[("failed",)]), "Prometheus has", found)

    until("exemplars of the counter", seen_of_counter)

    parsed = parsed_strictly("the target", target.body(OPEN_METRICS))
    for family in ("target_traced_seconds", "target_traced_requests_seconds"):
        found = {(sample.labels["le"],): [(sample.exemplar.labels, sample.exemplar.value, float(sample.exemplar.timestamp))]
                 for sample in parsed[family].samples if sample.exemplar}
        check_exemplars("Python's parser", found, families[f"{family}_bucket"])
    print("Prometheus: gives recorded exemplars back")


def parsed_strictly(name, text):
    """OpenMetrics 1.0 as Python's client library understands it, which is stricter than Prometheus."""
    try:
        return {family.name: family for family in open_metrics_parser.text_string_to_metric_families(text.decode())}
    except ValueError as error:
        raise Failure(f"{name} is no OpenMetrics to Python: {error}") from error


def golden_open_metrics(folder):
    """P-20 … P-36, S-21, W-54: what the golden files say, a strict parser takes and a real Prometheus gives back."""
    files = {file.stem: file.read_bytes() for file in sorted((GOLDEN / "open_metrics").glob("*.txt"))}
    check(files, "no golden files of OpenMetrics")
    for name, text in files.items():
        if name != "a_brace_in_an_exemplar":  # the parser takes the first brace for the end of the labels
            parsed_strictly(name, text)
        for broken in (text.removesuffix(b"# EOF\n"), text + b"x 1\n"):
            try:
                parsed_strictly(name, broken)
            except Failure:
                continue
            raise Failure(f"Python takes {name} without its end: it is no check")
    print(f"Python: takes the {len(files)} golden files of OpenMetrics")

    with contextlib.ExitStack() as stack:
        port = stack.enter_context(serving(lambda path: (files[path[1:]], OPEN_METRICS)))
        server = Prometheus(stack, folder / "golden", {name: (port, f"/{name}") for name in files})
        until("Prometheus is ready", lambda: fetch(f"http://127.0.0.1:{server.port}/-/ready"))
        until("scrapes of the golden files", server.check_up)

        hostile = 'q"\\\n # {trace_id="1"} 1\n# EOF\n,}{=\r\ufffd('
        check_values_of = lambda job, name, expected: until(
            f"{name} of {job}", lambda: check(server.values(name, job) == expected, server.values(name, job)))
        check_values_of("every_kind_with_hostile_text", "a_total", {(("x", hostile),): 1})
        check_values_of("every_kind_with_hostile_text", "g", {(("g", hostile), ("x", hostile)): 1,
                                                              (("g", "off"), ("x", hostile)): 0})
        check_values_of("created", "latency_seconds_created", {(): 1520430000.123})
        check_values_of("histogram_of_negative_values", "negative_bound_bucket", {
            (("le", "-1.0"),): 2, (("le", "0.0"),): 3, (("le", "+Inf"),): 3,
            (("k", "no negative value"), ("le", "-1.0")): 0, (("k", "no negative value"), ("le", "0.0")): 0,
            (("k", "no negative value"), ("le", "+Inf")): 2})

        def exemplars(job, query):
            return server.exemplars(f'{query}{{job="{job}"}}', ("code", "le"), 1699999999, 1700000010)

        # Prometheus 2.42 leaves the escapes of an exemplar's labels as they are written.
        first = {"trace_id": "0112233445566778899aabbccddeef00"}
        first_span = {**first, "span_id": "feeddccbbaa99887"}
        second = {"trace_id": "0718293a4b5c6d7e8fa0b1c2d3e4f506", "span_id": "f8e7d6c5b4a39281"}
        for job, query, expected in (
                ("exemplars", "http_requests_total", {
                    ("200", None): [({**first_span, "path": r'/a \"quoted\" \\ \n größe'}, 1, 1700000000.789)],
                    (None, None): [(second, 0.25, 1700000001)]}),
                ("exemplars", "latency_seconds_bucket", {
                    ("200", "0.5"): [(second, 0.25, 1700000001)], ("200", "1.0"): [({}, 0.75, 1700000002)],
                    ("200", "+Inf"): [(first, 3, 1700000003)]}),
                ("exemplars", "size_bucket", {(None, "4.0"): [(first, 3, 1700000003)]}),
                ("a_brace_in_an_exemplar", "a_total", {(None, None): [({"path": r'\"} 9\n# EOF\n{'}, 0.5, 1700000000)]})):
            until(f"exemplars of {query}",
                  lambda: check(exemplars(job, query) == expected, "Prometheus has", exemplars(job, query)))
        print("Prometheus: gives the exemplars of OpenMetrics back")


def pushed(body):
    """A strict parser that also refuses a series twice (P-10)."""
    port = free_port()
    # Debian's package would keep what was pushed in /var/lib.
    with running(PUSHGATEWAY, f"--web.listen-address=127.0.0.1:{port}", "--persistence.file=",
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        url = f"http://127.0.0.1:{port}"
        until("the Pushgateway is up", lambda: fetch(f"{url}/-/ready"))
        push = lambda data: fetch(f"{url}/metrics/job/conformance", data=data, method="PUT")
        try:
            push(body)
        except urllib.error.HTTPError as error:
            raise Failure(f"the Pushgateway refused: {error.read().decode(errors='replace')}") from error
        try:
            push(body + b"# TYPE doubled gauge\ndoubled 1\ndoubled 1\n")
        except urllib.error.HTTPError:
            return
        raise Failure("the Pushgateway took a series twice: it is no check")


def run(folder, target_program):
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(running(target_program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        target = Target(process)
        target.tell("add", 5)

        # P-40, P-47: two at once see the same, one in the format that Prometheus would rather have, one in the other.
        relayed = stack.enter_context(serving(lambda path: (target.body(), TEXT)))
        open_metrics, text = servers = [
            Prometheus(stack, folder / name, {"target": (port, "/metrics")})
            for name, port in (("open_metrics", target.port), ("text", relayed))]
        for server in servers:
            until("Prometheus is ready", lambda server=server: fetch(f"http://127.0.0.1:{server.port}/-/ready"))
            until("a first scrape", server.check_up)
            expected = expected_after(5, server is open_metrics)
            until("values after 5", lambda server=server, expected=expected: check_values(server, expected))
            print("Prometheus: all values and labels as recorded")
            metadata = server.api("metadata")
            plain, received, unit = (("target_plain", "target_received_bytes", "bytes") if server is open_metrics else
                                     ("target_plain_total", "target_received_bytes_total", ""))
            for name, kind in {plain: "counter", "target_real": "gauge", "target_latency_seconds": "histogram"}.items():
                check(name in metadata, "no metadata of", name, "among", sorted(metadata))
                check(metadata[name][0]["type"] == kind, name, metadata[name])
            check(metadata[plain][0]["help"] == 'A counter. "Quotes", a back\\slash,\na second line and # EOF\n.',
                  metadata[plain])
            check(metadata[received][0]["unit"] == unit, metadata[received])

            until("the process", lambda server=server: check_process(server, process.pid))
            print("Prometheus: the process as the kernel sees it")

        recorded_exemplars(target, open_metrics)

        target.tell("add", 0)
        for server in servers:
            expected = expected_after(5, server is open_metrics)
            for gauge in ("target_whole", "target_real", "target_observed_level"):
                expected[gauge] = {labels(): 0}
            expected["target_state"] = {labels(target_state="GET"): 1, labels(target_state=PUT): 0}
            expected["target_observed_by_enum"] = {labels(outcome="failed"): 0}
            expected["target_state_by_enum"][labels(outcome="failed")] = 0
            until("gauges follow, sums stay",
                  lambda server=server, expected=expected: check_values(server, expected))

        parsed_strictly("the target", target.body(OPEN_METRICS))
        body = target.body()
        result = promtool(body)
        check(result.returncode == 0, "promtool check metrics:", result.returncode, result.stdout.decode(),
              result.stderr.decode())
        print("promtool: nothing to say")

        dynamic_series(target, servers)

        fuzz(target, servers)
        print("fuzz: all label values and help texts came back")
        check(promtool(target.body()).returncode in (0, 3), "promtool cannot parse the hostile exposition")
        pushed(target.body())
        print("Pushgateway: no series twice")

        # Every server again, a scrape later: nothing that came since has upset them.
        instant = time.time()
        for server in servers:
            until("another scrape", lambda server=server: server.scraped_since(instant))
            server.check_up()

    # All names that the library exports about itself and its process, also where this machine has no such thing.
    for file in sorted(EXPORTED_NAMES.glob("*.txt")):
        lines = file.read_text().splitlines()
        body = "".join(f"{line}\n" if line.startswith("#") else f"{line} 1\n" for line in lines)
        result = promtool(body.encode())
        check(result.returncode == 0, file.name, "to promtool:", result.stdout.decode(), result.stderr.decode())
    print("promtool: nothing to say about our own names")

    files = sorted((GOLDEN / "prometheus_text").glob("*.txt"))
    check(files, "no golden files in", GOLDEN)
    for file in files:
        result = promtool(file.read_bytes())
        check(result.returncode in (0, 3), file.name, "is no exposition to promtool:", result.stderr.decode())
    print(f"promtool: parses all {len(files)} golden files")
    golden_open_metrics(folder)


PROMETHEUS = peer("FT_PROMETHEUS", "bin/prometheus")
PROMTOOL = peer("FT_PROMTOOL", "bin/promtool")
PUSHGATEWAY = peer("FT_PUSHGATEWAY", "bin/prometheus-pushgateway")
sys.path.insert(0, str(peer("FT_PROMETHEUS_CLIENT", "unpacked/usr/lib/python3/dist-packages")))
try:
    from prometheus_client import parser
    from prometheus_client.openmetrics import parser as open_metrics_parser
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

if len(sys.argv) != 2:
    sys.exit(__doc__)
folder = pathlib.Path(tempfile.mkdtemp(prefix="ft-prometheus-"))
try:
    run(folder, sys.argv[1])
except Failure as failure:
    print(f"FAILED: {failure}")
    for log in sorted(folder.glob("*/log")):
        print(f"--- {log}\n{log.read_text(errors='replace')[-2000:]}")
    sys.exit(1)
finally:
    shutil.rmtree(folder, ignore_errors=True)
