// Waits until every BPF program that runs now has ended.
//
// membarrier(MEMBARRIER_CMD_GLOBAL) returns when each processor has passed a state in which no program of the kernel's
// RCU readers, as BPF programs are, can still run (Linux 4.3; not on kernels booted with nohz_full).
#pragma once

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "core/result.h"

namespace tunvs {

inline Result<void> waitForPrograms() {
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return {};
  const int error = errno;
  return Error{ErrorCode::unsupported,
               "the kernel can't say when a program of the fast path has ended (membarrier), as with nohz_full", error,
               "membarrier"};
}

}  // namespace tunvs
