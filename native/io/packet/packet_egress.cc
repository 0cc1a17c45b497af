#include "io/packet/packet_egress.h"

#include <linux/if_ether.h>

#include <cstddef>
#include <cstring>

#include "io/os/coarse_clock.h"
#include "io/os/socket_buffer.h"

namespace tunvs {
namespace {

constexpr uint64_t kSlotLifeMs = 1000;
constexpr size_t kEthernetBytes = 14;
static_assert(kHeadroom >= kEthernetBytes);

}  // namespace

Result<std::unique_ptr<PacketEgress>> PacketEgress::open(std::shared_ptr<NextHopResolver> resolver,
                                                         const PacketEgressOptions& options) {
  // With protocol 0 the socket never receives anything.
  UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    const int error = errno;
    if (error == EPERM || error == EACCES) {
      return Error{ErrorCode::permission, "a packet socket needs CAP_NET_RAW: run as root or give the capability",
                   error, "socket"};
    }
    if (error == EAFNOSUPPORT) {
      return Error{ErrorCode::unsupported,
                   "this kernel has no packet sockets (CONFIG_PACKET): use the raw or tun egress", error, "socket"};
    }
    return Error::fromErrno(error, "socket", "can't open a packet socket");
  }
  raiseSendBuffer(socket.get());
  if (options.bypassesQdisc) {
    const int on = 1;
    if (::setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0) {
      return Error::fromErrno(errno, "setsockopt", "can't bypass the queueing discipline (needs Linux 3.14)");
    }
  }
  resolver->resolveNeighbours();
  auto raw = RawEgress::open();
  if (!raw) return raw.error();
  std::unique_ptr<PacketEgress> egress(
      new PacketEgress(std::move(socket), std::move(raw).value(), std::move(resolver)));
  if (options.sendsTrains) {
    // A kernel that has no virtio headers for packet sockets gets segments.
    if (auto trains = TrainSocket::open(options.bypassesQdisc, options.sendTrain))
      egress->trains_ = std::move(trains).value();
  }
  return egress;
}

PacketEgress::PacketEgress(UniqueFd socket, std::unique_ptr<RawEgress> raw, std::shared_ptr<NextHopResolver> resolver)
    : socket_(std::move(socket)), raw_(std::move(raw)), resolver_(std::move(resolver)), slots_(kSets * kWays) {
  for (size_t i = 0; i < kVectorSize; i++) {
    addresses_[i].sll_family = AF_PACKET;
    msghdr& message = messages_[i].msg_hdr;
    message.msg_name = &addresses_[i];
    message.msg_namelen = sizeof addresses_[i];
    message.msg_iov = &parts_[i];
    message.msg_iovlen = 1;
  }
}

const PacketEgress::Slot& PacketEgress::slotFor(const IpAddress& nextHop, uint64_t generation, uint64_t nowMs) {
  Slot* const set = &slots_[IpAddressHash{}(nextHop) % kSets * kWays];
  Slot* oldest = set;
  for (Slot* slot = set; slot < set + kWays; slot++) {
    if (slot->nextHop == nextHop) {
      if (slot->generation == generation && nowMs < slot->expiresMs) return *slot;
      oldest = slot;
      break;
    }
    if (slot->expiresMs < oldest->expiresMs) oldest = slot;
  }
  const auto hop = resolver_->find(nextHop);
  // `generation` was read before find(). If the answer is newer, the slot is looked up once more than needed, but never
  // too late.
  *oldest = {nextHop, generation, nowMs + kSlotLifeMs, hop.has_value(), hop.value_or(LinkHop{})};
  return *oldest;
}

SendResult PacketEgress::send(std::span<const OutputPacket> packets) {
  SendResult result;
  while (!packets.empty()) {
    const size_t count = std::min(packets.size(), kVectorSize);
    sendVector(packets.first(count), result);
    packets = packets.subspan(count);
  }
  return result;
}

void PacketEgress::sendWhole(const OutputPacket& packet, uint64_t generation, uint64_t nowMs, SendResult& result) {
  const size_t all = Segmenter(packet).count();
  if (all == 0) {
    result.failed++;
    return;
  }
  result.segmentsMade += all;
  const Slot& slot = slotFor(packet.nextHop, generation, nowMs);
  const bool triesTrains = slot.isResolved && trains_ != nullptr;
  const size_t done = triesTrains ? trains_->send(packet, slot.hop, result) : 0;
  if (done == all) return;
  // The segments that went in trains are made once more and left out.
  const size_t sentBefore = result.sent;
  size_t index = 0;
  SegmentBurst burst(room_, [&](std::span<const OutputPacket> segments) {
    const size_t skipped = std::min(segments.size(), done - std::min(done, index));
    index += segments.size();
    if (skipped < segments.size()) sendVector(segments.subspan(skipped), result);
  });
  burst.addFinished(packet);
  burst.flush();
  if (triesTrains && result.sent - sentBefore == all - done) trains_->segmentsWent();
}

void PacketEgress::sendVector(std::span<const OutputPacket> packets, SendResult& result) {
  const uint64_t nowMs = coarseNowMs();
  const uint64_t generation = resolver_->generation();
  OutputPacket rest[kVectorSize];
  size_t restCount = 0;
  size_t frameCount = 0;
  for (const OutputPacket& packet : packets) {
    if (!packet.offload.isNone()) [[unlikely]] {
      // What came before goes first.
      sendEach(socket_.get(), std::span(messages_).first(std::exchange(frameCount, 0)), result);
      sendWhole(packet, generation, nowMs, result);
      continue;
    }
    const Slot& slot = slotFor(packet.nextHop, generation, nowMs);
    if (!slot.isResolved || (packet.length > slot.hop.pathMtu && packet.length <= slot.hop.linkMtu)) {
      rest[restCount++] = packet;
      continue;
    }
    if (packet.length > slot.hop.linkMtu) {
      result.tooLong++;
      continue;
    }
    const uint16_t etherType = packet.data[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
    uint8_t* const frame = packet.data - kEthernetBytes;
    std::memcpy(frame, slot.hop.destination.data(), sizeof(MacAddress));
    std::memcpy(frame + 6, slot.hop.source.data(), sizeof(MacAddress));
    storeBe16(frame + 12, etherType);
    addresses_[frameCount].sll_ifindex = slot.hop.interfaceIndex;
    addresses_[frameCount].sll_protocol = Be16::from(etherType).raw;
    parts_[frameCount] = {frame, packet.length + kEthernetBytes};
    frameCount++;
  }
  sendEach(socket_.get(), std::span(messages_).first(frameCount), result);
  if (restCount == 0) return;
  const SendResult ofRest = raw_->send({rest, restCount});
  result.sent += ofRest.sent;
  result.noBuffer += ofRest.noBuffer;
  result.noRoute += ofRest.noRoute;
  result.tooLong += ofRest.tooLong;
  result.failed += ofRest.failed;
}

}  // namespace tunvs
