#include "io/ring/ring_filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <cstddef>

namespace tunvs {
namespace {

constexpr uint32_t kAncillary = static_cast<uint32_t>(SKF_AD_OFF), kNetwork = static_cast<uint32_t>(SKF_NET_OFF);
constexpr uint32_t kAll = 0xffffffff, kNothing = 0;
// Of the longest parts: an IPv6 prefix (four words with a mask each), an IPv4 one, and what is common.
constexpr size_t kMost6 = 10, kMost4 = 4, kCommon = 20;
// Older kernels keep 20 KiB of a socket's options (net.core.optmem_max).
constexpr size_t kMostInstructions = 2048;

uint32_t wordOf(const IpAddress& address, size_t word) { return loadBe32(address.bytes.data() + 4 * word); }

uint32_t maskOf(size_t bits, size_t word) {
  const size_t before = 32 * word;
  if (bits <= before) return 0;
  return bits - before >= 32 ? kAll : ~(kAll >> (bits - before));
}

class Assembler {
 public:
  void add(uint16_t code, uint32_t k, uint8_t ifTrue = 0, uint8_t ifFalse = 0) {
    program_.push_back({code, ifTrue, ifFalse, k});
  }
  void load(uint16_t size, uint32_t at) { add(static_cast<uint16_t>(BPF_LD | size | BPF_ABS), at); }
  void give(uint32_t bytes) { add(BPF_RET | BPF_K, bytes); }
  // Lets nothing in unless what was loaded compares so with `value`.
  void demand(uint16_t comparison, uint32_t value) {
    add(static_cast<uint16_t>(BPF_JMP | comparison | BPF_K), value, 1, 0);
    give(kNothing);
  }
  size_t size() const { return program_.size(); }
  sock_filter& operator[](size_t i) { return program_[i]; }
  std::vector<sock_filter> take() { return std::move(program_); }

 private:
  std::vector<sock_filter> program_;
};

// Lets in what matches the prefix. Words are compared from the last one on, as addresses differ there first.
void addPrefix(Assembler& out, const AddressPrefix& prefix, uint32_t at) {
  const size_t words = prefix.base.isV4() ? 1 : 4;
  const size_t first = out.size();
  for (size_t i = words; i-- > 0;) {
    const uint32_t mask = maskOf(prefix.bits, i);
    if (mask == 0) continue;
    out.load(BPF_W, at + 4 * static_cast<uint32_t>(i));
    if (mask != kAll) out.add(BPF_ALU | BPF_AND | BPF_K, mask);
    out.add(BPF_JMP | BPF_JEQ | BPF_K, wordOf(prefix.base, i));
  }
  out.give(kAll);
  for (size_t i = first; i < out.size(); i++) {
    if (BPF_CLASS(out[i].code) == BPF_JMP) out[i].jf = static_cast<uint8_t>(out.size() - i - 1);
  }
}

void addFamily(Assembler& out, std::span<const AddressPrefix> prefixes, bool isV4) {
  out.load(BPF_W, kNetwork + (isV4 ? 16 : 36));  // a load behind the packet's end lets nothing in
  out.load(BPF_B, kNetwork + (isV4 ? 8 : 7));
  out.demand(BPF_JGT, 1);
  for (const AddressPrefix& prefix : prefixes) {
    if (prefix.base.isV4() == isV4) addPrefix(out, prefix, kNetwork + (isV4 ? 16 : 24));
  }
  out.give(kNothing);
}

}  // namespace

std::vector<sock_filter> ringFilter(std::span<const AddressPrefix> prefixes) {
  Assembler out;
  if (prefixes.empty()) {
    out.give(kNothing);
    return out.take();
  }
  out.load(BPF_W, kAncillary + SKF_AD_PKTTYPE);
  out.demand(BPF_JEQ, PACKET_HOST);
  out.load(BPF_W, kAncillary + SKF_AD_VLAN_TAG_PRESENT);
  out.demand(BPF_JEQ, 0);
  out.load(BPF_W, kAncillary + SKF_AD_PROTOCOL);
  out.add(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 1);
  const size_t toV4 = out.size();
  out.add(BPF_JMP | BPF_JA, 0);
  out.demand(BPF_JEQ, ETH_P_IPV6);
  addFamily(out, prefixes, /*isV4=*/false);
  out[toV4].k = static_cast<uint32_t>(out.size() - toV4 - 1);
  addFamily(out, prefixes, /*isV4=*/true);
  return out.take();
}

std::span<const AddressPrefix> fittingRingFilter(std::span<const AddressPrefix> prefixes) {
  size_t used = kCommon, count = 0;
  for (const AddressPrefix& prefix : prefixes) {
    used += prefix.base.isV4() ? kMost4 : kMost6;
    if (used > kMostInstructions) break;
    count++;
  }
  return prefixes.first(count);
}

}  // namespace tunvs
