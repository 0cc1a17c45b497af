#include "realserver/decap_program.h"

#include "io/tc/bpf_program.h"

namespace tunvs {
namespace {

using MapReference = BpfMapReference<DecapMapDescriptors>;

// kInstructions: the program, 8 bytes each. kMapReferences: the instructions that load a map's address.
#include "realserver/bpf/program.inc"

}  // namespace

std::vector<bpf_insn> decapProgram(const DecapConstants& constants, const DecapMapDescriptors& maps) {
  return bpfProgram<DecapMapDescriptors>(kInstructions, kMapReferences, constants, maps);
}

}  // namespace tunvs
