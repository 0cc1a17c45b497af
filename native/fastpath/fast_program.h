// The fast path's program (bpf/fast_path.c), as it is checked in, made ready for one table.
//
// Thread safety: pure.
#pragma once

#include <linux/bpf.h>

#include <array>
#include <cstdint>
#include <vector>

#include "fastpath/bpf/layout.h"

namespace tunvs {

using FastConstants = std::array<uint64_t, kFastConstants>;

// Descriptors of the maps that the program names.
struct FastMapDescriptors {
  int region, servers, sources, tallies, counts, state, life;
};

std::vector<bpf_insn> fastProgram(const FastConstants& constants, const FastMapDescriptors& maps);

}  // namespace tunvs
