#include "io/os/become_user.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>

namespace tunvs {
namespace {

constexpr int kKept[] = {CAP_NET_ADMIN, CAP_NET_RAW};

bool isKept(int capability) { return capability == kKept[0] || capability == kKept[1]; }

// The kernel answers EINVAL for the first capability that it does not know.
bool dropFromBoundingSet() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
    if (!isKept(capability) && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return false;
  }
  return true;
}

bool keepCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (int capability : kKept) {
    data[0].permitted |= 1u << capability;
    data[0].effective |= 1u << capability;
    data[0].inheritable |= 1u << capability;
  }
  if (::syscall(SYS_capset, &header, data) != 0) return false;
  for (int capability : kKept) {
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return false;
  }
  return true;
}

// Node closes its standard streams in whatever is executed.
void keepStandardStreams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0) ::fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
  }
}

}  // namespace

// The system calls are made directly: glibc's functions would change the other threads too, which end with execve().
Error becomeUser(const NewUser& user, const char* path, char* const* argv, char* const* env) {
  const char* call = nullptr;
  if (!dropFromBoundingSet() || ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
    call = "prctl";
  } else if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0) {
    call = "setgroups";
  } else if (::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0) {
    call = "setresgid";
  } else if (::syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) {
    call = "setresuid";
  } else if (!keepCapabilities()) {
    call = "capset";
  } else if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    call = "prctl";
  } else {
    call = "execve";
    keepStandardStreams();
    ::execve(path, argv, env);
  }
  return Error::fromErrno(errno, call, "can't become user " + std::to_string(user.uid));
}

}  // namespace tunvs
