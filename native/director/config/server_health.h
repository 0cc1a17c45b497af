// What health says of a real server, apart from what anybody says by hand, a drain or a policy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tunvs {

// What becomes of the connections of a server that is down. In each case but `drop`, a packet that opens a connection
// is scheduled anew, unless with `keep` the old connection was established.
enum class OnDown : uint8_t {
  keep,       // they go on
  drop,       // silence, as of a removed server
  reset,      // with the next packet TCP is reset, UDP scheduled anew, and others are dropped
  reschedule  // the next packet is scheduled anew
};
inline constexpr std::array<std::string_view, 4> kOnDownNames{"keep", "drop", "reset", "reschedule"};

struct HealthCondition {
  bool isUp = true;
  bool isOut = false;  // as if removed: no scheduler sees it; unlike weight 0
  OnDown onDown = OnDown::keep;
  std::optional<int32_t> weight;  // [0, 2^31-1], in place of the configured one
  double factor = 1;              // [0, inf) of the weight
  int32_t add = 0;                // to the product

  // Tells whether the server may have new clients at all.
  bool takesClients() const { return isUp && !isOut; }

  friend bool operator==(const HealthCondition&, const HealthCondition&) = default;
};

}  // namespace tunvs
