// A program for TC that lets every packet go on.
#pragma once

#include "io/tc/bpf_calls.h"

namespace tunvs::testing {

inline Result<UniqueFd> loadGoOn() {
  constexpr bpf_insn kGoOn[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  return loadTcProgram("the program", "tunvs_test", kGoOn);
}

}  // namespace tunvs::testing
