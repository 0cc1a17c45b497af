#include "io/ring/ring_filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <cstddef>

#include "io/ring/ring_protocols.h"

namespace tunvs {
namespace {

constexpr uint32_t kAncillary = static_cast<uint32_t>(SKF_AD_OFF);
constexpr uint32_t kAll = 0xffffffff, kNothing = 0;
constexpr size_t kFarthest = 255, kLongest = 16;  // a jump's reach, and the instructions of a prefix
// What a prefix takes in the kernel, bytes, once it is translated: a comparison is up to three instructions there.
constexpr size_t kAddress4Bytes = 32, kPrefix4Bytes = 56, kPrefix6Bytes = 200, kCommonBytes = 2048;
// So many of the shortest are as many instructions as a filter may have (BPF_MAXINSNS).
constexpr size_t kMostBytes = kCommonBytes + 3800 * kAddress4Bytes / 2;

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
  void keep(uint32_t place) { add(BPF_ST, place); }
  void recall(uint32_t place) { add(BPF_LD | BPF_MEM, place); }
  void give(uint32_t bytes) { add(BPF_RET | BPF_K, bytes); }
  // Lets nothing in unless what was loaded compares so with `value`.
  void demand(uint16_t comparison, uint32_t value) {
    add(static_cast<uint16_t>(BPF_JMP | comparison | BPF_K), value, 1, 0);
    give(kNothing);
  }
  void refuse(uint32_t value) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    give(kNothing);
  }
  // Returns the jump, which land() has to know where to go.
  size_t jumpIfEqual(uint32_t value) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value);
    return size() - 1;
  }
  void land(std::span<const size_t> jumps) {
    for (const size_t i : jumps) program_[i].jt = static_cast<uint8_t>(size() - i - 1);
  }
  size_t size() const { return program_.size(); }
  sock_filter& operator[](size_t i) { return program_[i]; }
  std::vector<sock_filter> take() { return std::move(program_); }

 private:
  std::vector<sock_filter> program_;
};

// Lets in what matches one of the prefixes. Words are compared from the last one on, as addresses differ there first.
// They lie in the scratch memory, and an IPv4 address in the accumulator as well.
class Matches {
 public:
  Matches(Assembler& out, bool isV4) : out_(out), words_(isV4 ? 1 : 4) {}

  void add(const AddressPrefix& prefix) {
    // An accepting end has to be within a jump's reach.
    if (out_.size() - first_ > kFarthest - kLongest) close();
    std::vector<size_t> differing;
    for (size_t i = words_; i-- > 0;) {
      const uint32_t mask = maskOf(prefix.bits, i);
      if (mask == 0) continue;
      if (words_ > 1 || isSpent_) out_.recall(static_cast<uint32_t>(i));
      isSpent_ = mask != kAll;
      if (isSpent_) out_.add(BPF_ALU | BPF_AND | BPF_K, mask);
      differing.push_back(out_.jumpIfEqual(wordOf(prefix.base, i)));
    }
    if (differing.empty()) {  // a prefix of no bits
      out_.give(kAll);
      return;
    }
    // The last comparison decides, and the others go on to the next prefix when they fail.
    accepting_.push_back(differing.back());
    differing.pop_back();
    for (const size_t i : differing) out_[i].jf = static_cast<uint8_t>(out_.size() - i - 1);
  }

  void close() {
    if (accepting_.empty()) return;
    out_.add(BPF_JMP | BPF_JA, 1);  // nothing matched: past the accepting end
    out_.land(accepting_);
    out_.give(kAll);
    accepting_.clear();
    first_ = out_.size();
  }

 private:
  Assembler& out_;
  const size_t words_;
  size_t first_ = out_.size();
  bool isSpent_ = false;  // the accumulator no longer holds the address
  std::vector<size_t> accepting_;
};

// Lets nothing in of other protocols.
void demandProtocol(Assembler& out, uint32_t ip, bool isV4, bool takesUdp) {
  if (!isV4) {
    out.load(BPF_H, ip + 6);
    out.refuse(uint32_t{IPPROTO_ICMPV6} << 8 | kNeighbourHops);
  }
  out.load(BPF_B, ip + (isV4 ? 9 : 6));
  std::vector<size_t> known;
  for (const uint8_t protocol : ringProtocols(isV4, takesUdp)) known.push_back(out.jumpIfEqual(protocol));
  out.give(kNothing);
  out.land(known);
}

void addFamily(Assembler& out, std::span<const AddressPrefix> prefixes, bool isV4, const RingFilterOptions& options) {
  const uint32_t ip = options.linkBytes;
  if (options.linkBytes != 0) {
    // A tag may be in the frame although the kernel has taken it for read.
    out.load(BPF_H, 12);
    out.demand(BPF_JEQ, isV4 ? ETH_P_IP : ETH_P_IPV6);
  }
  out.load(BPF_B, ip + (isV4 ? 8 : 7));
  out.demand(BPF_JGT, 1);
  demandProtocol(out, ip, isV4, options.takesUdp);
  for (uint32_t i = 0; i < (isV4 ? 1u : 4u); i++) {
    out.load(BPF_W, ip + (isV4 ? 16 : 24) + 4 * i);  // a load behind the packet's end lets nothing in
    out.keep(i);
  }
  Matches matches(out, isV4);
  for (const AddressPrefix& prefix : prefixes) {
    if (prefix.base.isV4() == isV4) matches.add(prefix);
  }
  matches.close();
  out.give(kNothing);
}

}  // namespace

std::vector<sock_filter> ringFilter(std::span<const AddressPrefix> prefixes, const RingFilterOptions& options) {
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
  addFamily(out, prefixes, /*isV4=*/false, options);
  out[toV4].k = static_cast<uint32_t>(out.size() - toV4 - 1);
  addFamily(out, prefixes, /*isV4=*/true, options);
  return out.take();
}

std::span<const AddressPrefix> fittingRingFilter(std::span<const AddressPrefix> prefixes, size_t bytes) {
  size_t used = kCommonBytes, count = 0;
  for (const AddressPrefix& prefix : prefixes) {
    const bool isAddress4 = prefix.base.isV4() && prefix.bits == 32;
    used += isAddress4 ? kAddress4Bytes : prefix.base.isV4() ? kPrefix4Bytes : kPrefix6Bytes;
    if (2 * used > bytes || used > kMostBytes) break;
    count++;
  }
  return prefixes.first(count);
}

}  // namespace tunvs
