// SPDX-License-Identifier: Apache-2.0
//
// SpanFile: finished spans into a file, to be looked at. For programs that export.
#pragma once

#include <memory>
#include <system_error>

#include "fast_telemetry/spans/drain.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

enum class SpanFileFormat : std::uint8_t {
  json_lines,    ///< append_json_line: OTLP/JSON, a span per line
  chrome_trace,  ///< append_chrome_event: what trace viewers open
};

struct SpanFileOptions {
  SpanFileFormat format = SpanFileFormat::json_lines;
  /// The file never has more. A span it has no room for is dropped and counted; a smaller one may still fit.
  std::uint64_t max_bytes = std::uint64_t{1} << 30U;
};

namespace detail {
class SpanFileWriter;
}

/// A sink that writes a file:
///
///     ft::SpanFile file;
///     if (const std::error_code error = file.open("trace.json", {.format = ft::SpanFileFormat::chrome_trace})) …
///     ft::drain_spans(file);  // now and then
///     file.flush();
///
/// Takes every span: it is written, or dropped and counted, with a diagnostic of component "span_file" that says why.
/// Writes are of whole spans, some 64 KiB at a time: after a kill, the file has all spans that were flushed and ends
/// with a whole one. After a disk has become full it ends with a whole one, too, and goes on once there is room again.
/// Written means that the kernel has it; nothing is synchronised to the disk.
///
/// Not thread-safe. A forked child may destroy its copy, which leaves the file alone, and must not use it otherwise.
class SpanFile final : public SpanSink {
 public:
  /// What became of the spans that it took: written + buffered + dropped_limit + dropped_error.
  struct Info {
    std::uint64_t written = 0;
    std::uint64_t buffered = 0;       ///< wait for flush
    std::uint64_t dropped_limit = 0;  ///< beyond max_bytes
    std::uint64_t dropped_error = 0;  ///< could not be written, or there was no open file
    std::uint64_t bytes = 0;          ///< of the file
  };

  SpanFile() noexcept;
  ~SpanFile();  ///< close()
  SpanFile(const SpanFile&) = delete;
  SpanFile& operator=(const SpanFile&) = delete;

  /// Creates the file with permissions 0600, or empties the one that is there; closes the one before. Regular files and
  /// character devices only: a pipe could keep a drain waiting, or end the process by SIGPIPE. Throws std::bad_alloc.
  [[nodiscard]] std::error_code open(const char* path, const SpanFileOptions& options = {});

  /// Throws std::bad_alloc; the span then stays in the spans' buffer.
  [[nodiscard]] SinkAnswer span(const SpanRecord& record) override;

  /// Writes what waits. An error means that spans were dropped, and is told once.
  std::error_code flush() noexcept;

  /// Writes what waits and what the format wants at its end. Counts stay. Does nothing when closed.
  std::error_code close() noexcept;

  [[nodiscard]] Info info() const noexcept;

 private:
  std::unique_ptr<detail::SpanFileWriter> writer_;
  Info info_;  ///< while no file is open
};

FAST_TELEMETRY_END_NAMESPACE
