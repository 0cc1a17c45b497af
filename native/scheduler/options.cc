#include "scheduler/options.h"

#include "scheduler/scheduler.h"

namespace tunvs {
namespace {

struct NamedFlag {
  std::string_view own;  // what follows the scheduler's name and a hyphen
  std::string_view general;
  uint8_t flag;
};
constexpr NamedFlag kFlags[] = {
    {"fallback", "flag-1", kFallbackFlag},
    {"port", "flag-2", kPortFlag},
    {"", "flag-3", kThirdFlag},
};

std::string ownName(std::string_view scheduler, const NamedFlag& named) {
  const Scheduler* known = schedulerByName(scheduler);
  if (known == nullptr || (known->flags() & named.flag) == 0) return {};
  return std::string(scheduler) + "-" + std::string(named.own);
}

}  // namespace

std::optional<uint8_t> schedulerFlagByName(std::string_view scheduler, std::string_view name) {
  for (const NamedFlag& named : kFlags) {
    if (name == named.general || (!name.empty() && name == ownName(scheduler, named))) return named.flag;
  }
  return std::nullopt;
}

std::vector<std::string> schedulerFlagNames(std::string_view scheduler, uint8_t flags) {
  std::vector<std::string> names;
  for (const NamedFlag& named : kFlags) {
    if ((flags & named.flag) == 0) continue;
    const std::string own = ownName(scheduler, named);
    names.push_back(own.empty() ? std::string(named.general) : own);
  }
  return names;
}

}  // namespace tunvs
