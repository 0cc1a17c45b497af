// Gives up root for good: the process becomes a program of another user that keeps two capabilities.
#pragma once

#include <sys/types.h>

#include <span>

#include "core/result.h"

namespace tunvs {

struct NewUser {
  uid_t uid;
  gid_t gid;
  std::span<const gid_t> groups;
};

// Executes `path` with CAP_NET_ADMIN and CAP_NET_RAW as its only capabilities: permitted, effective, inheritable,
// ambient and bounding. Returns only when it fails. It may have changed this thread by then, so the process has to end.
// `argv` and `env` end with a null pointer. Credentials belong to threads, and execve() leaves only the calling one.
Error becomeUser(const NewUser& user, const char* path, char* const* argv, char* const* env);

}  // namespace tunvs
