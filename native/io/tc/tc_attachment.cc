#include "io/tc/tc_attachment.h"

#include <linux/bpf.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "io/tc/bpf_calls.h"

namespace tunvs {

Result<TcWay> findTcWay(const std::string& owner) {
  constexpr bpf_insn kProgram[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  auto program = loadTcProgram(owner, "tunvs_probe", kProgram);
  if (!program) return program.error();
  const char* const wanted = std::getenv("TUNVS_TC_WAY");
  if (wanted != nullptr && wanted == std::string_view("filter")) return TcWay::filter;
  // No device has this number, which is what a kernel that knows tcx complains about.
  const auto link =
      attachTcx("can't attach " + owner + "'s program", program.value().get(), INT32_MAX, /*isIngress=*/false);
  if (link.ok() || link.error().errnoValue == ENODEV) return TcWay::link;
  if (link.error().errnoValue == EINVAL) return TcWay::filter;
  return link.error();
}

Result<TcAttachment> TcAttachment::attach(TcWay way, const std::string& what, int program, const std::string& name,
                                          int interfaceIndex, bool isIngress) {
  if (way == TcWay::filter) {
    auto filter = TcFilter::add(what, program, name, interfaceIndex, isIngress);
    if (!filter) return filter.error();
    return TcAttachment(std::move(filter).value());
  }
  auto link = attachTcx(what, program, interfaceIndex, isIngress);
  if (!link) return link.error();
  return TcAttachment(std::move(link).value());
}

int TcAttachment::interfaceIndex() const {
  if (const UniqueFd* link = std::get_if<UniqueFd>(&kept_)) return tcxDevice(link->get());
  const TcFilter& filter = std::get<TcFilter>(kept_);
  return filter.isThere() ? filter.interfaceIndex() : 0;
}

}  // namespace tunvs
