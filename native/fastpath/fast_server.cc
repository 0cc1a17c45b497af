#include "fastpath/fast_server.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cstring>

#include "director/counters/kernel_tally.h"
#include "director/protocol/protocol_state.h"
#include "forward/gue.h"
#include "forward/tunnel_mtu.h"
#include "packet/checksum.h"
#include "table/conn.h"

namespace tunvs {
namespace {

static_assert(sizeof(FastServer) == 128 && offsetof(FastServer, header) == 44);
static_assert(sizeof(FastSource) == 32 && sizeof(FastTally) == 64);
static_assert(offsetof(FastTally, longest) == offsetof(KernelTally, longest));
static_assert(kFastReasons == kKernelReasons && kFastMaxServers == KernelTallies::kMaxServers);
static_assert(kFastOuterRoom == kMaxOuterBytes && kFastMaxSources == SourceRange::kMaxAddresses);
static_assert(kFastFirstPort == kGueFirstSourcePort && kFastPorts == kGueLastSourcePort - kGueFirstSourcePort + 1);
static_assert(offsetof(Conn, ports) == 8 && offsetof(Conn, flags) == 15 && offsetof(Conn, server) == 16 &&
              offsetof(Conn, expires) == 20 && offsetof(Conn, packets) == 24 && sizeof(Conn6) == 64);
static_assert(kConnLive == 0x01 && kConnInvalid == 0x04 && kConnFast == 0x10);

uint32_t roomFlagsOf(const OuterHeader& outer, Family family) {
  uint32_t flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
  flags |= family == Family::ipv4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
  if (outer.method == ForwardingMethod::gue) flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
  if (outer.method == ForwardingMethod::gre) flags |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
  return flags;
}

// Returns the sum of what a tunnel's checksum covers of the outer header, without a source that depends on the packet.
uint32_t coveredSumOf(const OuterHeader& outer, bool isSourceOpen) {
  const uint8_t* const behind = outer.bytes + outer.ipBytes;
  uint64_t sum = checksumAdd(behind, outer.length - size_t{outer.ipBytes});
  if (outer.method == ForwardingMethod::gue) {
    const size_t addressBytes = outer.ipBytes == 20 ? 4 : 16;
    const uint8_t* const addresses = behind - 2 * addressBytes;
    sum += checksumAdd(addresses + (isSourceOpen ? addressBytes : 0), isSourceOpen ? addressBytes : 2 * addressBytes);
    sum += Be16::from(static_cast<uint16_t>(IpProtocol::udp)).raw;
  }
  return checksumFold(sum);
}

}  // namespace

FastServer fastServer(const ServerView& server, const std::optional<LinkHop>& hop, const Settings& settings,
                      const Tunables& tunables, Tick now) {
  FastServer line{};
  if (!server.suitsKernel || !hop) return line;
  const OuterHeader& outer = server.outers[0];
  const uint32_t pathMtu = std::min(server.pathMtu->effective(settings.pathMtu, now), hop->pathMtu);
  const auto longest = tunnelMtu(pathMtu, server.config.tunnel, outer.inner, server.address.family);
  if (!longest) return line;
  line.ifindex = static_cast<uint32_t>(hop->interfaceIndex);
  line.longest = *longest;
  const TimeoutTicks* own = server.timeouts.get();
  line.tcpTicks = timeoutOf(tunables, own, kTcpProtocol, static_cast<uint8_t>(TcpState::established));
  line.udpTicks = timeoutOf(tunables, own, kUdpProtocol, 0);
  std::memcpy(line.macs, hop->destination.data(), 6);
  std::memcpy(line.macs + 6, hop->source.data(), 6);
  if (outer.length == 0) return line;
  line.roomFlags = roomFlagsOf(outer, server.address.family);
  line.outerBytes = outer.length;
  line.ipBytes = outer.ipBytes;
  line.sourceMask = server.outerMask;
  std::memcpy(line.header, outer.bytes, sizeof line.header);
  if (tunables.pmtuDisc != 0) line.flags |= kFastCopiesDf;
  if (outer.method == ForwardingMethod::gue) line.flags |= kFastUdp;
  if (outer.checksum != TunnelChecksum::none) {
    line.flags |= kFastSums;
    line.coveredSum = coveredSumOf(outer, line.sourceMask != 0);
  }
  if (server.address.isV4()) {
    if (line.sourceMask != 0) std::memset(line.header + 12, 0, 4);
    line.sum = checksumFold(checksumAdd20(line.header));
  } else {
    line.flags |= kFastOuterIpv6;
  }
  return line;
}

FastSource fastSource(const Settings& settings, size_t index) {
  FastSource line{};
  if (settings.v4 && index < settings.v4->count()) {
    line.v4 = settings.v4->at(index).asV4().raw;
    line.sum = checksumFold(line.v4);
  }
  if (settings.v6 && index < settings.v6->count()) {
    std::memcpy(line.v6, settings.v6->at(index).bytes.data(), sizeof line.v6);
    line.sum6 = checksumFold(checksumAdd(line.v6, sizeof line.v6));
  }
  return line;
}

bool differsInPath(const FastServer& a, const FastServer& b) {
  constexpr size_t kFrom = offsetof(FastServer, roomFlags);
  return a.ifindex != b.ifindex || std::memcmp(reinterpret_cast<const uint8_t*>(&a) + kFrom,
                                               reinterpret_cast<const uint8_t*>(&b) + kFrom, sizeof a - kFrom) != 0;
}

}  // namespace tunvs
