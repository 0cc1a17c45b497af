#include "director/config/service_index.h"

#include <algorithm>
#include <bit>

#include "director/protocol/protocol_state.h"

namespace tunvs {
namespace {

AddressPrefix prefixOf(const ServiceKey& key) {
  return key.hasPrefix() ? AddressPrefix{key.address, key.prefix} : AddressPrefix::of(key.address);
}

bool isUp(const ServiceView& service) {
  return std::any_of(service.owned.begin(), service.owned.end(), [](const auto& server) { return server->weight > 0; });
}

}  // namespace

bool ServiceIndex::Wide::fits(const FlowKey& flow) const {
  const uint16_t port = flow.virtualPort().host();
  return service->key.protocol == flow.protocol() && port >= firstPort && port <= lastPort &&
         prefix.contains(flow.virtualAddress());
}

void ServiceIndex::build(const std::vector<std::shared_ptr<const ServiceView>>& services, std::vector<MarkRule> marks,
                         std::span<const ServiceKey> gone) {
  marks_ = std::move(marks);
  const auto addVirtual = [this](const ServiceKey& key, bool isUp) {
    if (key.hasPrefix()) {
      addressPrefixes_.push_back({prefixOf(key), {key.address, isUp}});
    } else {
      addresses_.push_back({key.address, isUp});
    }
  };
  for (const ServiceKey& key : gone) {
    if (!key.isMark()) addVirtual(key, false);
  }
  std::vector<const ServiceView*> exact;
  for (const auto& service : services) {
    const ServiceKey& key = service->key;
    if (key.isMark()) {
      ofMark_.push_back(service.get());
      for (const MarkRule& rule : marks_) {
        if (rule.mark == key.mark && rule.family == key.address.family && rule.destination)
          addressPrefixes_.push_back({*rule.destination, {rule.destination->base, isUp(*service)}});
      }
      continue;
    }
    addVirtual(key, isUp(*service));
    if (!key.hasPrefix() && !key.hasRange()) {
      exact.push_back(service.get());
      hasFtp_ |= key.isFtp();
      hasEveryPort_ |= key.port == 0;
      continue;
    }
    const uint16_t lastPort = key.hasRange() ? key.lastPort : key.port == 0 ? 65535 : key.port;
    (key.hasPrefix() ? prefixes_ : ranges_).push_back({prefixOf(key), key.port, lastPort, service.get()});
  }

  std::sort(ofMark_.begin(), ofMark_.end(), [](const auto* a, const auto* b) { return a->key.mark < b->key.mark; });
  const auto isNarrower = [](const Wide& a, const Wide& b) {
    if (a.prefix.bits != b.prefix.bits) return a.prefix.bits > b.prefix.bits;
    return a.lastPort - a.firstPort < b.lastPort - b.firstPort;
  };
  std::stable_sort(ranges_.begin(), ranges_.end(), isNarrower);
  std::stable_sort(prefixes_.begin(), prefixes_.end(), isNarrower);
  std::stable_sort(addressPrefixes_.begin(), addressPrefixes_.end(), [](const auto& a, const auto& b) {
    return a.prefix.bits != b.prefix.bits ? a.prefix.bits > b.prefix.bits : a.shown.isUp > b.shown.isUp;
  });
  std::sort(addresses_.begin(), addresses_.end(), [](const auto& a, const auto& b) {
    return a.address != b.address ? a.address < b.address : a.isUp > b.isUp;
  });
  const auto repeated = std::unique(addresses_.begin(), addresses_.end(),
                                    [](const auto& a, const auto& b) { return a.address == b.address; });
  addresses_.erase(repeated, addresses_.end());

  if (exact.empty()) return;
  slots_.assign(std::bit_ceil(exact.size() * 2 + 1), nullptr);
  mask_ = slots_.size() - 1;
  for (const ServiceView* service : exact) {
    const ServiceKey& key = service->key;
    const FlowKey flow = FlowKey::make(key.address, {}, key.address, {}, key.protocol);
    size_t i = hashOf(flow.words, key.port, key.protocol, flow.family) & mask_;
    while (slots_[i] != nullptr) i = (i + 1) & mask_;
    slots_[i] = service;
  }
}

size_t ServiceIndex::hashOf(const uint64_t* words, uint16_t port, uint8_t protocol, Family family) {
  const uint64_t address = family == Family::ipv4 ? words[0] >> 32 : words[2] ^ words[3];
  return static_cast<size_t>(((address * 31 + port) * 31 + protocol) * 0x9e3779b97f4a7c15 >> 32);
}

const ServiceView* ServiceIndex::findExact(const FlowKey& flow, uint16_t port) const {
  if (slots_.empty()) return nullptr;
  for (size_t i = hashOf(flow.words, port, flow.protocol(), flow.family) & mask_;; i = (i + 1) & mask_) {
    const ServiceView* service = slots_[i];
    if (service == nullptr) return nullptr;
    if (service->key.port == port && service->key.protocol == flow.protocol() &&
        service->key.address == flow.virtualAddress()) {
      return service;
    }
  }
}

uint32_t ServiceIndex::markOf(const FlowKey& flow, uint32_t mark) const {
  for (const MarkRule& rule : marks_) {
    if (rule.matches(flow)) return rule.mark;
  }
  return mark;
}

const ServiceView* ServiceIndex::findMark(const FlowKey& flow, uint32_t mark) const {
  auto at = std::lower_bound(ofMark_.begin(), ofMark_.end(), mark,
                             [](const ServiceView* service, uint32_t wanted) { return service->key.mark < wanted; });
  for (; at != ofMark_.end() && (*at)->key.mark == mark; at++) {
    if ((*at)->key.address.family == flow.family) return *at;
  }
  return nullptr;
}

const ServiceView* ServiceIndex::find(const FlowKey& flow, uint32_t mark) const {
  if (!ofMark_.empty()) {
    const uint32_t carried = markOf(flow, mark);
    if (carried != 0) {
      if (const ServiceView* service = findMark(flow, carried)) return service;
    }
  }
  const uint16_t port = flow.virtualPort().host();
  if (const ServiceView* service = findExact(flow, port)) return service;
  if (hasFtp_ && flow.protocol() == kTcpProtocol && (port == kFtpDataPort || port >= kFirstUnprivilegedPort)) {
    if (const ServiceView* service = findExact(flow, kFtpPort)) return service;
  }
  for (const Wide& range : ranges_) {
    if (range.fits(flow)) return range.service;
  }
  if (hasEveryPort_) {
    if (const ServiceView* service = findExact(flow, 0)) return service;
  }
  for (const Wide& wide : prefixes_) {
    if (wide.fits(flow)) return wide.service;
  }
  return nullptr;
}

const VirtualAddress* ServiceIndex::virtualAddress(const IpAddress& address) const {
  const auto at = std::lower_bound(addresses_.begin(), addresses_.end(), address,
                                   [](const auto& known, const IpAddress& wanted) { return known.address < wanted; });
  if (at != addresses_.end() && at->address == address) return &*at;
  for (const VirtualPrefix& known : addressPrefixes_) {
    if (known.prefix.contains(address)) return &known.shown;
  }
  return nullptr;
}

}  // namespace tunvs
