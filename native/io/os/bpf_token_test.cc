#include "io/os/bpf_token.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "io/os/bpf.h"
#include "support/testing.h"

namespace tunvs::bpf_token_test {
namespace {

// linux/mount.h, which can't be included beside sys/mount.h of older headers.
constexpr unsigned kSetString = 1, kCreate = 6;

void sendDescriptor(int socket, int descriptor) {
  char control[CMSG_SPACE(sizeof descriptor)] = {}, byte = 0;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  *header = {CMSG_LEN(sizeof descriptor), SOL_SOCKET, SCM_RIGHTS};
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  (void)!::sendmsg(socket, &message, 0);
}

UniqueFd receiveDescriptor(int socket) {
  char control[CMSG_SPACE(sizeof(int))], byte;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, 0) < 1 || CMSG_FIRSTHDR(&message) == nullptr) return UniqueFd();
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
  return UniqueFd(descriptor);
}

bool makesMap() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = 64;
  attributes.max_entries = 16;
  attributes.map_flags = BPF_F_MMAPABLE;
  return bool(UniqueFd(bpfCall(BPF_MAP_CREATE, attributes)));
}

bool loadsProgram() {
  constexpr bpf_insn kGoOn[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  return bool(loadBpfProgram(BPF_PROG_TYPE_SCHED_CLS, kGoOn, "tunvs_test"));
}

// Says what a process of a user namespace can do: 's' when there can be none, 'n' when nothing is delegated, 'y' when
// it has made a map and loaded a program.
char inUserNamespace(int socket) {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) return 's';
  const UniqueFd made(static_cast<int>(::syscall(SYS_fsopen, "bpf", 0)));
  if (!made) return 's';
  sendDescriptor(socket, made.get());
  char isDelegated = 'n';
  if (::read(socket, &isDelegated, 1) != 1 || isDelegated != 'y') return 's';
  const UniqueFd mounted(static_cast<int>(::syscall(SYS_fsmount, made.get(), 0, 0)));
  if (!mounted) return 's';
  ::setenv("LIBBPF_BPF_TOKEN_PATH", ("/proc/self/fd/" + std::to_string(mounted.get())).c_str(), 1);
  return makesMap() && loadsProgram() ? 'y' : 'n';
}

// A thread sanitizer ends a process of several threads that forks and goes on.
TEST("a process of a user namespace makes maps and loads programs with a token that the host has delegated") {
  if (testing::kFewer == 10) SKIP("not under a thread sanitizer");
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const UniqueFd ours(pair[0]);
  const pid_t child = ::fork();
  if (child == 0) {
    const char outcome = inUserNamespace(pair[1]);
    ::_exit(outcome);
  }
  ::close(pair[1]);
  const UniqueFd fileSystem = receiveDescriptor(ours.get());
  bool isDelegated = bool(fileSystem);
  for (const char* what : {"delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs"})
    isDelegated = isDelegated && ::syscall(SYS_fsconfig, fileSystem.get(), kSetString, what, "any", 0) == 0;
  isDelegated = isDelegated && ::syscall(SYS_fsconfig, fileSystem.get(), kCreate, nullptr, nullptr, 0) == 0;
  const char told = isDelegated ? 'y' : 'n';
  (void)!::write(ours.get(), &told, 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  const auto outcome = static_cast<char>(WEXITSTATUS(status));
  if (!isDelegated || outcome == 's') SKIP("needs root, user namespaces and Linux 6.9");
  CHECK_EQ(outcome, 'y');
}

TEST("a process of the host itself has no token, and none is made of what is no BPF file system") {
  CHECK(!makeBpfToken("/nowhere"));
  CHECK(!makeBpfToken("/tmp"));
}

}  // namespace
}  // namespace tunvs::bpf_token_test
