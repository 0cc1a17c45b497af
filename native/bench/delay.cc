#include "bench/delay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "bench/bench_packet.h"
#include "bench/frame_ring.h"
#include "engine/clock.h"
#include "io/os/unique_fd.h"

namespace tunvs::bench {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint32_t kMaxDelayFlows = 1u << 24;
constexpr uint32_t kUdpHeaderBytes = 8;
constexpr uint8_t kIpipProtocol = 4;
constexpr uint64_t kHeldUpNs = 50'000;

constexpr uint32_t kStampAt = kIpv4HeaderBytes + kUdpHeaderBytes;
constexpr uint32_t kMinDelayBytes = kStampAt + sizeof(DelayStamp);

Result<void> check(const DelayOptions& options) {
  const auto invalid = [](const char* message) { return Error::make(ErrorCode::invalidArgument, message); };
  if (!options.virtualAddress.isV4()) return invalid("delay: virtualAddress is an IPv4 address");
  if (options.port == 0) return invalid("delay: port is from 1 to 65535");
  if (options.flows < 1 || options.flows > kMaxDelayFlows) return invalid("delay: flows is from 1 to 2^24");
  if (options.packetBytes < kMinDelayBytes || options.packetBytes > PacketTemplate::kMaxBytes)
    return invalid("delay: packetBytes is from 52 to 1500");
  if (options.packetsPerSecond < 1 || options.packetsPerSecond > 1'000'000)
    return invalid("delay: packetsPerSecond is from 1 to 10^6");
  if (options.durationMs < 1 || options.durationMs > 60'000) return invalid("delay: durationMs is from 1 to 60000");
  return {};
}

Result<unsigned> indexOf(const std::string& name) {
  const unsigned index = if_nametoindex(name.c_str());
  if (index == 0) return Error::fromErrno(errno, "if_nametoindex", "there is no interface \"" + name + "\"");
  return index;
}

Result<UniqueFd> packetSocket(int type, int protocol) {
  UniqueFd socket(::socket(AF_PACKET, type | SOCK_CLOEXEC, htons(static_cast<uint16_t>(protocol))));
  if (socket.get() < 0)
    return Error::fromErrno(errno, "socket", "could not open an AF_PACKET socket; it needs CAP_NET_RAW");
  return socket;
}

sockaddr_ll linkAddress(unsigned index) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = static_cast<int>(index);
  address.sll_halen = ETH_ALEN;
  return address;
}

Result<FrameRing> openRingIn(const std::string& path, const std::string& interfaceName) {
  const UniqueFd own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const UniqueFd other(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (own.get() < 0 || other.get() < 0)
    return Error::fromErrno(errno, "open", "could not open the network namespace \"" + path + "\"");
  if (setns(other.get(), CLONE_NEWNET) != 0)
    return Error::fromErrno(errno, "setns", "could not enter \"" + path + "\"; it needs CAP_SYS_ADMIN");
  auto ring = FrameRing::open(interfaceName);
  if (setns(own.get(), CLONE_NEWNET) != 0)
    return Error::fromErrno(errno, "setns", "could not come back from \"" + path + "\"");
  return ring;
}

class Measurement {
 public:
  Measurement(const DelayOptions& options, int sender, FrameRing& ring, const sockaddr_ll& to)
      : options_(options),
        total_(std::max<uint64_t>(1, uint64_t{options.packetsPerSecond} * options.durationMs / 1000)),
        template_(IpProtocol::udp, options.virtualAddress, options.port, options.packetBytes, 0),
        sender_(sender),
        ring_(ring),
        to_(to),
        packet_(options.packetBytes),
        delays_(total_, kLost) {
    result_.lateness.reserve(total_);
  }

  Result<DelayResult> run() {
    begin_ = monotonicNs();
    uint64_t lastSentAt = begin_;
    for (uint64_t next = 0;;) {
      const uint64_t now = monotonicNs();
      if (next < total_ && now >= due(next)) {
        if (auto sent = send(next++, now); !sent.ok()) return sent.error();
        lastSentAt = now;
      }
      receive();
      if (next == total_ && (result_.received == result_.sent || now > lastSentAt + kDrainMs * uint64_t{1'000'000}))
        break;
    }
    result_.ns = lastSentAt - begin_;
    std::sort(delays_.begin(), delays_.end());
    std::sort(result_.lateness.begin(), result_.lateness.end());
    result_.delays = std::move(delays_);
    return std::move(result_);
  }

 private:
  uint64_t due(uint64_t number) const { return begin_ + heldUpNs_ + number * kNsPerSecond / options_.packetsPerSecond; }

  static uint32_t shortened(uint64_t ns) { return static_cast<uint32_t>(std::min<uint64_t>(ns, kLost - 1)); }

  // What the interface has no room for is lost.
  Result<void> send(uint64_t number, uint64_t now) {
    template_.write(packet_.data(), static_cast<uint32_t>(number % options_.flows));
    const DelayStamp stamp{begin_, number, now};
    std::memcpy(packet_.data() + kStampAt, &stamp, sizeof stamp);
    const uint64_t late = now - due(number);
    result_.lateness.push_back(shortened(late));
    if (late > kHeldUpNs) heldUpNs_ += late;
    const ssize_t sent = sendto(sender_, packet_.data(), packet_.size(), MSG_DONTWAIT,
                                reinterpret_cast<const sockaddr*>(&to_), sizeof to_);
    if (sent >= 0) {
      result_.sent++;
    } else if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
      return Error::fromErrno(errno, "sendto", "could not send on \"" + options_.interfaceName + "\"");
    }
    return {};
  }

  void receive() {
    const auto packet = ring_.front();
    if (packet.empty()) return;
    const uint64_t now = monotonicNs();
    const auto stamp = readStamp(packet);
    ring_.pop();
    if (!stamp || stamp->begin != begin_ || stamp->number >= total_) return;
    uint32_t& delay = delays_[stamp->number];
    if (delay != kLost) return;
    delay = shortened(now - stamp->sentAt);
    result_.received++;
  }

  const DelayOptions& options_;
  const uint64_t total_;
  const PacketTemplate template_;
  const int sender_;
  FrameRing& ring_;
  const sockaddr_ll to_;
  std::vector<uint8_t> packet_;
  std::vector<uint32_t> delays_;  // by number
  uint64_t begin_ = 0;
  uint64_t heldUpNs_ = 0;  // by how much what is due is later than was planned
  DelayResult result_;
};

}  // namespace

