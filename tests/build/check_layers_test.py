"""The layer check finds each kind of breach, and only those. One file per case, in a tree of its own."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
import check_layers

BREACHES = {
    "core_knows_an_encoder": ("src/core/a.cc", '"fast_telemetry/encoding/buffer.h"'),
    "public_core_header_knows_an_encoder": ("include/fast_telemetry/a.h", "<fast_telemetry/encoding/buffer.h>"),
    "encoding_knows_an_exporter": ("src/encoding/a.cc", '"fast_telemetry/export/exposer.h"'),
    "encoding_knows_the_registry": ("src/encoding/a.cc", '"fast_telemetry/registry.h"'),
    "encoding_opens_sockets": ("src/encoding/a.cc", "<sys/socket.h>"),
    "core_uses_iostream": ("src/core/a.cc", "<iostream>"),
    "core_uses_zlib": ("src/core/a.cc", "<zlib.h>"),
    "encoding_uses_zlib": ("src/encoding/a.cc", "<zlib.h>"),
    "spans_use_protozero": ("src/spans/a.cc", "<protozero/pbf_writer.hpp>"),
    "public_header_shows_protozero": ("include/fast_telemetry/encoding/a.h", "<protozero/pbf_writer.hpp>"),
    "spans_know_an_encoder": ("src/spans/a.cc", '"fast_telemetry/encoding/buffer.h"'),
    "core_uses_a_private_header_of_encoding": ("src/core/a.cc", '"src/encoding/text_number.h"'),
    "core_uses_it_by_another_path": ("src/core/a.cc", '"encoding/text_number.h"'),
    "core_uses_it_by_the_shortest_path": ("src/core/a.cc", '"../encoding/text_number.h"'),
    "public_header_shows_microhttpd": ("include/fast_telemetry/export/exposer.h", "<microhttpd.h>"),
    "public_header_shows_asio": ("include/fast_telemetry/export/exposer.h", "<asio.hpp>"),
    "recording_header_uses_the_system": ("include/fast_telemetry/counter.h", "<unistd.h>"),
    "example_looks_inside": ("examples/01_counter.cc", "<fast_telemetry/detail/arena.h>"),
    "benchmark_looks_inside": ("bench/micro/a.cc", '"fast_telemetry/detail/arena.h"'),
    "core_knows_test_support": ("src/core/a.cc", '"fast_telemetry/testing/delta_probe.h"'),
    "exporter_knows_test_support": ("src/export/a.cc", '"fast_telemetry/testing/delta_probe.h"'),
    "benchmark_knows_test_support": ("bench/micro/a.cc", '"fast_telemetry/testing/delta_probe.h"'),
    "example_knows_test_support": ("examples/a.cc", "<fast_telemetry/testing/delta_probe.h>"),
    "test_support_knows_an_encoder": ("src/testing/a.cc", '"fast_telemetry/encoding/buffer.h"'),
    "test_support_header_knows_an_encoder": (
        "include/fast_telemetry/testing/a.h", '"fast_telemetry/encoding/buffer.h"'),
    "test_support_header_knows_a_framework": ("include/fast_telemetry/testing/a.h", "<gtest/gtest.h>"),
    "test_support_knows_a_framework": ("src/testing/a.cc", "<gtest/gtest.h>"),
    "conformance_test_looks_inside": ("tests/conformance/a.cc", '"fast_telemetry/detail/arena.h"'),
}
ALLOWED = {
    "encoding_knows_core": ("src/encoding/a.cc", '"fast_telemetry/visitor.h"'),
    "encoding_knows_spans": ("src/encoding/a.cc", '"fast_telemetry/spans/span_record.h"'),
    "encoding_uses_protozero_in_a_source": ("src/encoding/a.h", "<protozero/pbf_writer.hpp>"),
    "export_uses_microhttpd_in_a_source": ("src/export/exposer.cc", "<microhttpd.h>"),
    "core_uses_the_system_in_a_source": ("src/core/arena.cc", "<sys/mman.h>"),
    "architecture_header_uses_the_system": ("include/fast_telemetry/detail/rseq_x86_64.h", "<sys/rseq.h>"),
    "test_support_knows_core": ("include/fast_telemetry/testing/a.h", '"fast_telemetry/snapshot.h"'),
    "test_support_knows_itself": ("src/testing/a.cc", '"fast_telemetry/testing/recording_visitor.h"'),
    "unit_test_knows_test_support": ("tests/unit/core/a.cc", '"fast_telemetry/testing/recording_visitor.h"'),
    "conformance_test_knows_test_support": (
        "tests/conformance/a.cc", '"fast_telemetry/testing/recording_visitor.h"'),
    "unit_test_looks_inside": ("tests/unit/core/a.cc", '"fast_telemetry/detail/arena.h"'),
    "public_header_uses_the_standard_library": ("include/fast_telemetry/counter.h", "<cstdint>"),
}


def found(path, header):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / path
        file.parent.mkdir(parents=True)
        file.write_text(f"#pragma once\n#include {header}\n")
        return list(check_layers.problems(pathlib.Path(folder)))


class CheckLayers(unittest.TestCase):
    def test_every_breach_is_found_with_its_place(self):
        for name, (path, header) in BREACHES.items():
            with self.subTest(name):
                self.assertEqual([line.split(" ")[0] for line in found(path, header)], [f"{path}:2:"])

    def test_nothing_else_is_found(self):
        for name, (path, header) in ALLOWED.items():
            with self.subTest(name):
                self.assertEqual(found(path, header), [])


if __name__ == "__main__":
    unittest.main()
