# SPDX-License-Identifier: Apache-2.0
"""Both ends of the service under test: requests as raw bytes, and a peer that keeps what it is sent as it came."""
import http.client
import itertools
import json
import re
import socket
import socketserver
import subprocess
import threading

DEADLINE = 30  # seconds; only to turn a hang into a failure
TRACEPARENT = re.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class Received:
    """A request as it came over the wire."""

    def __init__(self, head, body):
        self.start_line, *lines = head.decode("latin-1").split("\r\n")
        self.headers = [tuple(part.strip(" ") for part in line.split(":", 1)) for line in lines]
        self.body = body

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name]

    def only(self, name):
        """The value of a header that is there at most once."""
        values = self.values(name)
        if len(values) > 1:
            raise AssertionError(f"{name} more than once: {values}")
        return values[0] if values else None

    @property
    def traceparent(self):
        """Version, trace id, parent id and flags."""
        value = self.only("traceparent")
        match = TRACEPARENT.fullmatch(value or "")
        if not match:
            raise AssertionError(f"no traceparent: {value!r}")
        return match.groups()

    trace_id = property(lambda self: self.traceparent[1])
    parent_id = property(lambda self: self.traceparent[2])
    flags = property(lambda self: self.traceparent[3])
    tracestate = property(lambda self: self.only("tracestate"))
    baggage = property(lambda self: self.only("baggage"))


class Peer:
    """Answers every POST with 200, or with the bytes that were set for its path; None: never."""

    OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnull"

    def __init__(self):
        peer = self
        self.received = {}
        self.answers = {}
        self.silent = threading.Event()  # set while somebody waits for an answer that does not come
        self.closing = threading.Event()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = self.rfile.readline()
                    if not line:
                        return
                    head += line
                length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)\r\n", head)[1])
                request = Received(head[:-4], self.rfile.read(length))
                path = request.start_line.split(" ")[1]
                peer.received.setdefault(path, []).append(request)
                answer = peer.answers.get(path, peer.OK)
                if answer is None:
                    peer.silent.set()
                    peer.closing.wait(DEADLINE)
                else:
                    self.wfile.write(answer)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.paths = (f"/callback/{n}" for n in itertools.count())
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


class Service:
    """The service under test; ends with close(), or with a with statement."""

    def __init__(self, program, *options):
        self.child = subprocess.Popen([program, *options], stdout=subprocess.PIPE, text=True)
        self.url = self.child.stdout.readline().strip()
        self.port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/test", self.url)[1])
        self.spans = {}
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            span = json.loads(line)
            with self.news:
                self.spans[span["span_id"]] = span
                self.news.notify_all()

    def span(self, span_id):
        """The printed span; those that were printed before it are in `spans` then, too."""
        with self.news:
            if not self.news.wait_for(lambda: span_id in self.spans, DEADLINE):
                raise AssertionError(f"no span {span_id} was printed")
            return self.spans[span_id]

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)

    def exchange(self, request):
        """Sends bytes; status and body of the answer."""
        with self.connect() as connection:
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection, method="POST")
            answer.begin()
            return answer.status, answer.read()

    def post(self, body, headers=()):
        """`headers` are lines, sent as they are."""
        return self.exchange(b"\r\n".join([b"POST /test HTTP/1.1", b"Host: 127.0.0.1", b"Content-Type: application/json",
                                           b"Content-Length: %d" % len(body), b"Connection: close",
                                           *(line.encode("latin-1") for line in headers), b"", body]))

    def stop(self):
        """Its exit status after SIGTERM."""
        self.child.terminate()
        return self.child.wait(DEADLINE)

    def close(self):
        try:
            status = self.stop()
        finally:
            if self.child.poll() is None:
                self.child.kill()
                self.child.wait()
            self.reader.join(DEADLINE)
            self.child.stdout.close()
        if status != 0:  # a sanitizer's report, for one
            raise AssertionError(f"the service ended with {status}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
