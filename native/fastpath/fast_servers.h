// The lines of the real servers in the fast path's map, kept as they should be.
//
// A program may read a line while it is changed. So what holds still (fast_server.h) is changed in steps: the line is
// taken away, programs that may have read it end, and the new one is put in its place. The rest is one word each.
//
// Thread safety: one call at a time.
#pragma once

#include <vector>

#include "fastpath/fast_server.h"
#include "io/tc/bpf_array.h"

namespace tunvs {

class FastServers {
 public:
  // `wait` waits until every program that runs has ended.
  using Wait = Result<void> (*)();
  FastServers(std::span<FastServer> lines, Wait wait) : lines_(lines), wait_(wait) {}

  // Changes the lines to `wanted`, for ids from 0 on; further ones are taken away. Returns how many lines the program
  // can use.
  size_t set(std::span<const FastServer> wanted);
  // Takes all lines away, so that everything goes on to the slow path.
  void clear();

 private:
  void takeAway(FastServer& line);

  std::span<FastServer> lines_;
  Wait wait_;
  bool mustWait_ = false;  // a line was taken away, and a program may still use it
  std::vector<size_t> changed_;
};

}  // namespace tunvs
