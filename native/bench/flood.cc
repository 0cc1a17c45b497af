#include "bench/flood.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "bench/bench_packet.h"
#include "engine/clock.h"
#include "io/os/unique_fd.h"
#include "packet/packet_vector.h"

namespace tunvs::bench {
namespace {

constexpr uint32_t kMaxFloodFlows = 1u << 24;
constexpr uint64_t kSecondNs = 1'000'000'000;

// Returns the time after the sleep.
uint64_t sleepUntil(uint64_t ns) {
  const timespec until{static_cast<time_t>(ns / kSecondNs), static_cast<long>(ns % kSecondNs)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
  return monotonicNs();
}

Result<void> check(const FloodOptions& options) {
  const auto invalid = [](const char* message) { return Error::make(ErrorCode::invalidArgument, message); };
  if (!options.virtualAddress.isV4()) return invalid("flood: virtualAddress is an IPv4 address");
  if (options.protocol != IpProtocol::udp && options.protocol != IpProtocol::tcp)
    return invalid("flood: protocol is udp, tcp or tcp-ack");
  if (options.port == 0) return invalid("flood: port is from 1 to 65535");
  if (options.flows < 1 || options.flows > kMaxFloodFlows) return invalid("flood: flows is from 1 to 2^24");
  if (options.packetBytes < PacketTemplate::kMinBytes || options.packetBytes > PacketTemplate::kMaxBytes) {
    return invalid("flood: packetBytes is from 40 to 1500");
  }
  if (options.durationMs < 1 || options.durationMs > 60'000) return invalid("flood: durationMs is from 1 to 60000");
  if (options.maxPackets < 1 || options.maxPackets > uint64_t{1} << 32)
    return invalid("flood: maxPackets is from 1 to 2^32");
  return {};
}

}  // namespace

Result<FloodResult> flood(const FloodOptions& options) {
  if (auto checked = check(options); !checked.ok()) return checked.error();
  const unsigned index = if_nametoindex(options.interfaceName.c_str());
  if (index == 0) {
    return Error::fromErrno(errno, "if_nametoindex", "there is no interface \"" + options.interfaceName + "\"");
  }
  UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0)
    return Error::fromErrno(errno, "socket", "could not open an AF_PACKET socket; it needs CAP_NET_RAW");

  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_IP);
  to.sll_ifindex = static_cast<int>(index);
  to.sll_halen = ETH_ALEN;
  std::memcpy(to.sll_addr, options.destinationMac.data(), ETH_ALEN);

  std::vector<uint8_t> buffers(kVectorSize * options.packetBytes);
  iovec parts[kVectorSize];
  mmsghdr messages[kVectorSize] = {};
  for (size_t i = 0; i < kVectorSize; i++) {
    parts[i] = {buffers.data() + i * options.packetBytes, options.packetBytes};
    messages[i].msg_hdr.msg_name = &to;
    messages[i].msg_hdr.msg_namelen = sizeof to;
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }

  const PacketTemplate packet(options.protocol, options.virtualAddress, options.port, options.packetBytes,
                              options.tcpFlags);
  const uint64_t begin = monotonicNs();
  const uint64_t end = begin + uint64_t{options.durationMs} * 1'000'000;
  FloodResult result;
  uint32_t flow = 0;
  uint64_t now = begin;
  while (result.packets < options.maxPackets && now < end) {
    for (const iovec& part : parts) {
      packet.write(static_cast<uint8_t*>(part.iov_base), flow);
      flow = flow + 1 == options.flows ? 0 : flow + 1;
    }
    for (size_t done = 0; done < kVectorSize;) {
      const int sent = sendmmsg(socket.get(), messages + done, static_cast<unsigned>(kVectorSize - done), 0);
      if (sent < 0 && errno != ENOBUFS && errno != EINTR) {
        return Error::fromErrno(errno, "sendmmsg", "could not send on \"" + options.interfaceName + "\"");
      }
      if (sent < 0) continue;
      done += static_cast<size_t>(sent);
      result.packets += static_cast<size_t>(sent);
    }
    now = monotonicNs();
    if (options.packetsPerSecond != 0) now = sleepUntil(begin + result.packets * kSecondNs / options.packetsPerSecond);
  }
  result.ns = now - begin;
  return result;
}

}  // namespace tunvs::bench
