// What a client of a persistent service is remembered by.
#pragma once

#include <optional>
#include <string_view>

#include "director/config/service_view.h"
#include "packet/parse.h"

namespace tunvs {

struct TemplateName {
  // A table entry has room for 16 bits of what an engine found. Where another template is in the way, another 16 are
  // tried, so many times.
  static constexpr size_t kVariants = 4;

  FlowKey key;            // with data: but for the client port
  std::string_view data;  // of the service's engine; "": it has none
  uint64_t dataHash = 0;

  size_t variants() const { return data.empty() ? 1 : kVariants; }
  FlowKey variant(size_t number) const {
    if (data.empty()) return key;
    const auto part = static_cast<uint16_t>(dataHash >> (16 * number));
    return FlowKey::make(key.client(), Be16{part}, key.virtualAddress(), key.virtualPort(), key.protocol(), key.kind());
  }
};

// `payload`: behind the packet's UDP header; empty when there is none, as of a quoted packet. nullopt: the service's
// engine finds nothing in it. The name refers to the payload.
std::optional<TemplateName> templateName(const ServiceView& service, const FlowKey& flow,
                                         std::span<const uint8_t> payload);

}  // namespace tunvs
