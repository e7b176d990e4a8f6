// SPDX-License-Identifier: Apache-2.0
//
// The sample of docs/guide/spans.md that writes a file.
#include <fast_telemetry/export/span_file.h>
#include <fast_telemetry/spans/tracer.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace ft = fast_telemetry;

namespace span_file_page {

int rounds = 3;
bool serving() {
  const ft::Tracer tracer{"shop"};
  tracer.root("request").end();
  return rounds-- > 0;
}

std::error_code write_spans(const char* path) {
  ft::SpanFile file;
  if (const std::error_code error = file.open(path, {.format = ft::SpanFileFormat::chrome_trace})) return error;
  while (serving()) {
    ft::drain_spans(file);
    file.flush();
  }
  return file.close();
}

TEST(Snippet, span_file) {
  std::string folder = (std::filesystem::temp_directory_path() / "snippet_XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/trace.json";
  EXPECT_EQ(write_spans(path.c_str()), std::error_code{});
  EXPECT_GT(std::filesystem::file_size(path), 300U);
  std::filesystem::remove_all(folder);
}

}  // namespace span_file_page
