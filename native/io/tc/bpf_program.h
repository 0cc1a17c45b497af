// A BPF program as scripts/bpf.js writes it, made ready to be loaded: constants and the maps of one user put in.
//
// Thread safety: pure.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <vector>

namespace tunvs {

// An instruction that loads the address of a map, whose descriptor is a member of `Maps`.
template <typename Maps>
struct BpfMapReference {
  uint32_t instruction;
  int Maps::*map;
};

// Puts constants in place of their marks (io/tc/bpf/helpers.h).
std::vector<bpf_insn> withConstants(std::span<const uint64_t> instructions, std::span<const uint64_t> constants);

template <typename Maps>
std::vector<bpf_insn> bpfProgram(std::span<const uint64_t> instructions,
                                 std::span<const BpfMapReference<Maps>> references, std::span<const uint64_t> constants,
                                 const Maps& maps) {
  std::vector<bpf_insn> program = withConstants(instructions, constants);
  for (const BpfMapReference<Maps>& reference : references) {
    bpf_insn& load = program[reference.instruction];
    load.src_reg = BPF_PSEUDO_MAP_FD;
    load.imm = maps.*reference.map;
  }
  return program;
}

}  // namespace tunvs
