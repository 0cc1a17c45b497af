// The program that takes tunnel packets apart in the kernel (bpf/decap.c), as it is checked in, made ready for one
// user.
//
// Thread safety: pure.
#pragma once

#include <linux/bpf.h>

#include <array>
#include <vector>

#include "realserver/bpf/layout.h"

namespace tunvs {

using DecapConstants = std::array<uint64_t, kDecapConstants>;

// Descriptors of the maps that the program names.
struct DecapMapDescriptors {
  int tunnels, addresses, tallies, life;
};

std::vector<bpf_insn> decapProgram(const DecapConstants& constants, const DecapMapDescriptors& maps);

}  // namespace tunvs
