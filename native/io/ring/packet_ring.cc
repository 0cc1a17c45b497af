#include "io/ring/packet_ring.h"

#include <linux/if_ether.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>

#include "core/inet.h"
#include "io/os/socket_buffer.h"
#include "packet/packet_vector.h"
#include "packet/vnet_header.h"

namespace tunvs {
namespace {

constexpr uint32_t kRingBytes = 8u << 20;
// What stands in front of a packet in its place: the kernel's headers, the headroom, and those of virtio and the link.
constexpr uint32_t kPlaceFrontBytes = 256;
static_assert(kPlaceFrontBytes >= TPACKET2_HDRLEN + kHeadroom + kVnetHeaderBytes + 32);
constexpr uint32_t kLeastBlockBytes = 1u << 16;

template <typename Value>
bool set(int socket, int option, const Value& value) {
  return ::setsockopt(socket, SOL_PACKET, option, &value, sizeof value) == 0;
}

}  // namespace

Result<std::unique_ptr<PacketRing>> PacketRing::make(uint32_t mtu) {
  UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Error::fromErrno(errno, "socket", "can't open a packet socket for a ring (needs CAP_NET_RAW)");
  const uint32_t frameBytes = std::bit_ceil(kPlaceFrontBytes + std::min<uint32_t>(mtu, 1u << 15));
  tpacket_req request{};
  request.tp_block_size = std::max(frameBytes, kLeastBlockBytes);
  request.tp_block_nr = kRingBytes / request.tp_block_size;
  request.tp_frame_size = frameBytes;
  request.tp_frame_nr = kRingBytes / frameBytes;
  // Longer packets are also queued, whole: a ring of places for the longest would take 32 times as much.
  const bool isSet = set(socket.get(), PACKET_VERSION, int{TPACKET_V2}) &&
                     set(socket.get(), PACKET_RESERVE, uint32_t{kHeadroom}) &&
                     set(socket.get(), PACKET_VNET_HDR, int{1}) && set(socket.get(), PACKET_COPY_THRESH, int{1}) &&
                     set(socket.get(), PACKET_IGNORE_OUTGOING, int{1}) && set(socket.get(), PACKET_RX_RING, request);
  if (!isSet) return Error::fromErrno(errno, "setsockopt", "can't make a ring of packets (needs Linux 4.20)");
  raiseReceiveBuffer(socket.get(), 4 << 20);
  void* const memory = ::mmap(nullptr, kRingBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket.get(), 0);
  if (memory == MAP_FAILED) return Error::fromErrno(errno, "mmap", "can't map a ring of packets");
  return std::unique_ptr<PacketRing>(new PacketRing(std::move(socket), static_cast<uint8_t*>(memory), frameBytes));
}

PacketRing::~PacketRing() { ::munmap(memory_, kRingBytes); }

size_t PacketRing::frames() const { return kRingBytes / frameBytes_; }

Result<void> PacketRing::setFilter(std::span<const sock_filter> program) {
  const sock_fprog given{static_cast<uint16_t>(program.size()), const_cast<sock_filter*>(program.data())};
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &given, sizeof given) == 0) return {};
  return Error::fromErrno(errno, "setsockopt", "can't say what a ring of packets takes");
}

Result<void> PacketRing::bindTo(int interfaceIndex) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = Be16::from(ETH_P_ALL).raw;  // no other socket sees packets before the host's hooks do
  address.sll_ifindex = interfaceIndex;
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
  return Error::fromErrno(errno, "bind", "can't see what comes in by a device");
}

Result<uint16_t> PacketRing::joinGroup(std::optional<uint16_t> group) {
  constexpr uint32_t kIgnoreOutgoing = 0x4000;  // Linux 6.1
  const uint32_t flags = PACKET_FANOUT_HASH | (group ? 0 : PACKET_FANOUT_FLAG_UNIQUEID);
  const uint32_t wanted = group.value_or(0) | flags << 16;
  if (!set(socket_.get(), PACKET_FANOUT, wanted | kIgnoreOutgoing << 16) && !set(socket_.get(), PACKET_FANOUT, wanted))
    return Error::fromErrno(errno, "setsockopt",
                            "can't share packets out over queues; before Linux 6.13 the device has to be up");
  uint32_t given = 0;
  socklen_t length = sizeof given;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_FANOUT, &given, &length) != 0)
    return Error::fromErrno(errno, "getsockopt", "can't share packets out over queues");
  return static_cast<uint16_t>(given);
}

bool PacketRing::isEmpty() const {
  return (std::atomic_ref(header(next_)->tp_status).load(std::memory_order_acquire) & TP_STATUS_USER) == 0;
}

std::optional<PacketRing::Frame> PacketRing::take() {
  tpacket2_hdr* const frame = header(next_);
  // The kernel sets the status last.
  const uint32_t status = std::atomic_ref(frame->tp_status).load(std::memory_order_acquire);
  if ((status & TP_STATUS_USER) == 0) return std::nullopt;
  const size_t after = next_ + 1 == frames() ? 0 : next_ + 1;
  if (after == firstTaken_) return std::nullopt;  // all places are shown
  next_ = after;
  taken_.add(1);
  auto* const start = reinterpret_cast<uint8_t*>(frame);
  const uint32_t linkBytes = static_cast<uint32_t>(frame->tp_net) - frame->tp_mac;
  const auto behindLink = [&](uint32_t bytes) { return bytes - std::min(bytes, linkBytes); };
  return Frame{start + frame->tp_mac, start + frame->tp_net, behindLink(frame->tp_snaplen), behindLink(frame->tp_len),
               (status & TP_STATUS_COPY) != 0};
}

ssize_t PacketRing::readLong(uint8_t* to, size_t room) {
  // A device that was down for a while is told of by an error, once, which takes no packet off the queue.
  for (;;) {
    const auto length = retryOnInterrupt([&] { return ::recv(socket_.get(), to, room, MSG_DONTWAIT | MSG_TRUNC); });
    if (length >= 0 || errno != ENETDOWN) return length;
  }
}

void PacketRing::release() {
  while (firstTaken_ != next_) {
    std::atomic_ref(header(firstTaken_)->tp_status).store(TP_STATUS_KERNEL, std::memory_order_release);
    firstTaken_ = firstTaken_ + 1 == frames() ? 0 : firstTaken_ + 1;
  }
}

void PacketRing::clearError() {
  int error = 0;
  socklen_t length = sizeof error;
  (void)::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
}

uint64_t PacketRing::takeDrops() {
  tpacket_stats stats{};
  socklen_t length = sizeof stats;
  return ::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0 ? stats.tp_drops : 0;
}

}  // namespace tunvs
