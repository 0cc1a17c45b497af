// Tells who is at the other end of a unix socket, which Node does not.
//
// Thread safety: any thread.
#pragma once

#include <sys/types.h>

#include <vector>

#include "core/result.h"

namespace tunvs {

// The credentials that the peer had when it called connect(2), or listen(2) if `fd` is the connecting end; they stay
// the same when the peer changes its user or ends. Users and groups are those of this process's user namespace: one
// that has no name there is 65534.
struct PeerCredentials {
  uid_t user;
  gid_t group;
  pid_t process;              // 0: it is in another process namespace
  std::vector<gid_t> groups;  // supplementary ones; they need Linux 4.13
};

Result<PeerCredentials> peerCredentials(int fd);

}  // namespace tunvs
