#include "io/os/bpf.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

namespace tunvs {

int bpfCall(int command, bpf_attr& attributes) {
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
