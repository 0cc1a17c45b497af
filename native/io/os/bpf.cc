#include "io/os/bpf.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "io/os/bpf_token.h"

namespace tunvs {

namespace {

// Where the kernel looks for flags and the token, which headers before Linux 6.9 lack.
struct TokenPlace {
  size_t flags, token;
};
constexpr TokenPlace kOfMap{16, 76}, kOfProgram{44, 144};
constexpr uint32_t kHasToken = 1u << 16;  // BPF_F_TOKEN_FD

int callWithToken(int command, const bpf_attr& attributes, const TokenPlace& place, int token) {
  uint8_t longer[std::max(sizeof attributes, kOfProgram.token + sizeof(uint32_t))] = {};
  std::memcpy(longer, &attributes, sizeof attributes);
  uint32_t flags;
  std::memcpy(&flags, longer + place.flags, sizeof flags);
  flags |= kHasToken;
  std::memcpy(longer + place.flags, &flags, sizeof flags);
  std::memcpy(longer + place.token, &token, sizeof token);
  return static_cast<int>(::syscall(SYS_bpf, command, longer, sizeof longer));
}

}  // namespace

int bpfCall(int command, bpf_attr& attributes) {
  const bool isMap = command == BPF_MAP_CREATE, isProgram = command == BPF_PROG_LOAD;
  if (isMap || isProgram) {
    if (const int token = bpfToken(); token >= 0)
      return callWithToken(command, attributes, isMap ? kOfMap : kOfProgram, token);
  }
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

UniqueFd loadBpfProgram(bpf_prog_type type, std::span<const bpf_insn> program, const char* name, std::string* log) {
  static constexpr char kLicense[] = "MIT";
  bpf_attr load{};
  load.prog_type = type;
  load.insn_cnt = static_cast<uint32_t>(program.size());
  load.insns = bpfAddress(program.data());
  load.license = bpfAddress(kLicense);
  if (name != nullptr) std::strncpy(load.prog_name, name, sizeof load.prog_name - 1);
  if (log != nullptr) {
    load.log_buf = bpfAddress(log->data());
    load.log_size = static_cast<uint32_t>(log->size());
    load.log_level = 1;
  }
  return UniqueFd(bpfCall(BPF_PROG_LOAD, load));
}

}  // namespace tunvs
