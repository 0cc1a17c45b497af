// bpf(2): the call itself, and what every loader of a program does.
//
// Thread safety: any thread makes any call.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <string>

#include "io/os/unique_fd.h"

namespace tunvs {

// Returns what bpf(2) returns: often a descriptor, or -1 with errno set. Maps are made and programs loaded by this
// process's token, if it has one (bpf_token.h).
int bpfCall(int command, bpf_attr& attributes);

template <typename T>
uint64_t bpfAddress(T* pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

// Loads a program under the MIT licence. When it fails, errno is set. `name` may be null, and is cut at 15 characters;
// with `log`, the kernel's verifier writes there what it thinks.
UniqueFd loadBpfProgram(bpf_prog_type type, std::span<const bpf_insn> program, const char* name = nullptr,
                        std::string* log = nullptr);

}  // namespace tunvs
