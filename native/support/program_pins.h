// What a director's program has pinned: a plain model, which the director is compared with.
//
// Thread safety: none.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/flow_key.h"
#include "core/ticks.h"

namespace tunvs::testing {

class ProgramPins {
 public:
  struct Pinned {
    uint32_t name;
    uint8_t server;  // last byte of its address
    Tick deadline;
    bool isReleased = false;
    uint64_t packets = 0;
  };

  void begin(const FlowKey& flow, const Pinned& pinned) { pins_[nameOf(flow)] = pinned; }
  // Releases one of the pins that there were, if there was any, and returns its name.
  std::optional<uint32_t> release(uint8_t number, Tick now) {
    if (pins_.empty()) return std::nullopt;
    Pinned& pinned = std::next(pins_.begin(), static_cast<ptrdiff_t>(number % pins_.size()))->second;
    pinned.isReleased = true;
    if (!reached(now + kTicksPerSecond, pinned.deadline)) pinned.deadline = now + kTicksPerSecond;
    return pinned.name;
  }
  // Forgets what is over, long before the clock has gone round.
  void forget(Tick now) {
    std::erase_if(pins_, [&](const auto& each) { return reached(now, each.second.deadline); });
  }
  // Returns the flow's pin, if it is not over.
  Pinned* find(const FlowKey& flow, Tick now) {
    const auto at = pins_.find(nameOf(flow));
    return at == pins_.end() || reached(now, at->second.deadline) ? nullptr : &at->second;
  }
  template <typename Visit>
  void forEach(Visit&& visit) const {
    for (const auto& [flow, pinned] : pins_) visit(pinned);
  }

 private:
  using Name = std::pair<uint64_t, uint64_t>;  // of an IPv4 flow
  static Name nameOf(const FlowKey& flow) { return {flow.words[0], flow.tail}; }

  std::map<Name, Pinned> pins_;
};

}  // namespace tunvs::testing
