// Locks under /run/tunvs need this of the kernel, and Node does not offer it.
//
// Thread safety: any thread.
#pragma once

#include <string>

#include "core/result.h"

namespace tunvs {

// Locks the file behind `fd` (flock(2)) without waiting; false when another open file holds it. The lock is gone when
// the last descriptor of the open file is closed, so it dies with its process. Locking twice is fine.
Result<bool> tryLockFile(int fd);

// Gives the lock up while the file stays open.
void unlockFile(int fd);

// Returns a name that no other network namespace has had since the host was booted: the kernel's cookie, which is never
// given twice (Linux 5.14). An older kernel has no cookie; then it is the namespace's inode.
Result<std::string> networkNamespaceName();

}  // namespace tunvs
