// A virtual service tells its scheduler these options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tunvs {

// IPVS numbers its flags. Each scheduler decides what 1 and 2 mean; 3 means nothing to any.
inline constexpr uint8_t kFallbackFlag = 1;  // a server that may not be chosen gives way to another one
inline constexpr uint8_t kPortFlag = 2;      // the client's port is hashed with its address
inline constexpr uint8_t kThirdFlag = 4;

struct SchedulerOptions {
  uint8_t flags = 0;
  uint32_t tableSize = 0;     // 0: the scheduler's own default
  bool stableCursor = false;  // wrr: a change of the servers leaves the walk where it is
  bool randomStart = false;   // rr, wrr: the walk begins anywhere, not at the head of the list
  friend bool operator==(const SchedulerOptions&, const SchedulerOptions&) = default;
};

// Finds a flag by the name that ipvsadm gives it for its scheduler (`sh-fallback`, `mh-port`, ...), or by `flag-1`,
// `flag-2`, `flag-3` for any.
std::optional<uint8_t> schedulerFlagByName(std::string_view scheduler, std::string_view name);
std::vector<std::string> schedulerFlagNames(std::string_view scheduler, uint8_t flags);

}  // namespace tunvs
