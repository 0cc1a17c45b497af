#include "io/tc/bpf_program.h"

#include <bit>
#include <cstddef>

namespace tunvs {
namespace {

// Marks a constant, whose number is in the lower half.
constexpr uint32_t kConstantMark = 0xc0ffee00;
constexpr uint8_t kLoadConstant = BPF_LD | BPF_IMM | BPF_DW;

}  // namespace

std::vector<bpf_insn> withConstants(std::span<const uint64_t> instructions, std::span<const uint64_t> constants) {
  std::vector<bpf_insn> program;
  for (const uint64_t instruction : instructions) program.push_back(std::bit_cast<bpf_insn>(instruction));
  for (size_t i = 0; i + 1 < program.size(); i++) {
    bpf_insn &low = program[i], &high = program[i + 1];
    if (low.code != kLoadConstant || static_cast<uint32_t>(high.imm) != kConstantMark) continue;
    const uint64_t value = constants[static_cast<uint32_t>(low.imm)];
    low.imm = static_cast<int32_t>(value);
    high.imm = static_cast<int32_t>(value >> 32);
  }
  return program;
}

}  // namespace tunvs
