#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""W3C Trace Context and Baggage over HTTP: what a service passes on of what it was sent.

usage: run_w3c_trace_context.py SERVICE [options of unittest]

SERVICE is examples/trace_context_service. Cases are named by the requirement they show (TC-1: traceparent that is
accepted; TC-2: refused; TC-3 to TC-6: what is sent; TC-10 to TC-13: tracestate; TC-14: the test harness's contract;
TC-20 to TC-26: baggage). Those of the classes TraceContextTest, AdvancedTest and TraceContext2Test have a namesake in
W3C's own harness, which can be pointed at the service as well (docs/guide/spans.md); the Level 2 rules hold.

A case `seen red` names the change of the library that it was seen to catch.
"""
import json
import sys
import unittest

from http_harness import DEADLINE, Peer, Service

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else sys.exit(__doc__)
TRACE = "12345678901234567890123456789012"
PARENT = "1234567890123456"
BASE = f"00-{TRACE}-{PARENT}-01"
WITH_PARENT = f"traceparent: {BASE}"


def setUpModule():
    global peer, service
    peer = Peer()
    unittest.addModuleCleanup(peer.close)
    service = Service(PROGRAM)
    unittest.addModuleCleanup(service.close)


class Case(unittest.TestCase):
    def calls(self, *headers, count=1, of=None):
        """What the peer is sent in so many calls when the service gets these header lines."""
        paths = [next(peer.paths) for _ in range(count)]
        body = json.dumps([{"url": peer.url(path), "arguments": []} for path in paths]).encode()
        status, answer = (of or service).post(body, headers)
        self.assertEqual(status, 200, answer)
        for path in paths:
            self.assertEqual(len(peer.received.get(path, [])), 1, "calls for one element")
        return [peer.received[path][0] for path in paths]

    def call(self, *headers, of=None):
        return self.calls(*headers, of=of)[0]

    def assert_continues(self, *headers):
        """The trace goes on, with a span of the service's own."""
        with self.subTest(headers=headers):
            sent = self.call(*headers)
            self.assertEqual(sent.trace_id, TRACE)
            self.assertNotEqual(sent.parent_id, PARENT)
            return sent

    def assert_begins_anew(self, *headers):
        """A trace that has nothing of what came, and no tracestate either."""
        with self.subTest(headers=headers):
            sent = self.call(*headers, "tracestate: foo=1,bar=2")
            for header in headers:
                self.assertNotIn(sent.trace_id, header)
            self.assertNotIn("1234567890", sent.trace_id)
            self.assertNotEqual(sent.trace_id, "0" * 32)
            self.assertEqual(sent.flags, "03")  # TC-4: the id is random, and the root is sampled
            self.assertIsNone(sent.tracestate)

    def assert_state(self, expected, *headers):
        """What is passed on of a tracestate; the traceparent is, whatever comes of it."""
        with self.subTest(headers=headers):
            sent = self.assert_continues(WITH_PARENT, *headers)
            self.assertEqual(sent.tracestate, expected)

    def assert_baggage(self, expected, *headers):
        """What is passed on of baggage; a traceparent is, whatever comes of it."""
        with self.subTest(headers=headers):
            self.assertEqual(self.assert_continues(WITH_PARENT, *headers).baggage, expected)


