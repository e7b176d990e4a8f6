// SPDX-License-Identifier: Apache-2.0
//
// Writes the .proto files that opentelemetry-cpp's library was made of into a folder: Debian's package has the library,
// but not the headers of its messages. What the library says of itself fits it byte by byte.
#include <google/protobuf/descriptor.h>

#include <filesystem>
#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  for (int i = 2; i < argc; ++i) {
    const auto* const file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(argv[i]);
    if (file == nullptr) {
      std::cerr << "otel_protos: the library has no " << argv[i] << '\n';
      return 2;
    }
    const std::filesystem::path path = std::filesystem::path{argv[1]} / argv[i];
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << file->DebugString();
  }
}
