#include "fastpath/fast_program.h"

#include "io/tc/bpf_program.h"

namespace tunvs {
namespace {

using MapReference = BpfMapReference<FastMapDescriptors>;

// kInstructions: the program, 8 bytes each. kMapReferences: the instructions that load a map's address.
#include "fastpath/bpf/program.inc"

}  // namespace

std::vector<bpf_insn> fastProgram(const FastConstants& constants, const FastMapDescriptors& maps) {
  return bpfProgram<FastMapDescriptors>(kInstructions, kMapReferences, constants, maps);
}

}  // namespace tunvs
