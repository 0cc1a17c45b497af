#include "io/os/bpf_token.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace tunvs {

UniqueFd makeBpfToken(const char* path) {
  // Of bpf_attr, Linux 6.9.
  constexpr int kTokenCreate = 36;
  struct {
    uint32_t flags, fileSystem;
  } attributes{};
  const UniqueFd folder(::open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC));
  if (!folder) return UniqueFd();
  attributes.fileSystem = static_cast<uint32_t>(folder.get());
  return UniqueFd(static_cast<int>(::syscall(SYS_bpf, kTokenCreate, &attributes, sizeof attributes)));
}

int bpfToken() {
  static const UniqueFd token = [] {
    const char* const path = std::getenv("LIBBPF_BPF_TOKEN_PATH");
    return makeBpfToken(path != nullptr ? path : "/sys/fs/bpf");
  }();
  return token.get();
}

}  // namespace tunvs
