// Serves lists of what can be opened by name, in order of preference. Each entry has a `name`.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tunvs {

template <typename Entry, size_t kCount>
constexpr std::array<std::string_view, kCount> namesOf(const Entry (&entries)[kCount]) {
  std::array<std::string_view, kCount> names;
  for (size_t i = 0; i < kCount; i++) names[i] = entries[i].name;
  return names;
}

// `kind` names what is to be opened: "egress"
inline Error noSuchOpener(const std::string& kind, std::string_view name, std::span<const std::string_view> known) {
  std::string names = "auto";
  for (const std::string_view each : known) names += ", " + std::string(each);
  return Error::make(ErrorCode::invalidArgument,
                     "there is no " + kind + " '" + std::string(name) + "': choose one of " + names);
}

}  // namespace tunvs
