// What locks under /run/tunvs need of the kernel that Node does not offer.
//
// Thread safety: any thread.
#pragma once

#include <string>

#include "core/result.h"

namespace tunvs {

// Locks the file behind `fd` (flock(2)) without waiting; false when another open file holds it. The lock is gone when
// the last descriptor of the open file is closed, so it dies with its process. Twice is fine.
Result<bool> tryLockFile(int fd);

// What tells this thread's network namespace from all others since the host was booted: the kernel's cookie, which is
// never given twice (Linux 5.14), or where there is none the namespace's inode.
Result<std::string> networkNamespaceName();

}  // namespace tunvs
