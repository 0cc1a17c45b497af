// The name by which a client of a persistent service is remembered.
#pragma once

#include <optional>
#include <string_view>

#include "director/config/service_view.h"
#include "packet/parse.h"

namespace tunvs {

struct TemplateName {
  // A table entry has room for 16 bits of what an engine found. If another template is in the way, another 16 bits are
  // tried, up to this number of times.
  static constexpr size_t kVariants = 4;

  FlowKey key;            // with data: all but the client port
  std::string_view data;  // found by the service's engine; "": there is none
  uint64_t dataHash = 0;

  size_t variants() const { return data.empty() ? 1 : kVariants; }
  FlowKey variant(size_t number) const {
    if (data.empty()) return key;
    const auto part = static_cast<uint16_t>(dataHash >> (16 * number));
    return FlowKey::make(key.client(), Be16{part}, key.virtualAddress(), key.virtualPort(), key.protocol(), key.kind());
  }
};

// `payload` is what follows the packet's UDP header; empty when there is none, as for a quoted packet. Returns nullopt
// when the service's engine finds nothing in it. The name refers to the payload.
std::optional<TemplateName> templateName(const ServiceView& service, const FlowKey& flow,
                                         std::span<const uint8_t> payload);

}  // namespace tunvs