class TraceContextTest(Case):
    def test_TC_3_both_traceparent_and_tracestate_missing(self):
        self.assert_begins_anew()
        self.assertIsNone(self.call().tracestate)

    def test_TC_3_traceparent_included_tracestate_missing(self):
        self.assertIsNone(self.assert_continues(WITH_PARENT).tracestate)

    # Seen red: the second of two is not counted.
    def test_TC_2_traceparent_duplicated(self):
        other = BASE.replace(TRACE, "12345678901234567890123456789011")
        self.assert_begins_anew(f"traceparent: {other}", WITH_PARENT)
        self.assert_begins_anew(WITH_PARENT, WITH_PARENT)
        self.assert_begins_anew(WITH_PARENT, f"TraceParent: {BASE}")

    def test_TC_2_traceparent_header_name(self):
        self.assert_begins_anew(f"trace-parent: {BASE}")
        self.assert_begins_anew(f"trace.parent: {BASE}")

    # Seen red: names are compared with their case.
    def test_TC_1_traceparent_header_name_valid_casing(self):
        for name in ("traceparent", "TraceParent", "TrAcEpArEnT", "TRACEPARENT"):
            self.assert_continues(f"{name}: {BASE}")

    def test_TC_2_traceparent_version_0x00(self):
        self.assert_begins_anew(f"traceparent: {BASE}.")
        self.assert_begins_anew(f"traceparent: {BASE}-what-the-future-will-be-like")

    # Seen red: versions above 00 are refused; whatever follows them is accepted.
    def test_TC_1_TC_2_traceparent_version_0xcc(self):
        self.assert_continues(f"traceparent: cc-{TRACE}-{PARENT}-01")
        self.assert_continues(f"traceparent: cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like")
        self.assert_begins_anew(f"traceparent: cc-{TRACE}-{PARENT}-01.what-the-future-will-be-like")

    # Seen red: version ff is accepted.
    def test_TC_2_traceparent_version_0xff(self):
        self.assert_begins_anew(f"traceparent: ff-{TRACE}-{PARENT}-01")

    def test_TC_2_traceparent_version_illegal_characters(self):
        for version in (".0", "0.", "0A", "CC"):
            self.assert_begins_anew(f"traceparent: {version}-{TRACE}-{PARENT}-01")

    def test_TC_2_traceparent_version_too_long(self):
        self.assert_begins_anew(f"traceparent: 000-{TRACE}-{PARENT}-01")
        self.assert_begins_anew(f"traceparent: 0000-{TRACE}-{PARENT}-01")

    def test_TC_2_traceparent_version_too_short(self):
        self.assert_begins_anew(f"traceparent: 0-{TRACE}-{PARENT}-01")

    # Seen red: an id of zeros is valid.
    def test_TC_2_traceparent_trace_id_all_zero(self):
        self.assert_begins_anew(f"traceparent: 00-{'0' * 32}-{PARENT}-01")

    # Seen red: upper-case digits are accepted.
    def test_TC_2_traceparent_trace_id_illegal_characters(self):
        for trace in (f".{TRACE[1:]}", f"{TRACE[:-1]}.", f"ABCDEF{TRACE[6:]}", f"{TRACE[:-1]}F"):
            self.assert_begins_anew(f"traceparent: 00-{trace}-{PARENT}-01")

    def test_TC_2_traceparent_trace_id_too_long(self):
        self.assert_begins_anew(f"traceparent: 00-{TRACE}3-{PARENT}-01")

    def test_TC_2_traceparent_trace_id_too_short(self):
        self.assert_begins_anew(f"traceparent: 00-{TRACE[:-1]}-{PARENT}-01")

    def test_TC_2_traceparent_parent_id_all_zero(self):
        self.assert_begins_anew(f"traceparent: 00-{TRACE}-{'0' * 16}-01")

    def test_TC_2_traceparent_parent_id_illegal_characters(self):
        for parent in (f".{PARENT[1:]}", f"{PARENT[:-1]}.", f"ABCDEF{PARENT[6:]}"):
            self.assert_begins_anew(f"traceparent: 00-{TRACE}-{parent}-01")

    def test_TC_2_traceparent_parent_id_too_long(self):
        self.assert_begins_anew(f"traceparent: 00-{TRACE}-{PARENT}7-01")

    def test_TC_2_traceparent_parent_id_too_short(self):
        self.assert_begins_anew(f"traceparent: 00-{TRACE}-{PARENT[:-1]}-01")

    def test_TC_2_traceparent_trace_flags_illegal_characters(self):
        for flags in (".0", "0.", "0A"):
            self.assert_begins_anew(f"traceparent: 00-{TRACE}-{PARENT}-{flags}")

    def test_TC_2_traceparent_trace_flags_too_long(self):
        self.assert_begins_anew(f"traceparent: 00-{TRACE}-{PARENT}-001")

    def test_TC_2_traceparent_trace_flags_too_short(self):
        self.assert_begins_anew(f"traceparent: 00-{TRACE}-{PARENT}-1")

    # Seen red: nothing is trimmed.
    def test_TC_1_traceparent_ows_handling(self):
        for before, after in ((" ", ""), ("\t", ""), ("", " "), ("", "\t"), ("\t ", " \t"), ("", "")):
            self.assert_continues(f"traceparent:{before}{BASE}{after}")

    def test_TC_11_tracestate_included_traceparent_missing(self):
        for state in ("foo=1", "foo=1,bar=2"):
            self.assertIsNone(self.call(f"tracestate: {state}").tracestate)

    def test_TC_10_tracestate_included_traceparent_included(self):
        self.assert_state("foo=1,bar=2", "tracestate: foo=1,bar=2")
        sent = self.call("tracestate: foo=1,bar=2", WITH_PARENT)  # in any order
        self.assertEqual((sent.trace_id, sent.tracestate), (TRACE, "foo=1,bar=2"))

    def test_TC_11_tracestate_header_name(self):
        self.assert_state(None, "trace-state: foo=1")
        self.assert_state(None, "trace.state: foo=1")

    def test_TC_10_tracestate_header_name_valid_casing(self):
        for name in ("TraceState", "TrAcEsTaTe", "TRACESTATE"):
            self.assert_state("foo=1", f"{name}: foo=1")

    def test_TC_10_tracestate_empty_header(self):
        self.assert_state(None, "tracestate:")
        self.assert_state(None, "tracestate: ")
        self.assert_state("foo=1", "tracestate: foo=1", "tracestate:")
        self.assert_state("foo=1", "tracestate:", "tracestate: foo=1")

    # Seen red: only the first header counts.
    def test_TC_10_tracestate_multiple_headers_different_keys(self):
        self.assert_state("foo=1,bar=2,rojo=1,congo=2,baz=3", "tracestate: foo=1,bar=2", "tracestate: rojo=1,congo=2",
                          "tracestate: baz=3")

    def test_TC_12_tracestate_duplicated_keys(self):
        """Level 2 lets them be passed on as they are, which is what happens."""
        self.assert_state("foo=1,foo=1", "tracestate: foo=1,foo=1")
        self.assert_state("foo=1,foo=2", "tracestate: foo=1,foo=2")
        self.assert_state("foo=1,foo=1", "tracestate: foo=1", "tracestate: foo=1")
        self.assert_state("foo=1,foo=2", "tracestate: foo=1", "tracestate: foo=2")

    def test_TC_10_tracestate_all_allowed_characters(self):
        key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
        value = "".join(chr(c) for c in range(0x20, 0x7F) if chr(c) not in ",=")
        self.assert_state(f"{key}={value}", f"tracestate: {key}={value}")
        self.assert_state(f"{key}@a-z0-9_-*/={value}", f"tracestate: {key}@a-z0-9_-*/={value}")

    # Seen red: members are not trimmed.
    def test_TC_10_tracestate_ows_handling(self):
        self.assert_state("foo=1,bar=2,baz=3", "tracestate: foo=1 \t , \t bar=2, \t baz=3")
        self.assert_state("foo=1,bar=2,baz=3", "tracestate: foo=1\t \t,\t \tbar=2,\t \tbaz=3")
        for before, after in ((" ", ""), ("\t", ""), ("", " "), ("", "\t"), ("\t ", " \t")):
            self.assert_state("foo=1", f"tracestate:{before}foo=1{after}")

    # Seen red: the bad member alone is left out.
    def test_TC_11_tracestate_key_illegal_characters(self):
        for key in ("foo ", "FOO", "foo.bar"):
            self.assert_state(None, f"tracestate: {key}=1")
            self.assert_state(None, f"tracestate: good=1,{key}=1")

    def test_TC_10_TC_11_tracestate_key_illegal_vendor_format(self):
        """Level 2 has no vendor format any more; a key still begins with a letter or a digit."""
        self.assert_state(None, "tracestate: @foo=1,bar=2")
        for key in ("foo@", "foo@@bar", "foo@bar@baz", "0foo"):
            self.assert_state(f"{key}=1,bar=2", f"tracestate: {key}=1,bar=2")

    # Seen red: 33 are accepted.
    def test_TC_10_TC_11_tracestate_member_count_limit(self):
        members = [f"bar{n:02}={n:02}" for n in range(1, 34)]
        lists = [",".join(members[n:n + 10]) for n in (0, 10, 20)]
        self.assert_state(",".join(members[:32]), *(f"tracestate: {text}" for text in lists),
                          f"tracestate: {','.join(members[30:32])}")
        self.assert_state(None, *(f"tracestate: {text}" for text in lists), f"tracestate: {','.join(members[30:])}")

    def test_TC_10_TC_11_tracestate_key_length_limit(self):
        self.assert_state(f"foo=1,{'z' * 256}=1", "tracestate: foo=1", f"tracestate: {'z' * 256}=1")
        self.assert_state(None, "tracestate: foo=1", f"tracestate: {'z' * 257}=1")
        for key in (f"{'t' * 241}@{'v' * 14}", f"{'t' * 242}@v", f"t@{'v' * 15}"):  # the last two by Level 2 only
            self.assert_state(f"foo=1,{key}=1", "tracestate: foo=1", f"tracestate: {key}=1")

    def test_TC_11_tracestate_value_illegal_characters(self):
        for value in ("bar=baz", "", "a\tb", "a\x7fb", "a\xe9b"):
            self.assert_state(None, f"tracestate: foo={value},bar=3")


