#include "bench/frame_ring.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>

namespace tunvs::bench {
namespace {

constexpr unsigned kFrameBytes = 256;  // the kernel's header, the link's and kShownBytes
constexpr unsigned kBlockBytes = 1u << 16;
constexpr unsigned kBlocks = 128;
constexpr unsigned kFrames = kBlocks * kBlockBytes / kFrameBytes;
constexpr size_t kRingBytes = size_t{kBlocks} * kBlockBytes;

Error failed(const char* call, const std::string& name) {
  return Error::fromErrno(errno, call, "could not see what comes in on \"" + name + "\"");
}

tpacket2_hdr* header(uint8_t* ring, size_t index) {
  return reinterpret_cast<tpacket2_hdr*>(ring + index * kFrameBytes);
}

}  // namespace

Result<FrameRing> FrameRing::open(const std::string& interfaceName) {
  const unsigned index = if_nametoindex(interfaceName.c_str());
  if (index == 0) return Error::fromErrno(errno, "if_nametoindex", "there is no interface \"" + interfaceName + "\"");
  // It hears nothing before it is bound to the one interface.
  UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return Error::fromErrno(errno, "socket", "could not open an AF_PACKET socket; it needs CAP_NET_RAW");
  const int version = TPACKET_V2;
  if (setsockopt(socket.get(), SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0)
    return failed("setsockopt", interfaceName);
  tpacket_req request{};
  request.tp_block_size = kBlockBytes;
  request.tp_block_nr = kBlocks;
  request.tp_frame_size = kFrameBytes;
  request.tp_frame_nr = kFrames;
  if (setsockopt(socket.get(), SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
    return failed("setsockopt", interfaceName);
  void* const ring = mmap(nullptr, kRingBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket.get(), 0);
  if (ring == MAP_FAILED) return failed("mmap", interfaceName);
  FrameRing made(std::move(socket), static_cast<uint8_t*>(ring));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = static_cast<int>(index);
  if (bind(made.socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed("bind", interfaceName);
  return made;
}

FrameRing::~FrameRing() {
  if (ring_ != nullptr) munmap(ring_, kRingBytes);
}

std::span<const uint8_t> FrameRing::front() const {
  tpacket2_hdr* const frame = header(ring_, next_);
  // The kernel sets the status last.
  const uint32_t status = std::atomic_ref(frame->tp_status).load(std::memory_order_acquire);
  if ((status & TP_STATUS_USER) == 0) return {};
  return {reinterpret_cast<const uint8_t*>(frame) + frame->tp_net, std::min<size_t>(frame->tp_snaplen, kShownBytes)};
}

void FrameRing::pop() {
  assert(!front().empty());
  std::atomic_ref(header(ring_, next_)->tp_status).store(TP_STATUS_KERNEL, std::memory_order_release);
  next_ = next_ + 1 == kFrames ? 0 : next_ + 1;
}

}  // namespace tunvs::bench
