#include "fastpath/fast_program.h"

#include <bit>
#include <cstddef>

namespace tunvs {
namespace {

struct MapReference {
  uint32_t instruction;
  int FastMapDescriptors::*map;
};

// kInstructions: the program, 8 bytes each. kMapReferences: the instructions that load a map's address.
#include "fastpath/bpf/program.inc"

// Marks a constant, whose number is in the lower half (bpf/helpers.h).
constexpr uint32_t kConstantMark = 0xc0ffee00;
constexpr uint8_t kLoadConstant = BPF_LD | BPF_IMM | BPF_DW;

}  // namespace

std::vector<bpf_insn> fastProgram(const FastConstants& constants, const FastMapDescriptors& maps) {
  std::vector<bpf_insn> program;
  for (const uint64_t instruction : kInstructions) program.push_back(std::bit_cast<bpf_insn>(instruction));
  for (const MapReference& reference : kMapReferences) {
    bpf_insn& load = program[reference.instruction];
    load.src_reg = BPF_PSEUDO_MAP_FD;
    load.imm = maps.*reference.map;
  }
  for (std::size_t i = 0; i + 1 < program.size(); i++) {
    bpf_insn &low = program[i], &high = program[i + 1];
    if (low.code != kLoadConstant || static_cast<uint32_t>(high.imm) != kConstantMark) continue;
    const uint64_t value = constants[static_cast<uint32_t>(low.imm)];
    low.imm = static_cast<int32_t>(value);
    high.imm = static_cast<int32_t>(value >> 32);
  }
  return program;
}

}  // namespace tunvs
