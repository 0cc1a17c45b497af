#include "bench/redirect.h"

#include <linux/bpf.h>
#include <net/if.h>

#include <cerrno>

#include "io/tc/bpf_calls.h"

namespace tunvs::bench {

Result<TcAttachment> redirect(const std::string& from, const std::string& to, const IpAddress& address) {
  const unsigned in = ::if_nametoindex(from.c_str()), out = ::if_nametoindex(to.c_str());
  if (in == 0 || out == 0) return Error::fromErrno(errno, "if_nametoindex", "there is no such device");
  const std::string owner = "the benchmark";
  const auto way = findTcWay(owner);
  if (!way) return way.error();
  constexpr int16_t kDestination = 14 + 16;
  const bpf_insn program[] = {
      {BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0},
      {BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, kDestination},
      {BPF_JMP32 | BPF_JEQ | BPF_K, 0, 0, 2, static_cast<int32_t>(address.asV4().host())},
      {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1},
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
      {BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, static_cast<int32_t>(out)},
      {BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0},
      {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect},
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
  };
  const auto loaded = loadTcProgram(owner, "tunvs_redirect", program);
  if (!loaded) return loaded.error();
  return TcAttachment::attach(way.value(), "can't redirect packets", loaded.value().get(), "tunvs_redirect",
                              static_cast<int>(in), /*isIngress=*/true);
}

}  // namespace tunvs::bench
