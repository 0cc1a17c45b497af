#include "director/config/circle.h"

#include <algorithm>
#include <map>
#include <vector>

#include "core/address_prefix.h"
#include "director/config/checks.h"

namespace tunvs {
namespace {

// Virtual addresses and ranges as the host routes them.
class RoutedAddresses {
 public:
  RoutedAddresses(std::span<const std::shared_ptr<const ServiceView>> services, std::span<const MarkRule> marks) {
    for (const auto& service : services) {
      const ServiceKey& key = service->key;
      if (!key.isMark()) {
        add(key.hasPrefix() ? AddressPrefix{key.address, key.prefix} : AddressPrefix::of(key.address), key);
        continue;
      }
      for (const MarkRule& rule : marks) {
        if (rule.mark == key.mark && rule.family == key.address.family && rule.destination) add(*rule.destination, key);
      }
    }
  }

  const ServiceKey* find(const IpAddress& address) const {
    if (const auto at = single_.find(address); at != single_.end()) return at->second;
    for (const auto& [prefix, key] : wide_) {
      if (prefix.contains(address)) return key;
    }
    return nullptr;
  }

 private:
  // A prefix that holds addresses of many kinds is not routed: it is left to the host's owner.
  static constexpr uint8_t kShortestRouted4 = 8, kShortestRouted6 = 16;

  void add(const AddressPrefix& prefix, const ServiceKey& key) {
    if (prefix == AddressPrefix::of(prefix.base)) {
      single_.emplace(prefix.base, &key);
    } else if (prefix.bits >= (prefix.base.isV4() ? kShortestRouted4 : kShortestRouted6)) {
      wide_.emplace_back(prefix, &key);
    }
  }

  std::map<IpAddress, const ServiceKey*> single_;
  std::vector<std::pair<AddressPrefix, const ServiceKey*>> wide_;
};

// Tells whether an operation may have made the circle.
struct Names {
  const Circle& circle;
  bool isOurs(const ServiceKey& ofServer, const ServerKey& key) const {
    return ofServer == circle.service && key == circle.server;
  }
  bool operator()(const AddServer& op) const { return isOurs(op.service, op.server); }
  bool operator()(const EditServer& op) const { return isOurs(op.service, op.server); }
  bool operator()(const AddService& op) const { return op.service == circle.at; }
  bool operator()(const SetMarks&) const { return circle.at.isMark(); }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
};

}  // namespace

std::optional<Circle> findCircle(std::span<const std::shared_ptr<const ServiceView>> services,
                                 std::span<const MarkRule> marks) {
  std::optional<RoutedAddresses> routed;  // made for the first server that needs it: most directors have none
  for (const auto& service : services) {
    for (const auto& server : service->owned) {
      if (!server->traits->rewrites()) continue;
      if (!routed) routed.emplace(services, marks);
      if (const ServiceKey* at = routed->find(server->address)) return Circle{service->key, server->key(), *at};
    }
  }
  return std::nullopt;
}

Error Circle::error() const {
  return Error::make(ErrorCode::invalidArgument,
                     textOf(server) + " can't be a real server of " + textOf(service) +
                         " by NAT: its address is a virtual one, of " + textOf(at) +
                         ", so the host would route the packets for it back to the director; name the address of "
                         "another host, or delete one of the two");
}

size_t Circle::madeBy(std::span<const Operation> operations) const {
  for (size_t i = operations.size(); i > 0; i--) {
    if (std::visit(Names{*this}, operations[i - 1])) return i - 1;
  }
  return operations.empty() ? 0 : operations.size() - 1;
}

}  // namespace tunvs
