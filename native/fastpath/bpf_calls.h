// The fast path's ways into bpf(2): maps, programs, links, with errors that say what to do.
//
// Thread safety: any thread makes any call.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

// Makes an array whose memory can be mapped. `what` names it in errors.
Result<UniqueFd> makeBpfArray(const char* what, uint32_t valueBytes, uint32_t entries);

// Loads a program for TC. When the verifier refuses it, the error carries its last lines.
Result<UniqueFd> loadTcProgram(const char* name, std::span<const bpf_insn> program);

// Attaches a program to the egress or the ingress of a device (tcx, Linux 6.6). It is detached when the descriptor is
// closed, and when the device goes.
Result<UniqueFd> attachTcx(int program, int interfaceIndex, bool isIngress);

// Returns the device at which such a link is attached; 0: at none any more.
int tcxDevice(int link);

// Fails where the kernel has no tcx, or this process may not load a program.
Result<void> canAttachTcx();

// Runs a program over one packet and returns what it returned; `packet` becomes what it made of it.
Result<uint32_t> testRun(int program, std::vector<uint8_t>& packet);

}  // namespace tunvs
