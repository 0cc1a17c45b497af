#include "io/packet/icmp_queue.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/os/icmp_filter.h"
#include "packet/parse.h"

namespace tunvs {
namespace {

// These pass: destination unreachable, source quench, time exceeded.
constexpr uint32_t kIcmp4Filter = ~(1u << 3 | 1u << 4 | 1u << 11);
constexpr uint8_t kFirstInformational6 = 128;
constexpr uint8_t kHopLimit = 64;  // of the header that is put in front of what an IPv6 raw socket gives

Result<void> filter(int socket, Family family) {
  int failed;
  if (family == Family::ipv4) {
    failed = filterIcmp4(socket, kIcmp4Filter);
  } else {
    icmp6_filter wanted;
    ICMP6_FILTER_SETBLOCKALL(&wanted);
    for (unsigned type = 1; type < kFirstInformational6; type++) ICMP6_FILTER_SETPASS(type, &wanted);
    failed = setsockopt(socket, IPPROTO_ICMPV6, ICMP6_FILTER, &wanted, sizeof wanted);
  }
  if (failed != 0) return Error::fromErrno(errno, "setsockopt", "could not filter an ICMP socket");
  return {};
}

Result<void> bindTo(int socket, const IpAddress& address) {
  sockaddr_storage storage{};
  socklen_t length;
  if (address.isV4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(storage);
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = address.asV4().raw;
    length = sizeof in;
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(storage);
    in.sin6_family = AF_INET6;
    std::memcpy(&in.sin6_addr, address.bytes.data(), 16);
    length = sizeof in;
  }
  if (bind(socket, reinterpret_cast<sockaddr*>(&storage), length) != 0) {
    return Error::fromErrno(errno, "bind", "could not listen for ICMP errors to " + toString(address));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<IcmpQueue>> IcmpQueue::open(const IpAddress& address) {
  UniqueFd socket(::socket(address.isV4() ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                           address.isV4() ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}));
  if (!socket) {
    return Error::fromErrno(errno, "socket", "could not open a raw ICMP socket (it needs CAP_NET_RAW)");
  }
  if (auto done = filter(socket.get(), address.family); !done) return done.error();
  if (auto done = bindTo(socket.get(), address); !done) return done.error();
  return std::unique_ptr<IcmpQueue>(new IcmpQueue(std::move(socket), address));
}

ssize_t IcmpQueue::receiveIpv4(uint8_t* to, size_t room) {
  return retryOnInterrupt([&] { return recv(socket_.get(), to, room, MSG_TRUNC); });
}

// An IPv6 raw socket does not give the header, so a plain one is put in front.
ssize_t IcmpQueue::receiveIpv6(uint8_t* to, size_t room) {
  sockaddr_in6 from{};
  socklen_t fromLength = sizeof from;
  const ssize_t bytes = retryOnInterrupt([&] {
    return recvfrom(socket_.get(), to + kIpv6HeaderBytes, room - kIpv6HeaderBytes, MSG_TRUNC,
                    reinterpret_cast<sockaddr*>(&from), &fromLength);
  });
  if (bytes < 0) return bytes;
  std::memset(to, 0, kIpv6HeaderBytes);
  to[0] = 0x60;
  storeBe16(to + 4, static_cast<uint16_t>(bytes));
  to[6] = static_cast<uint8_t>(IpProtocol::icmpv6);
  to[7] = kHopLimit;
  std::memcpy(to + 8, &from.sin6_addr, 16);
  std::memcpy(to + 24, address_.bytes.data(), 16);
  return bytes + static_cast<ssize_t>(kIpv6HeaderBytes);
}

Result<size_t> IcmpQueue::receive(PacketVector& vector) {
  vector.reset();
  size_t count = 0;
  // There are as many reads as a vector has places, whatever they bring: a flood of messages that are too long must not
  // keep the worker here.
  for (size_t reads = 0; reads < kVectorSize; reads++) {
    uint8_t* to = vector[count].data;
    const size_t room = vector.maxPacketBytes();
    const ssize_t bytes = address_.isV4() ? receiveIpv4(to, room) : receiveIpv6(to, room);
    if (bytes < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (count != 0) break;  // what was read goes on; if the error lasts, the next call meets it again
      return Error::fromErrno(errno, "recv", "could not read ICMP errors");
    }
    if (static_cast<size_t>(bytes) > room) {
      oversized_++;
      continue;
    }
    vector[count++].length = static_cast<uint32_t>(bytes);
  }
  vector.setCount(count);
  return count;
}

}  // namespace tunvs
