// TC programs and their maps by bpf(2), with errors that say what to do. `owner` names whose they are: "the fast path".
//
// Thread safety: any thread makes any call.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

// Makes an array whose memory can be mapped. `what` names it in errors.
Result<UniqueFd> makeBpfArray(const std::string& what, uint32_t valueBytes, uint32_t entries);

// A hash table by keys of a fixed length, without padding that could differ. setBpfEntry() adds or replaces.
Result<UniqueFd> makeBpfHash(const std::string& what, uint32_t keyBytes, uint32_t valueBytes, uint32_t entries);
bool setBpfEntry(int map, const void* key, const void* value);
void deleteBpfEntry(int map, const void* key);

// Loads a program for TC. When the verifier refuses it, the error carries its last lines.
Result<UniqueFd> loadTcProgram(const std::string& owner, const char* name, std::span<const bpf_insn> program);

// Attaches a program to the egress or the ingress of a device (tcx, Linux 6.6). It is detached when the descriptor is
// closed, and when the device goes. `what` begins errors.
Result<UniqueFd> attachTcx(const std::string& what, int program, int interfaceIndex, bool isIngress);

// Returns the device at which such a link is attached; 0: at none any more.
int tcxDevice(int link);

// Runs a program over one packet and returns what it returned; `packet` becomes what it made of it.
// `context` says what the kernel takes of it: `ifindex` of the device (else the loopback device), `gso_size`.
Result<uint32_t> testRun(int program, std::vector<uint8_t>& packet, const __sk_buff& context = {});

}  // namespace tunvs
