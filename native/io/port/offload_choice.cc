#include "io/port/offload_choice.h"

#include <algorithm>

namespace tunvs {
namespace {

Error refusal(const std::string& name) {
  std::string known;
  for (const std::string_view each : kOffloadFeatureNames) known += (known.empty() ? "" : ", ") + std::string(each);
  return Error::make(ErrorCode::invalidArgument,
                     "there is no offload '" + name + "': give auto or off alone, or some of " + known);
}

}  // namespace

Result<OffloadChoice> OffloadChoice::parse(std::span<const std::string> names) {
  if (names.size() == 1 && names[0] == "auto") return automatic();
  if (names.size() == 1 && names[0] == "off") return off();
  if (names.empty()) return refusal("");
  uint8_t bits = 0;
  for (const std::string& name : names) {
    const auto* const found = std::find(std::begin(kOffloadFeatureNames), std::end(kOffloadFeatureNames), name);
    if (found == std::end(kOffloadFeatureNames)) return refusal(name);
    bits |= static_cast<uint8_t>(1u << (found - std::begin(kOffloadFeatureNames)));
  }
  return OffloadChoice(bits, false);
}

}  // namespace tunvs
