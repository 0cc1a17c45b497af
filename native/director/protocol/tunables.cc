#include "director/protocol/tunables.h"

namespace tunvs {
namespace {

Result<int32_t> checkRange(std::string_view name, int64_t value, int32_t minimum, int32_t maximum) {
  if (value >= minimum && value <= maximum) return static_cast<int32_t>(value);
  return Error::make(ErrorCode::invalidArgument, "net.ipv4.vs." + std::string(name) + " takes " +
                                                     std::to_string(minimum) + " to " + std::to_string(maximum) +
                                                     ", not " + std::to_string(value));
}

}  // namespace

Result<void> setSysctl(Tunables& tunables, std::string_view name, int64_t value) {
  for (const auto& sysctl : kSysctls) {
    if (sysctl.name != name) continue;
    auto checked = checkRange(name, value, sysctl.minimum, sysctl.maximum);
    if (!checked) return checked.error();
    tunables.*sysctl.field = checked.value();
    return {};
  }
  for (size_t i = 0; i < std::size(kInertSysctls); i++) {
    if (kInertSysctls[i].name != name) continue;
    auto checked = checkRange(name, value, kInertSysctls[i].minimum, kInertSysctls[i].maximum);
    if (!checked) return checked.error();
    tunables.inert.values[i] = checked.value();
    return {};
  }
  std::string known;
  for (const auto& sysctl : kSysctls) known += (known.empty() ? "" : ", ") + std::string(sysctl.name);
  return Error::make(ErrorCode::unsupported,
                     "net.ipv4.vs." + std::string(name) + " is not supported; these are: " + known);
}

}  // namespace tunvs
