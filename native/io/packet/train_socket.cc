#include "io/packet/train_socket.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "io/os/socket_buffer.h"
#include "io/port/send_each.h"
#include "packet/gue_train.h"
#include "packet/vnet_header.h"

namespace tunvs {
namespace {

constexpr size_t kFrontBytes = kVnetHeaderBytes + ETH_HLEN;

// So many trains in a row that were refused as if a queue were full or memory short, while their segments went, were
// refused for being trains. The kernel says ENOMEM when it can't cut a packet for a device, ENOBUFS when it would have
// to but the queueing discipline is bypassed, and ENOBUFS when a discipline has no room for so long a packet ever.
constexpr int kMostInRow = 16;

// Returns true when this kernel cuts no trains, whatever the device.
bool saysNever(int error) { return error == EINVAL || error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT; }

// Returns true when segments may go where a train of them does not: a queue may have room for some of them, and a
// single segment needs less memory. A train without a device, or one that the socket's own buffer is too full for, is
// dropped, as its segments would be.
bool isRefusal(int error) { return saysNever(error) || error == ENOMEM || error == ENOBUFS || error == EMSGSIZE; }

}  // namespace

Result<std::unique_ptr<TrainSocket>> TrainSocket::open(bool bypassesQdisc, SendTo sendTo) {
  UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Error::fromErrno(errno, "socket", "can't open a packet socket (needs CAP_NET_RAW)");
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0) {
    return Error::fromErrno(errno, "setsockopt", "this kernel takes no virtio headers from packet sockets");
  }
  raiseSendBuffer(socket.get());
  if (bypassesQdisc && ::setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0)
    return Error::fromErrno(errno, "setsockopt", "can't bypass the queueing discipline (needs Linux 3.14)");
  return std::unique_ptr<TrainSocket>(new TrainSocket(std::move(socket), sendTo));
}

TrainSocket::TrainSocket(UniqueFd socket, SendTo sendTo)
    : socket_(std::move(socket)), sendTo_(sendTo), room_(std::make_unique<uint8_t[]>(kFrontBytes + kMaxPacketBytes)) {}

size_t TrainSocket::send(const OutputPacket& packet, const LinkHop& hop, SendResult& result) {
  wasRefused_ = false;
  if (!isOn_) return 0;
  GueTrain train(packet);
  if (!train.isPossible() || train.longestBytes() > hop.pathMtu) return 0;
  const bool isV6 = packet.data[0] >> 4 == 6;
  size_t done = 0;
  while (!train.isDone()) {
    const Packet whole = train.next({room_.get() + kFrontBytes, kMaxPacketBytes});
    const int error = sendTrain(whole, hop, isV6);
    if (isRefusal(error)) {
      countRefusal();
      if (saysNever(error)) isOn_ = false;
      return done;
    }
    const size_t count = train.datagrams();
    done += count;
    if (error == 0) {
      result.sent += count;
      inRow_ = 0;
    } else {
      for (size_t i = 0; i < count; i++) countSendError(error, result);
    }
  }
  return done;
}

int TrainSocket::sendTrain(const Packet& train, const LinkHop& hop, bool isV6) {
  const uint16_t etherType = isV6 ? ETH_P_IPV6 : ETH_P_IP;
  uint8_t* const frame = room_.get() + kVnetHeaderBytes;
  std::memcpy(frame, hop.destination.data(), sizeof(MacAddress));
  std::memcpy(frame + 6, hop.source.data(), sizeof(MacAddress));
  storeBe16(frame + 12, etherType);
  writeVnetHeader(frame, train.offload.behind(ETH_HLEN));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = hop.interfaceIndex;
  address.sll_protocol = Be16::from(etherType).raw;
  const ssize_t sent = retryOnInterrupt([&] {
    return sendTo_(socket_.get(), room_.get(), kFrontBytes + train.length, MSG_DONTWAIT | MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&address), sizeof address);
  });
  return sent < 0 ? errno : 0;
}

void TrainSocket::segmentsWent() {
  if (std::exchange(wasRefused_, false) && ++inRow_ == kMostInRow) isOn_ = false;
}

void TrainSocket::countRefusal() {
  wasRefused_ = true;
  refused_.store(refused_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace tunvs