class AdvancedTest(Case):
    def test_TC_3_multiple_requests_with_valid_traceparent(self):
        sent = self.calls(WITH_PARENT, count=3)
        self.assertEqual({each.trace_id for each in sent}, {TRACE})
        self.assertEqual(len({each.parent_id for each in sent} | {PARENT}), 4)

    def test_TC_3_multiple_requests_without_traceparent(self):
        sent = self.calls(count=3)
        self.assertEqual(len({each.trace_id for each in sent}), 1)  # one request is one trace here
        self.assertEqual(len({each.parent_id for each in sent}), 3)

    def test_TC_3_multiple_requests_with_illegal_traceparent(self):
        sent = self.calls(f"traceparent: 00-{'0' * 32}-{PARENT}-01", count=3)
        self.assertNotIn("0" * 32, {each.trace_id for each in sent})
        self.assertEqual(len({each.parent_id for each in sent} | {PARENT}), 4)


class TraceContext2Test(Case):
    # Seen red: the random flag is always set.
    def test_TC_4_propagates_random_flag(self):
        for flags in ("00", "01", "02", "03"):
            with self.subTest(flags=flags):
                self.assertEqual(self.call(f"traceparent: 00-{TRACE}-{PARENT}-{flags}").flags, flags)


class WhatIsSent(Case):
    def test_TC_1_unknown_flags_are_not_passed_on(self):
        self.assertEqual(self.assert_continues(f"traceparent: 00-{TRACE}-{PARENT}-ff").flags, "03")
        self.assertEqual(self.assert_continues(f"traceparent: cc-{TRACE}-{PARENT}-fc").flags, "00")

    def test_TC_2_empty_traceparent(self):
        self.assert_begins_anew("traceparent:")
        self.assert_begins_anew("traceparent: ")

    def test_TC_3_the_version_is_00_whatever_came(self):
        self.assertEqual(self.call(f"traceparent: cc-{TRACE}-{PARENT}-01-more").traceparent[0], "00")

    # Seen red: the context that came is sent on, instead of that of the client's span.
    def test_TC_3_TC_6_spans_are_children_of_what_was_extracted(self):
        """What is sent names the client's span, a child of the server's, a child of a remote one."""
        client = service.span(self.call(WITH_PARENT).parent_id)
        server = service.span(client["parent_id"])
        self.assertEqual((client["kind"], client["trace_id"], client["parent_is_remote"]), ("client", TRACE, False))
        self.assertEqual((server["kind"], server["trace_id"], server["parent_id"], server["parent_is_remote"]),
                         ("server", TRACE, PARENT, True))

    def test_TC_6_a_context_that_cannot_be_read_is_a_root(self):
        client = service.span(self.call("traceparent: nonsense", "tracestate: ===").parent_id)
        self.assertIsNone(service.span(client["parent_id"])["parent_id"])

    # Seen red: what is sent claims to be sampled.
    def test_TC_5_the_sampled_flag_says_whether_the_span_was_recorded(self):
        sent = {flags: self.call(f"traceparent: 00-{TRACE}-{PARENT}-{flags}") for flags in ("00", "01")}
        self.assertEqual({flags: each.flags for flags, each in sent.items()}, {"00": "00", "01": "01"})
        service.span(sent["01"].parent_id)  # printed after the other would have been
        self.assertNotIn(sent["00"].parent_id, service.spans)

    def test_TC_5_sampling_changes_the_flag_and_nothing_else(self):
        for sampler, came, flags, root in (("always_off", "01", "00", "02"), ("always_on", "00", "01", "03")):
            with self.subTest(sampler=sampler), Service(PROGRAM, "--sampler", sampler) as other:
                sent = self.call(f"traceparent: 00-{TRACE}-{PARENT}-{came}", "tracestate: foo=1", of=other)
                self.assertEqual((sent.trace_id, sent.flags, sent.tracestate), (TRACE, flags, "foo=1"))
                self.assertNotEqual(sent.parent_id, PARENT)
                self.assertEqual(self.call(of=other).flags, root)


