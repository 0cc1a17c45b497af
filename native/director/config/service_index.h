// Finds the virtual service that a packet is for.
//
// It looks in this order, which is IPVS's but for the ranges (ours):
//   1. the service of the packet's firewall mark;
//   2. its address, protocol and port;
//   3. TCP to port 20 or an unprivileged one: the address's FTP service (port 21), whose data connections these may be;
//   4. a range of ports of its address;
//   5. every port of its address (port 0);
//   6. services of an address prefix: the longest prefix first, then the narrowest range.
//
// Thread safety: immutable once built.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "director/config/mark_rule.h"
#include "director/config/service_view.h"

namespace tunvs {

// An address of a virtual service, or of one that is removed but not forgotten because connections still name its
// servers.
struct VirtualAddress {
  IpAddress address;
  bool isUp;  // one of its services has a real server of a weight above 0; one at its threshold is full, not down
};

class ServiceIndex {
 public:
  static constexpr uint16_t kFtpDataPort = 20, kFirstUnprivilegedPort = 1024;

  // `gone` are the services that are removed but not forgotten: connections still name their servers.
  void build(const std::vector<std::shared_ptr<const ServiceView>>& services, std::vector<MarkRule> marks,
             std::span<const ServiceKey> gone);

  const ServiceView* find(const FlowKey& flow, uint32_t mark) const;
  const VirtualAddress* virtualAddress(const IpAddress& address) const;
  const std::vector<MarkRule>& marks() const { return marks_; }

 private:
  struct VirtualPrefix {
    AddressPrefix prefix;
    VirtualAddress shown;
  };
  struct Wide {
    AddressPrefix prefix;
    uint16_t firstPort, lastPort;
    const ServiceView* service;
    bool fits(const FlowKey& flow) const;
  };

  uint32_t markOf(const FlowKey& flow, uint32_t mark) const;
  const ServiceView* findMark(const FlowKey& flow, uint32_t mark) const;
  const ServiceView* findExact(const FlowKey& flow, uint16_t port) const;
  static size_t hashOf(const uint64_t* words, uint16_t port, uint8_t protocol, Family family);

  std::vector<MarkRule> marks_;             // the first that fits counts
  std::vector<const ServiceView*> ofMark_;  // sorted by mark
  std::vector<const ServiceView*> slots_;   // of one address and one or every port; open addressing, half full at most
  size_t mask_ = 0;
  bool hasFtp_ = false, hasEveryPort_ = false;
  std::vector<Wide> ranges_;               // of one address, narrowest first
  std::vector<Wide> prefixes_;             // in the order in which they are tried
  std::vector<VirtualAddress> addresses_;  // sorted
  std::vector<VirtualPrefix> addressPrefixes_;
};

}  // namespace tunvs
