# SPDX-License-Identifier: Apache-2.0
"""VictoriaMetrics, a receiver of OTLP: how it is started, and what it has.

It is found through FT_VICTORIA_METRICS, or under build/peers, where tools/peers.sh puts it. Tests exit with 77 when it is
missing.
"""
import contextlib
import json
import urllib.parse
import urllib.request

from peers import check, free_port, peer, running, until

PROGRAM = peer("FT_VICTORIA_METRICS", "bin/victoria-metrics")


class VictoriaMetrics:
    """Runs while runs() does, always at the same port and with what it had before."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.log = open(folder / "log", "ab")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def runs(self):
        with running(PROGRAM, f"-storageDataPath={self.folder / 'data'}", f"-httpListenAddr=127.0.0.1:{self.port}",
                     "-search.latencyOffset=0s", "-memory.allowedPercent=5", stdout=self.log, stderr=self.log):
            until("VictoriaMetrics starts", lambda: self.get("/health"))
            yield

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as reply:
            return reply.read().decode()

    def stored(self, selector):
        """Labels, the name among them, and the values in the order of their times, of each series."""
        self.get("/internal/force_flush")
        query = urllib.parse.urlencode({"match[]": selector})
        for line in self.get("/api/v1/export?" + query).splitlines():
            series = json.loads(line)
            yield series["metric"], [value for _, value in sorted(zip(series["timestamps"], series["values"]))]

    def check_log(self):
        warnings = [line for line in (self.folder / "log").read_text().splitlines() if "\twarn\t" in line]
        check(not warnings, "VictoriaMetrics warns:", warnings[:3])
