// SPDX-License-Identifier: Apache-2.0
//
// Runs a program where membarrier is refused from its first instruction on: without_membarrier PROGRAM ARGUMENT...
#include <cstdio>

#include "tests/stress/stress.h"

int main(int count, char** arguments) {
  if (count < 2) return 2;
  if (!stress::refuse_membarrier()) {
    std::perror("without_membarrier: no filter could be installed");
    return 2;
  }
  execv(arguments[1], arguments + 1);
  std::perror(arguments[1]);
  return 2;
}