class OwnTraceState(Case):
    @classmethod
    def setUpClass(cls):
        cls.other = Service(PROGRAM, "--trace-state", "own=new")
        cls.addClassCleanup(cls.other.close)

    def state(self, *lists):
        return self.call(WITH_PARENT, *(f"tracestate: {text}" for text in lists), of=self.other).tracestate

    # Seen red: it is added at the right.
    def test_TC_13_own_member_is_at_the_left_and_the_others_stay_in_order(self):
        self.assertEqual(self.state(), "own=new")
        self.assertEqual(self.state("foo=1,bar=2", "baz=3"), "own=new,foo=1,bar=2,baz=3")
        self.assertEqual(self.state("foo=1,own=old,bar=2"), "own=new,foo=1,bar=2")
        self.assertEqual(self.state("owner=1"), "own=new,owner=1")
        self.assertEqual(self.state("bad key=1"), "own=new")

    def test_TC_13_the_last_member_makes_room(self):
        members = [f"k{n}={n}" for n in range(32)]
        self.assertEqual(self.state(",".join(members)), ",".join(["own=new", *members[:31]]))

    # Seen red: the last members go first.
    def test_TC_13_whole_members_give_way_those_of_more_than_128_characters_first(self):
        long = [f"long{n}={'v' * 250}" for n in range(20)]
        state = self.state("first=1", *long, "last=1").split(",")
        self.assertEqual(state[:2] + state[-1:], ["own=new", "first=1", "last=1"])
        self.assertEqual(state[2:-1], long[:len(state) - 3])
        self.assertGreater(sum(map(len, state)), 512)
        self.assertLess(len(state), 23)

    def test_TC_13_512_characters_and_more_are_passed_on(self):
        members = ",".join(f"k{n}={'v' * 100}" for n in range(30))
        self.assertEqual(self.state(members), f"own=new,{members}")


