// Reads any bytes as a program of packets, times and control operations: the director's laws hold to the end.
#include <cstdio>
#include <cstdlib>

#include "support/director_program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string broken = tunvs::testing::runDirectorProgram({data, size});
  if (broken.empty()) return 0;
  std::fprintf(stderr, "%s\n", broken.c_str());
  std::abort();
}
