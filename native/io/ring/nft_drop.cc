#include "io/ring/nft_drop.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "io/netlink/netlink_messages.h"
#include "io/netlink/netlink_request.h"
#include "io/netlink/netlink_socket.h"
#include "io/os/socket_buffer.h"
#include "io/ring/ring_protocols.h"

namespace tunvs {
namespace {

// linux/netfilter/nf_tables.h, Linux 5.12, which older headers lack.
constexpr uint32_t kTableIsOwned = 2;
// linux/netfilter.h, which can't be included beside netinet/in.h.
constexpr uint32_t kDrop = 0, kAccept = 1, kNetdevIngress = 0;
constexpr uint8_t kNetdevFamily = 5;
constexpr char kChain[] = "in";
constexpr size_t kElementsOfOne = 512;  // what an attribute has room for, and more

uint32_t be32(uint32_t value) { return Be32::from(value).raw; }
uint16_t typeOf(int message) { return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message); }

// All messages of a change, which comes into force as a whole.
class Batch {
 public:
  Batch() { mark(NFNL_MSG_BATCH_BEGIN); }
  NetlinkRequest& add(int message, uint16_t flags) {
    const nfgenmsg fixed{kNetdevFamily, NFNETLINK_V0, 0};
    return requests_.emplace_back(typeOf(message), flags, fixed);
  }
  std::vector<uint8_t> finish() {
    mark(NFNL_MSG_BATCH_END);
    std::vector<uint8_t> all;
    uint32_t sequence = 0;
    for (NetlinkRequest& request : requests_) {
      const std::span<uint8_t> bytes = request.bytes();
      sequence++;
      std::memcpy(bytes.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
  }

 private:
  void mark(uint16_t type) {
    const nfgenmsg fixed{AF_UNSPEC, NFNETLINK_V0, Be16::from(NFNL_SUBSYS_NFTABLES).raw};
    requests_.emplace_back(type, uint16_t{0}, fixed);
  }
  std::deque<NetlinkRequest> requests_;
};

// A rule's expressions, one after the other.
class Expressions {
 public:
  explicit Expressions(NetlinkRequest& rule) : rule_(rule) {}

  void load(uint32_t base, uint32_t at, uint32_t bytes) {
    expression("payload", [&] {
      rule_.add(NFTA_PAYLOAD_DREG, be32(NFT_REG_1)).add(NFTA_PAYLOAD_BASE, be32(base));
      rule_.add(NFTA_PAYLOAD_OFFSET, be32(at)).add(NFTA_PAYLOAD_LEN, be32(bytes));
    });
  }
  void loadMeta(uint32_t key) {
    expression("meta", [&] { rule_.add(NFTA_META_DREG, be32(NFT_REG_1)).add(NFTA_META_KEY, be32(key)); });
  }
  template <typename Value>
  void demand(uint32_t comparison, Value value) {
    expression("cmp", [&] {
      rule_.add(NFTA_CMP_SREG, be32(NFT_REG_1)).add(NFTA_CMP_OP, be32(comparison));
      rule_.nest(NFTA_CMP_DATA, [&] { rule_.add(NFTA_DATA_VALUE, value); });
    });
  }
  void demandIn(const std::string& set, uint32_t id) {
    expression("lookup", [&] {
      rule_.add(NFTA_LOOKUP_SET, std::string_view(set)).add(NFTA_LOOKUP_SREG, be32(NFT_REG_1));
      rule_.add(NFTA_LOOKUP_SET_ID, be32(id));
    });
  }
  void count() {
    expression("counter", [] {});
  }
  void decide(uint32_t verdict) {
    expression("immediate", [&] {
      rule_.add(NFTA_IMMEDIATE_DREG, be32(NFT_REG_VERDICT));
      rule_.nest(NFTA_IMMEDIATE_DATA,
                 [&] { rule_.nest(NFTA_DATA_VERDICT, [&] { rule_.add(NFTA_VERDICT_CODE, be32(verdict)); }); });
    });
  }

 private:
  void expression(const char* name, const std::function<void()>& fill) {
    rule_.nest(NFTA_LIST_ELEM, [&] {
      rule_.add(NFTA_EXPR_NAME, std::string_view(name));
      rule_.nest(NFTA_EXPR_DATA, fill);
    });
  }
  NetlinkRequest& rule_;
};

using AddressBytes = std::array<uint8_t, 16>;

// Both ends of a range, the second one not in it; none where it reaches to the end of all addresses.
struct Range {
  AddressBytes first;
  std::optional<AddressBytes> behind;
};

Range rangeOf(const AddressPrefix& prefix) {
  Range range{prefix.base.bytes, prefix.base.bytes};
  if (prefix.bits == 0) return {range.first, std::nullopt};
  // Adds one at the prefix's last bit, with the carry.
  size_t at = prefix.bits - size_t{1};
  AddressBytes& end = *range.behind;
  unsigned sum = end[at / 8] + (0x80u >> at % 8);
  for (size_t i = at / 8;; i--) {
    end[i] = static_cast<uint8_t>(sum);
    if (sum < 256) return range;
    if (i == 0) return {range.first, std::nullopt};
    sum = end[i - 1] + 1u;
  }
}

// Sorted, and those within others left out, as the kernel wants them.
std::vector<Range> rangesOf(std::span<const AddressPrefix> prefixes, bool isV4) {
  std::vector<AddressPrefix> own;
  for (const AddressPrefix& prefix : prefixes) {
    if (prefix.base.isV4() == isV4) own.push_back(prefix);
  }
  std::sort(own.begin(), own.end(), [](const AddressPrefix& a, const AddressPrefix& b) {
    return a.base.bytes != b.base.bytes ? a.base.bytes < b.base.bytes : a.bits < b.bits;
  });
  std::vector<Range> ranges;
  const AddressPrefix* last = nullptr;
  for (const AddressPrefix& prefix : own) {
    if (last != nullptr && last->contains(prefix.base)) continue;
    last = &prefix;
    const Range range = rangeOf(prefix);
    // Two that touch are one.
    if (!ranges.empty() && ranges.back().behind == range.first) {
      ranges.back().behind = range.behind;
    } else {
      ranges.push_back(range);
    }
  }
  return ranges;
}

struct FamilyRule {
  bool isV4;
  const char* set;
  uint32_t id, addressBytes, addressAt, protocolAt, hopsAt;
  uint16_t etherType;
};
constexpr FamilyRule kFamilies[] = {{true, "v4", 1, 4, 16, 9, 8, ETH_P_IP}, {false, "v6", 2, 16, 24, 6, 7, ETH_P_IPV6}};

void addElement(NetlinkRequest& request, const AddressBytes& key, size_t bytes, bool isEnd) {
  request.nest(NFTA_LIST_ELEM, [&] {
    if (isEnd) request.add(NFTA_SET_ELEM_FLAGS, be32(NFT_SET_ELEM_INTERVAL_END));
    request.nest(NFTA_SET_ELEM_KEY, [&] { request.add(NFTA_DATA_VALUE, key.data(), bytes); });
  });
}

// Adds a rule for packets of the family; `fill` says which, and what becomes of them.
template <typename Fill>
void addRule(Batch& batch, const std::string& table, const FamilyRule& family, bool isEthernet, Fill&& fill) {
  NetlinkRequest& rule = batch.add(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  rule.add(NFTA_RULE_TABLE, std::string_view(table)).add(NFTA_RULE_CHAIN, std::string_view(kChain));
  rule.nest(NFTA_RULE_EXPRESSIONS, [&] {
    Expressions expressions(rule);
    // What the link's header says, with a tag, if there is one; where there is no header, what the kernel knows.
    if (isEthernet) {
      expressions.load(NFT_PAYLOAD_LL_HEADER, 12, 2);
    } else {
      expressions.loadMeta(NFT_META_PROTOCOL);
    }
    expressions.demand(NFT_CMP_EQ, Be16::from(family.etherType).raw);
    fill(expressions);
  });
}

void addFamily(Batch& batch, const std::string& table, const FamilyRule& family, const RingFilterOptions& options,
               std::span<const Range> ranges) {
  if (ranges.empty()) return;
  const bool isEthernet = options.linkBytes != 0;
  NetlinkRequest& set = batch.add(NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
  set.add(NFTA_SET_TABLE, std::string_view(table)).add(NFTA_SET_NAME, std::string_view(family.set));
  set.add(NFTA_SET_FLAGS, be32(NFT_SET_INTERVAL)).add(NFTA_SET_KEY_TYPE, be32(family.isV4 ? 7 : 8));
  set.add(NFTA_SET_KEY_LEN, be32(family.addressBytes)).add(NFTA_SET_ID, be32(family.id));
  for (size_t begin = 0; begin < ranges.size(); begin += kElementsOfOne) {
    NetlinkRequest& elements = batch.add(NFT_MSG_NEWSETELEM, NLM_F_CREATE);
    elements.add(NFTA_SET_ELEM_LIST_TABLE, std::string_view(table));
    elements.add(NFTA_SET_ELEM_LIST_SET, std::string_view(family.set));
    elements.add(NFTA_SET_ELEM_LIST_SET_ID, be32(family.id));
    elements.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
      for (const Range& range : ranges.subspan(begin, std::min(kElementsOfOne, ranges.size() - begin))) {
        addElement(elements, range.first, family.addressBytes, false);
        if (range.behind) addElement(elements, *range.behind, family.addressBytes, true);
      }
    });
  }
  for (const uint8_t protocol : ringProtocols(family.isV4, options.takesUdp)) {
    if (protocol == IPPROTO_ICMPV6) {
      addRule(batch, table, family, isEthernet, [&](Expressions& expressions) {
        expressions.load(NFT_PAYLOAD_NETWORK_HEADER, family.protocolAt, 1);
        expressions.demand(NFT_CMP_EQ, protocol);
        expressions.load(NFT_PAYLOAD_NETWORK_HEADER, family.hopsAt, 1);
        expressions.demand(NFT_CMP_EQ, kNeighbourHops);
        expressions.decide(kAccept);
      });
    }
    addRule(batch, table, family, isEthernet, [&](Expressions& expressions) {
      expressions.loadMeta(NFT_META_PKTTYPE);
      expressions.demand(NFT_CMP_EQ, uint8_t{PACKET_HOST});
      expressions.load(NFT_PAYLOAD_NETWORK_HEADER, family.protocolAt, 1);
      expressions.demand(NFT_CMP_EQ, protocol);
      expressions.load(NFT_PAYLOAD_NETWORK_HEADER, family.hopsAt, 1);
      expressions.demand(NFT_CMP_GT, uint8_t{1});
      expressions.load(NFT_PAYLOAD_NETWORK_HEADER, family.addressAt, family.addressBytes);
      expressions.demandIn(family.set, family.id);
      expressions.count();
      expressions.decide(kDrop);
    });
  }
}

// Sends a batch and returns the first error that the kernel answers with, which it does before send() returns; 0.
int sendBatch(int socket, std::span<const uint8_t> batch) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto sent = retryOnInterrupt([&] {
    return ::sendto(socket, batch.data(), batch.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel);
  });
  if (sent < 0) return errno;
  int error = 0;
  std::array<uint8_t, 16384> answer;
  for (;;) {
    const auto received = retryOnInterrupt([&] { return ::recv(socket, answer.data(), answer.size(), MSG_DONTWAIT); });
    if (received <= 0) return received < 0 && errno != EAGAIN && error == 0 ? errno : error;
    forEachNetlinkMessage({answer.data(), static_cast<size_t>(received)},
                          [&](const nlmsghdr& header, std::span<const uint8_t> message) {
                            if (header.nlmsg_type == NLMSG_ERROR && message.size() >= NLMSG_HDRLEN + 4 && error == 0)
                              error = -loadUnaligned<int32_t>(message.data() + NLMSG_HDRLEN);
                            return true;
                          });
  }
}

Error refused(const std::string& device, int error) {
  const std::string what = "can't keep packets that a ring takes of " + device + " from the host";
  if (error == EPERM)
    return Error{ErrorCode::busy, what + ": another process has a table of that name in nftables", error, "netlink"};
  if (error == EOPNOTSUPP || error == EINVAL || error == ENOENT)
    return Error{ErrorCode::unsupported,
                 what + ": this needs nftables with tables that have an owner, at a device's ingress (Linux 5.12)",
                 error, "netlink"};
  return Error::fromErrno(error, "netlink", what);
}

}  // namespace

Result<NftDrop> NftDrop::make(const std::string& table) {
  auto socket = openNetfilter();
  if (!socket) return socket.error();
  raiseSendBuffer(socket.value().get());  // a change of many addresses is one datagram
  return NftDrop(table, std::move(socket).value());
}

Result<void> NftDrop::set(const std::string& device, std::span<const AddressPrefix> prefixes,
                          const RingFilterOptions& options) {
  Batch batch;
  if (isThere_) batch.add(NFT_MSG_DELTABLE, 0).add(NFTA_TABLE_NAME, std::string_view(table_));
  if (!prefixes.empty()) {
    batch.add(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL)
        .add(NFTA_TABLE_NAME, std::string_view(table_))
        .add(NFTA_TABLE_FLAGS, be32(kTableIsOwned));
    NetlinkRequest& chain = batch.add(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    chain.add(NFTA_CHAIN_TABLE, std::string_view(table_)).add(NFTA_CHAIN_NAME, std::string_view(kChain));
    chain.nest(NFTA_CHAIN_HOOK, [&] {
      chain.add(NFTA_HOOK_HOOKNUM, be32(kNetdevIngress)).add(NFTA_HOOK_PRIORITY, be32(0));
      chain.add(NFTA_HOOK_DEV, std::string_view(device));
    });
    chain.add(NFTA_CHAIN_TYPE, std::string_view("filter"));
    for (const FamilyRule& family : kFamilies) {
      addFamily(batch, table_, family, options, rangesOf(prefixes, family.isV4));
    }
  }
  const std::vector<uint8_t> bytes = batch.finish();
  if (const int error = sendBatch(socket_.get(), bytes); error != 0) return refused(device, error);
  isThere_ = !prefixes.empty();
  return {};
}

}  // namespace tunvs
