// A BPF token lets a process of a user namespace make maps and load programs, as far as the host has delegated that to
// a BPF file system of the namespace (Linux 6.9).
//
// Thread safety: any thread.
#pragma once

#include "io/os/unique_fd.h"

namespace tunvs {

// Makes a token of the BPF file system at `path`; none where nothing is delegated, as to a process of the host itself.
UniqueFd makeBpfToken(const char* path);

// Returns the descriptor of this process's token, or -1: that of /sys/fs/bpf, or of what LIBBPF_BPF_TOKEN_PATH names
// (as with programs that use libbpf). It is looked for once for each path.
int bpfToken();

}  // namespace tunvs
