// Which offloads a director may use. Each is tried when its port is opened, and those that do not work here are left
// out, or refused if they were asked for by name.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace tunvs {

enum class OffloadFeature : uint8_t {
  tso,  // TCP is read as packets that are still to be cut into segments
  uso,  // UDP is read as packets that are still to be cut into datagrams
  gue,  // GUE with outer checksums is sent as packets that the kernel cuts into datagrams
};

inline constexpr std::string_view kOffloadFeatureNames[] = {"tso", "uso", "gue"};  // in the enum's order

class OffloadChoice {
 public:
  static constexpr OffloadChoice automatic() { return OffloadChoice(~uint8_t{0}, true); }
  static constexpr OffloadChoice off() { return OffloadChoice(0, false); }
  // Takes nothing that the kernel leaves to us, but may leave something to the kernel.
  static constexpr OffloadChoice writing() { return OffloadChoice(kWriting, true); }
  // Returns the choice of these by name, which may be "auto" or "off" alone, or an Error that says what there is.
  static Result<OffloadChoice> parse(std::span<const std::string> names);

  constexpr bool allows(OffloadFeature feature) const { return (bits_ >> static_cast<uint8_t>(feature) & 1) != 0; }
  // Returns true when this one must work, because it was asked for by name.
  constexpr bool demands(OffloadFeature feature) const { return !isAuto_ && allows(feature); }
  constexpr bool isOff() const { return bits_ == 0; }

 private:
  static constexpr uint8_t kWriting = 0x80;

  constexpr OffloadChoice(uint8_t bits, bool isAuto) : bits_(bits), isAuto_(isAuto) {}

  uint8_t bits_;  // 1 << OffloadFeature, or kWriting
  bool isAuto_;
};

// What became of an offload when the port was opened.
struct OffloadState {
  std::string name;
  bool isInForce = false;
  std::string reason;  // why it is not in force; empty when it is
};

}  // namespace tunvs
