// Names the forwarding methods. The file of each says what it does, as its traits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tunvs {

// Each method is one word, in the order in which they are listed.
#define TUNVS_FORWARDING_METHODS(METHOD) \
  METHOD(ipip) METHOD(gue) METHOD(gre) METHOD(dr) METHOD(local) METHOD(nat) METHOD(snat)

#define TUNVS_NAME(name) name,
enum class ForwardingMethod : uint8_t { TUNVS_FORWARDING_METHODS(TUNVS_NAME) };
#undef TUNVS_NAME

#define TUNVS_NAME(name) #name,
inline constexpr std::string_view kForwardingMethodNames[] = {TUNVS_FORWARDING_METHODS(TUNVS_NAME)};
#undef TUNVS_NAME
inline constexpr size_t kForwardingMethods = std::size(kForwardingMethodNames);

constexpr std::string_view nameOf(ForwardingMethod method) {
  return kForwardingMethodNames[static_cast<size_t>(method)];
}
constexpr std::optional<ForwardingMethod> forwardingMethodByName(std::string_view name) {
  for (size_t i = 0; i < kForwardingMethods; i++) {
    if (kForwardingMethodNames[i] == name) return static_cast<ForwardingMethod>(i);
  }
  return std::nullopt;
}

}  // namespace tunvs