std::optional<DelayStamp> readStamp(std::span<const uint8_t> packet) {
  if (packet.size() >= 2 * kIpv4HeaderBytes && packet[0] == 0x45 && packet[9] == kIpipProtocol)
    packet = packet.subspan(kIpv4HeaderBytes);
  if (packet.size() < kMinDelayBytes || packet[0] != 0x45 || packet[9] != static_cast<uint8_t>(IpProtocol::udp))
    return std::nullopt;
  DelayStamp stamp;
  std::memcpy(&stamp, packet.data() + kStampAt, sizeof stamp);
  return stamp;
}

uint32_t quantile(std::span<const uint32_t> ascending, double share) {
  if (ascending.empty()) return 0;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(ascending.size())));
  return ascending[std::clamp<size_t>(rank, 1, ascending.size()) - 1];
}

Result<DelayResult> measureDelay(const DelayOptions& options) {
  if (auto checked = check(options); !checked.ok()) return checked.error();
  const auto index = indexOf(options.interfaceName);
  if (!index.ok()) return index.error();
  const auto sender = packetSocket(SOCK_DGRAM, 0);
  if (!sender.ok()) return sender.error();
  auto ring = openRingIn(options.receiverNamespace, options.receiverInterface);
  if (!ring.ok()) return ring.error();
  sockaddr_ll to = linkAddress(index.value());
  std::memcpy(to.sll_addr, options.destinationMac.data(), ETH_ALEN);
  return Measurement(options, sender.value().get(), ring.value(), to).run();
}

}  // namespace tunvs::bench
