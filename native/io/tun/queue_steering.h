// Queue steering says which queue of a TUN device a packet goes to. A BPF program in the kernel hashes the packet's
// flow, so that all packets of a flow go to one queue.
//
// It goes by addresses and ports, alike in both directions. Fragments, and packets without ports right behind their IP
// header, go by addresses alone, so that a datagram's fragments stay together. Without the program the kernel goes by
// its own hash of the flow, and by the queue through which it was last given a packet of it.
//
// Thread safety: none; the control thread uses these functions.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace tunvs {

enum class Steering : uint8_t {
  none,    // there is one queue
  kernel,  // the kernel's own flow table
  bpf,     // our program
};
std::string_view toString(Steering steering);

// Returns the program. It leaves 16 hashed bits, of which the kernel takes the remainder by the number of queues;
// `seed` makes it unknown to others which flows share a queue.
std::vector<bpf_insn> steeringProgram(uint64_t seed);

// Gives the device behind `tunDescriptor` the program. It needs Linux 4.16, and CAP_BPF or CAP_SYS_ADMIN unless
// kernel.unprivileged_bpf_disabled is 0.
Result<void> steerByProgram(int tunDescriptor, uint64_t seed);
// Takes the program away.
void steerByKernel(int tunDescriptor);

}  // namespace tunvs
