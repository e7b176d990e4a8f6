"""A real Prometheus that scrapes the proxy, and its query interface."""
import json
import urllib.error
import urllib.parse
import urllib.request

from .processes import Failure, free_port

CONFIG = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: proxy
    static_configs:
      - targets: ['127.0.0.1:%d']
"""


class Prometheus:
    def __init__(self, children, binary, metrics_port, cpus):
        self.port = free_port()
        config = children.directory / "prometheus.yml"
        config.write_text(CONFIG % metrics_port)
        self.child = children.start("Prometheus", [
            binary, f"--config.file={config}", f"--storage.tsdb.path={children.directory / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], cpus)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def get(self, path, **parameters):
        url = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except (urllib.error.HTTPError, KeyError, ValueError) as error:
            raise Failure(f"Prometheus does not answer {url}: {error}", self.child) from error

    def query(self, expression, **at):
        """An instant query: a list of (labels, value). `time=` asks how it was then."""
        result = self.get("/api/v1/query", query=expression, **at)["result"]
        return [(point["metric"], float(point["value"][1])) for point in result]

    def number(self, expression, **at):
        """The value of an expression with one result, or None."""
        points = self.query(expression, **at)
        return points[0][1] if points else None

    def wait_for_first_scrape(self):
        """About 5.5 s after its start, whatever the interval: targets are loaded with a delay."""
        ready = f"{self.url}/-/ready"
        self.child.wait_for("answer", lambda: urllib.request.urlopen(ready, timeout=10).close() is None)
        self.child.wait_for("first scrape of the proxy", lambda: self.number('up{job="proxy"}') == 1, seconds=30)

    def wait_for_sample_after(self, moment):
        """Until what the proxy showed after `moment` (Unix seconds) is stored."""
        self.child.wait_for("a scrape after the end of the load",
                            lambda: (self.number("min(timestamp(proxy_commands_total))") or 0) > moment)
        [target] = self.get("/api/v1/targets", state="active")["activeTargets"]
        if target["health"] != "up":
            raise Failure(f"Prometheus says of the proxy: {target['lastError']}", self.child)

    def commands(self):
        """The proxy's totals by command, and how many of them were not answered with success."""
        totals = self.query("sum by (command) (proxy_commands_total)")
        not_ok = int(self.number('sum(proxy_commands_total{outcome!="ok"})'))
        return {labels["command"]: int(value) for labels, value in totals}, not_ok

    def graph_url(self, expression):
        return f"{self.url}/graph?{urllib.parse.urlencode({'g0.expr': expression, 'g0.tab': 0, 'g0.range_input': '5m'})}"
