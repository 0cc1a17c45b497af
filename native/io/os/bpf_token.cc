#include "io/os/bpf_token.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

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
  static std::mutex lock;
  static std::string known;
  static UniqueFd token;
  const char* const named = std::getenv("LIBBPF_BPF_TOKEN_PATH");
  const std::string_view path = named != nullptr ? named : "/sys/fs/bpf";
  const std::lock_guard guard(lock);
  if (path != known) {
    known.assign(path);
    token = makeBpfToken(known.c_str());
  }
  return token.get();
}

}  // namespace tunvs
