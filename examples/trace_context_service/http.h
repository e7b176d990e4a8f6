// SPDX-License-Identifier: Apache-2.0
//
// What the server receives and answers, and what the client sends.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace service {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  ///< in their order, repeated ones included

struct HttpRequest {
  std::string method;
  std::string path;
  HttpHeaders headers;
  std::string body;
};

struct HttpReply {
  unsigned status;
  std::string body;
};

}  // namespace service
