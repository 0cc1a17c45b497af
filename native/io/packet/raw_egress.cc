#include "io/packet/raw_egress.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "io/os/socket_buffer.h"
#include "packet/packet_vector.h"

namespace tunvs {
namespace {

// The outer header decides which socket a packet needs; the next hop may be of the other family.
Family familyOf(const OutputPacket& packet) {
  return packet.length > 0 && packet.data[0] >> 4 == 6 ? Family::ipv6 : Family::ipv4;
}

Result<UniqueFd> openRawSocket(int family) {
  // With IPPROTO_RAW the packets include their headers, and the socket never receives anything.
  UniqueFd fd(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
  if (!fd) {
    const int error = errno;
    if (error == EPERM || error == EACCES) {
      return Error{ErrorCode::permission, "a raw socket needs CAP_NET_RAW: run as root or give the capability", error,
                   "socket"};
    }
    return Error::fromErrno(error, "socket", "can't open a raw socket");
  }
  raiseSendBuffer(fd.get());
  return fd;
}

}  // namespace

Result<std::unique_ptr<RawEgress>> RawEgress::open(SendMany sendMany) {
  auto ipv4 = openRawSocket(AF_INET);
  if (!ipv4) return ipv4.error();
  auto ipv6 = openRawSocket(AF_INET6);
  return std::unique_ptr<RawEgress>(
      new RawEgress(std::move(ipv4).value(), ipv6.ok() ? std::move(ipv6).value() : UniqueFd(), sendMany));
}

SendResult RawEgress::send(std::span<const OutputPacket> packets) {
  SendResult result;
  while (!packets.empty()) {
    const Family family = familyOf(packets[0]);
    size_t run = 1;
    while (run < packets.size() && run < kVectorSize && familyOf(packets[run]) == family) run++;
    sendRun(family, packets.first(run), result);
    packets = packets.subspan(run);
  }
  return result;
}

void RawEgress::sendRun(Family family, std::span<const OutputPacket> packets, SendResult& result) {
  const UniqueFd& socket = family == Family::ipv4 ? ipv4_ : ipv6_;
  if (!socket) {
    result.noRoute += packets.size();
    return;
  }
  mmsghdr messages[kVectorSize];
  iovec parts[kVectorSize];
  union {
    sockaddr_in ipv4;
    sockaddr_in6 ipv6;
  } addresses[kVectorSize];

  size_t count = 0;
  for (const OutputPacket& packet : packets) {
    const size_t headerBytes = family == Family::ipv4 ? 20 : 40;
    if (packet.length < headerBytes) {
      result.failed++;
      continue;
    }
    msghdr& message = messages[count].msg_hdr;
    message = {};
    // For direct routing the next hop is not the packet's destination, and the kernel routes by the address given here.
    const bool isSameFamily = packet.nextHop.family == family;
    if (family == Family::ipv4) {
      sockaddr_in& to = addresses[count].ipv4;
      to = {};
      to.sin_family = AF_INET;
      std::memcpy(&to.sin_addr, isSameFamily ? packet.nextHop.bytes.data() : packet.data + 16, 4);
      message.msg_namelen = sizeof to;
    } else {
      sockaddr_in6& to = addresses[count].ipv6;
      to = {};
      to.sin6_family = AF_INET6;
      std::memcpy(&to.sin6_addr, isSameFamily ? packet.nextHop.bytes.data() : packet.data + 24, 16);
      message.msg_namelen = sizeof to;
    }
    message.msg_name = &addresses[count];
    parts[count] = {packet.data, packet.length};
    message.msg_iov = &parts[count];
    message.msg_iovlen = 1;
    count++;
  }
  sendEach(socket.get(), {messages, count}, result, sendMany_);
}

}  // namespace tunvs