class HarnessContract(Case):
    """TC-14."""

    def answer(self, *elements):
        status, body = service.post(json.dumps(elements).encode())
        return status, json.loads(body)

    def test_TC_14_arguments_are_posted_as_json_in_the_order_of_the_elements(self):
        arguments = [[], [{"url": "x", "arguments": []}], {"größe": [1, 2.5, None, True, "\n"]}, "text", None]
        path = next(peer.paths)
        status, answer = self.answer(*({"url": peer.url(path), "arguments": each} for each in arguments))
        self.assertEqual((status, answer), (200, [{"url": peer.url(path), "status": 200}] * len(arguments)))
        self.assertEqual([json.loads(each.body) for each in peer.received[path]], arguments)
        for each in peer.received[path]:
            self.assertEqual(each.start_line, f"POST {path} HTTP/1.1")
            self.assertEqual(each.only("content-type"), "application/json")

    def test_TC_14_no_elements_no_calls(self):
        self.assertEqual(self.answer(), (200, []))

    def test_TC_14_a_service_may_be_told_to_call_itself(self):
        path = next(peer.paths)
        body = [{"url": peer.url(path), "arguments": []}]
        for _ in range(3):
            body = [{"url": service.url, "arguments": body}]
        status, _ = service.post(json.dumps(body).encode(), [WITH_PARENT, "tracestate: foo=1", "baggage: k=v"])
        self.assertEqual(status, 200)
        sent = peer.received[path][0]
        self.assertEqual((sent.trace_id, sent.tracestate, sent.baggage), (TRACE, "foo=1", "k=v"))
        remotes = 0
        span_id = sent.parent_id
        while span_id != PARENT:
            span = service.span(span_id)
            remotes += span["parent_is_remote"]
            span_id = span["parent_id"]
        self.assertEqual(remotes, 4)

    def test_TC_14_what_is_no_request_is_refused_and_nothing_is_sent(self):
        path = next(peer.paths)
        good = json.dumps({"url": peer.url(path), "arguments": []})
        for body in ("", "{", "nonsense", "null", "1", good, f"[{good}, 1]", f'[{good}, {{"url": "x"}}]',
                     f'[{good}, {{"arguments": []}}]', f'[{good}, {{"url": 1, "arguments": []}}]', f"[{good},]",
                     f"[{good}] x", '["\xff"]', "[1e999]", "[" * 500_000,
                     f"[{good[:-3]}{'[' * 400_000}{']' * 400_000}}}]"):
            with self.subTest(body=body[:80]):
                status, answer = service.post(body.encode("latin-1"))
                self.assertEqual(status, 400, answer)
                self.assertIn("error", json.loads(answer))
        self.assertNotIn(path, peer.received)

    def test_TC_14_who_cannot_be_reached_is_an_error_and_the_others_are_called(self):
        good = next(peer.paths)
        broken, redirect, refusing = (next(peer.paths) for _ in range(3))
        peer.answers[broken] = b"nonsense\r\n\r\n"
        peer.answers[redirect] = (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: " + good.encode() +
                                  b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        peer.answers[refusing] = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        # 0.0.0.0 reaches this machine, but is no address of the loopback interface.
        unreachable = [f"http://0.0.0.0:{peer.port}{good}", "http://127.0.0.1:1/", "http://192.0.2.1/", "http://[2001:db8::1]/", "file:///etc/passwd",
                       "ftp://127.0.0.1/", "nonsense://x", "", "http://", "http://127.0.0.1:99999/", "x\r\ny: z",
                       peer.url(broken)]
        for url in unreachable:
            with self.subTest(url=url):
                status, (first, second) = self.answer({"url": url, "arguments": []},
                                                      {"url": peer.url(good), "arguments": []})
                self.assertEqual((status, first["url"], second["status"]), (502, url, 200))
                self.assertTrue(first["error"])
        self.assertEqual(len(peer.received[good]), len(unreachable))
        self.assertEqual(self.answer(*({"url": peer.url(path), "arguments": []} for path in (redirect, refusing))),
                         (200, [{"url": peer.url(redirect), "status": 307}, {"url": peer.url(refusing), "status": 500}]))
        self.assertEqual(len(peer.received[good]), len(unreachable))  # the redirect was not followed
        failed = service.span(peer.received[refusing][0].parent_id)
        self.assertEqual(failed["status"], "error")

    def test_TC_14_bodies_are_limited(self):
        head = b"POST /test HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        path = next(peer.paths)
        large = json.dumps([{"url": peer.url(path), "arguments": ["x" * 1_000_000]}]).encode()
        self.assertEqual(service.post(large)[0], 200)
        self.assertEqual(len(json.loads(peer.received[path][0].body)[0]), 1_000_000)
        for length in (b"1048577", b"99999999999999999999"):
            status, _ = service.exchange(head + b"Content-Length: " + length + b"\r\n\r\n")
            self.assertIn(status, (400, 413), length)
        with service.connect() as connection:  # not announced: the connection is closed in the middle of it
            connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
            with self.assertRaises(OSError):
                for _ in range(10_000):
                    connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        self.call()  # it is still there

    def test_TC_14_other_paths_and_methods_are_refused(self):
        ending = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        self.assertEqual(service.exchange(b"GET /test" + ending)[0], 405)
        self.assertEqual(service.exchange(b"GET /" + ending)[0], 404)

    def test_TC_14_many_clients_at_once(self):
        """Each gets its own context, not its neighbour's."""
        import concurrent.futures
        traces = [f"{n + 1:032x}" for n in range(64)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            sent = list(pool.map(lambda trace: self.call(f"traceparent: 00-{trace}-{PARENT}-01",
                                                         f"tracestate: t={trace}", f"baggage: b={trace}"), traces))
        self.assertEqual([each.trace_id for each in sent], traces)
        self.assertEqual([each.tracestate for each in sent], [f"t={trace}" for trace in traces])
        self.assertEqual([each.baggage for each in sent], [f"b={trace}" for trace in traces])
        self.assertEqual(len({each.parent_id for each in sent}), len(sent))

    def test_TC_14_it_ends_while_it_waits_for_an_answer(self):
        path = next(peer.paths)
        peer.answers[path] = None
        body = json.dumps([{"url": peer.url(path), "arguments": []}]).encode()
        with Service(PROGRAM) as other, other.connect() as connection:
            connection.sendall(b"POST /test HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            self.assertTrue(peer.silent.wait(DEADLINE))
            self.assertEqual(other.stop(), 0)
            span = other.span(peer.received[path][0].parent_id)
            self.assertIn("abort", span["error"])  # and not that it ran out of time


class Baggage(Case):
    # Seen red: only the first header counts.
    def test_TC_20_headers_are_combined_in_order(self):
        self.assert_baggage("a=1,b=2,c=3", "baggage: a=1,b=2", "baggage: c=3")
        self.assert_baggage("a=1,b=2", "Baggage: a=1", "BAGGAGE: b=2")
        self.assert_baggage("a=1,b=2;p1 ; p2=x,c=3", "baggage: a = 1 , b\t=\t2 ; p1 ; p2=x,\tc=3 ")
        self.assert_baggage("a=1,b=2", "baggage:", "baggage: a=1,, ,b=2")

    def test_TC_20_it_goes_to_every_call_and_needs_no_traceparent(self):
        self.assertEqual([each.baggage for each in self.calls("baggage: k=v", count=3)], ["k=v"] * 3)

    # Seen red: keys are not looked at; keys are decoded.
    def test_TC_21_keys_are_tokens_and_stay_as_they_are(self):
        key = "!#$%&'*+-.^_`|~aZ9"
        self.assert_baggage(f"{key}=1", f"baggage: {key}=1")
        self.assert_baggage("Key=1,key=2,a%20b=3", "baggage: Key=1,key=2,a%20b=3")
        for bad in ("bad key", "", "b@d", "b(d", "b\xe9d", 'b"d', "b/d", "b[d"):
            self.assert_baggage("good=1", f"baggage: {bad}=x,good=1")
            self.assert_baggage(None, f"baggage: {bad}=x")

    # Seen red: a plus becomes a space; digits in lower case are written.
    def test_TC_22_values_are_decoded_by_percent_only_and_encoded_again(self):
        octets = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '",;\\%')
        self.assert_baggage(f"k={octets}", f"baggage: k={octets}")
        self.assert_baggage("k=1+1=2", "baggage: k=1+1=2")
        self.assert_baggage("k=%20%22%2C%3B%5C%25", "baggage: k=%20%22%2c%3b%5c%25")
        self.assert_baggage("k=A%C3%A9", "baggage: k=%41%c3%a9")
        self.assert_baggage("k=%EF%BF%BDA", "baggage: k=%ff%41")
        self.assert_baggage("k=%25zz%251", "baggage: k=%zz%1")
        self.assert_baggage("k=%0D%0AX-Evil:%201", "baggage: k=%0d%0aX-Evil:%201")
        self.assert_baggage("k=%00", "baggage: k=%00")

    def test_TC_23_examples_of_the_specification(self):
        self.assert_baggage("SomeKey=%09%20%22'%3B=asdf!@#$%25^&*()",
                            "baggage: SomeKey=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29")
        text = "userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false"
        self.assert_baggage(text, f"baggage: {text}")
        self.assert_baggage("key1=value1;property1;property2,key2=value2,key3=value3;propertyKey=propertyValue",
                            "baggage: key1=value1;property1;property2, key2 = value2, "
                            "key3=value3; propertyKey=propertyValue")

    # Seen red: 63 members are the most; what crosses the limit is cut.
    def test_TC_24_limits(self):
        members = [f"k{n}={n}" for n in range(66)]
        self.assert_baggage(",".join(members[:64]), f"baggage: {','.join(members)}")
        self.assert_baggage(",".join(members[:64]), *(f"baggage: {member}" for member in members))
        full = f"a={'x' * 4000},b={'y' * 4187}"
        self.assertEqual(len(full), 8192)
        self.assert_baggage(full, f"baggage: {full}")
        self.assert_baggage(f"a={'x' * 4000}", f"baggage: {full}y")
        self.assert_baggage(full, f"baggage: {full},c=1")
        self.assert_baggage(f"a={'x' * 4000}", f"baggage: a={'x' * 4000}", f"baggage: b={'y' * 4188}", "baggage: c=1")
        # What grows when it is encoded is cut at the end, by whole members.
        self.assert_baggage("a=1", f"baggage: a=1,b={'%' * 4000}")
        self.assert_baggage(None, f"baggage: b={'%' * 4000}")

    # Seen red: the first of a key stays; one bad member spoils all.
    def test_TC_25_the_last_of_a_key_stays_and_what_is_wrong_is_skipped(self):
        self.assert_baggage("k=2,l=3", "baggage: k=1,l=3", "baggage: k=2")
        self.assert_baggage("ok=1", 'baggage: no_equals,v=a b,q="x",ok=1,b=\\,u=\xe9')
        self.assert_baggage("a=1;p%20q;r=%20", "baggage: a=1;p%20q;r=%20")
        self.assert_baggage("a=,b=1", "baggage: a=,b=1")
        self.assert_baggage(None, "baggage: ;;;=,=,")

    # Seen red: an empty header is sent.
    def test_TC_26_nothing_is_sent_for_nothing(self):
        self.assert_baggage(None)
        self.assert_baggage(None, "baggage:")
        self.assert_baggage(None, "baggage: , ,")


if __name__ == "__main__":
    unittest.main()
