// Takes a client out of a listening socket's queue, where Node would take all of them at once.
//
// Thread safety: any thread.
#pragma once

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

struct AcceptedClient {
  UniqueFd client;    // none when nobody waits
  uint32_t gone = 0;  // clients that had left without a word, and were closed
};

// Returns the client of the listening socket `fd` that has waited longest, without waiting itself. At most `most`
// clients that have left are closed on the way; then there may be none although others wait.
//
// What went wrong with one client is not the door's trouble: such a client counts as gone. An error is one of the
// socket or of the process, such as too many descriptors.
Result<AcceptedClient> acceptClient(int fd, uint32_t most);

// Returns another descriptor of the same open file, which programs that are started do not inherit.
Result<UniqueFd> duplicated(int fd);

}  // namespace tunvs
