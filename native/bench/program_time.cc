#include "bench/program_time.h"

#include <linux/bpf.h>

#include <cerrno>
#include <cstring>

#include "io/os/bpf.h"

namespace tunvs::bench {
namespace {

bool readInfo(int program, bpf_prog_info& info) {
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<uint32_t>(program);
  attributes.info.info_len = sizeof info;
  attributes.info.info = bpfAddress(&info);
  return bpfCall(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0;
}

}  // namespace

Result<UniqueFd> measurePrograms() {
  bpf_attr attributes{};
  attributes.enable_stats.type = BPF_STATS_RUN_TIME;
  UniqueFd measuring(bpfCall(BPF_ENABLE_STATS, attributes));
  if (measuring) return measuring;
  return Error::fromErrno(errno, "bpf", "can't have the kernel measure programs (needs CAP_SYS_ADMIN)");
}

ProgramTime programTime(std::string_view name) {
  ProgramTime sum;
  const std::string_view cut = name.substr(0, BPF_OBJ_NAME_LEN - 1);
  bpf_attr next{};
  while (bpfCall(BPF_PROG_GET_NEXT_ID, next) == 0) {
    bpf_attr attributes{};
    attributes.prog_id = next.next_id;
    const UniqueFd program(bpfCall(BPF_PROG_GET_FD_BY_ID, attributes));
    bpf_prog_info info{};
    if (program && readInfo(program.get(), info) && cut == info.name) {
      sum.runs += info.run_cnt;
      sum.ns += info.run_time_ns;
    }
    next.start_id = next.next_id;
  }
  return sum;
}

}  // namespace tunvs::bench
