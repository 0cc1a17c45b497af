#include "io/packet/echo_socket.h"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>

#include "io/os/icmp_filter.h"
#include "io/os/socket_address.h"
#include "packet/checksum.h"
#include "packet/icmp.h"

namespace tunvs {
namespace {

constexpr uint32_t kOnlyEchoReplies = ~(1u << icmp4::kEchoReply);
constexpr int kMessagesACall = 64;
constexpr size_t kMaxIpv4HeaderBytes = 60;

IpAddress addressIn(const sockaddr* from) {
  if (from->sa_family == AF_INET) return IpAddress::v4({reinterpret_cast<const sockaddr_in*>(from)->sin_addr.s_addr});
  if (from->sa_family == AF_INET6) return IpAddress::v6(reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr.s6_addr);
  return {};
}

EchoOutcome failed(int error) {
  EchoOutcome outcome;
  outcome.errnoValue = error;
  return outcome;
}

}  // namespace

Result<EchoSocket> EchoSocket::send(const IpAddress& to, uint16_t identifier, uint16_t sequence,
                                    std::span<const uint8_t> payload, Kind kind) {
  EchoSocket echo;
  echo.to_ = to;
  const int family = to.isV4() ? AF_INET : AF_INET6;
  const int protocol = to.isV4() ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  if (kind == Kind::any) echo.socket_.reset(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!echo.socket_) {
    echo.isRaw_ = true;
    echo.socket_.reset(::socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  }
  if (!echo.socket_) {
    return Error::fromErrno(
        errno, "socket", "can't ping: it needs CAP_NET_RAW, or a group of this process in net.ipv4.ping_group_range");
  }
  echo.request_.resize(kIcmpHeaderBytes + payload.size());
  echo.request_[0] = to.isV4() ? icmp4::kEchoRequest : icmp6::kEchoRequest;
  storeBe16(&echo.request_[4], identifier);
  storeBe16(&echo.request_[6], sequence);
  std::copy(payload.begin(), payload.end(), echo.request_.begin() + kIcmpHeaderBytes);
  echo.room_.resize(kMaxIpv4HeaderBytes + echo.request_.size() + 1);
  if (auto done = echo.prepare(); !done) return done.error();
  if (auto done = echo.connect(); !done) return done.error();
  if (auto done = echo.transmit(); !done) return done.error();
  return echo;
}

Result<void> EchoSocket::prepare() {
  const int on = 1;
  const int level = to_.isV4() ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
  // Without it, a host or net that is unreachable is no error to the socket.
  if (::setsockopt(socket_.get(), level, to_.isV4() ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on) != 0)
    return Error::fromErrno(errno, "setsockopt", "can't read ICMP errors about a ping");
  if (!isRaw_) return {};
  int refused;
  if (to_.isV4()) {
    refused = filterIcmp4(socket_.get(), kOnlyEchoReplies);
  } else {
    icmp6_filter wanted;
    ICMP6_FILTER_SETBLOCKALL(&wanted);
    ICMP6_FILTER_SETPASS(icmp6::kEchoReply, &wanted);
    refused = ::setsockopt(socket_.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &wanted, sizeof wanted);
  }
  if (refused != 0) return Error::fromErrno(errno, "setsockopt", "can't filter an ICMP socket");
  return {};
}

Result<void> EchoSocket::connect() {
  sockaddr_storage storage{};
  const socklen_t length = toSocketAddress(storage, to_);
  const auto* to = reinterpret_cast<const sockaddr*>(&storage);
  if (::connect(socket_.get(), to, length) != 0)
    return Error::fromErrno(errno, "connect", "can't ping " + toString(to_));
  if (isRaw_) return {};
  // The kernel's identifier of a datagram socket stands where others have a port.
  socklen_t room = sizeof storage;
  if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &room) != 0)
    return Error::fromErrno(errno, "getsockname", "can't ping " + toString(to_));
  const uint16_t identifier = to_.isV4() ? reinterpret_cast<const sockaddr_in&>(storage).sin_port
                                         : reinterpret_cast<const sockaddr_in6&>(storage).sin6_port;
  if (identifier != 0) std::memcpy(&request_[4], &identifier, 2);
  return {};
}

Result<void> EchoSocket::transmit() {
  if (isRaw_ && to_.isV4()) {
    const Be16 check = checksum(request_.data(), request_.size());
    std::memcpy(&request_[2], &check.raw, 2);
  }
  const ssize_t sent =
      retryOnInterrupt([&] { return ::send(socket_.get(), request_.data(), request_.size(), MSG_NOSIGNAL); });
  if (sent < 0) return Error::fromErrno(errno, "send", "can't ping " + toString(to_));
  return {};
}

bool EchoSocket::isAnswer(std::span<const uint8_t> message) const {
  const uint8_t type = to_.isV4() ? icmp4::kEchoReply : icmp6::kEchoReply;
  return message.size() == request_.size() && message[0] == type && message[1] == 0 &&
         std::equal(message.begin() + 4, message.end(), request_.begin() + 4);
}

bool EchoSocket::isRequest(std::span<const uint8_t> quoted) const {
  return quoted.size() >= kIcmpHeaderBytes && quoted[0] == request_[0] &&
         std::equal(request_.begin() + 4, request_.begin() + kIcmpHeaderBytes, quoted.begin() + 4);
}

std::optional<EchoOutcome> EchoSocket::receive() {
  for (int messages = 0; messages < kMessagesACall; messages++) {
    bool isEmpty = false;
    if (auto outcome = readMessage(isEmpty)) return outcome;
    if (auto outcome = readError()) return outcome;
    if (isEmpty) return std::nullopt;
  }
  return std::nullopt;
}

// The error of a read is that of some ICMP error, which may be about the ping of another. readError() knows.
std::optional<EchoOutcome> EchoSocket::readMessage(bool& isEmpty) {
  const ssize_t got = retryOnInterrupt([&] { return ::recv(socket_.get(), room_.data(), room_.size(), 0); });
  if (got < 0) {
    isEmpty = errno == EAGAIN || errno == EWOULDBLOCK;
    return std::nullopt;
  }
  std::span<const uint8_t> message(room_.data(), static_cast<size_t>(got));
  if (isRaw_ && to_.isV4()) {
    const size_t header = message.empty() ? 0 : (message[0] & 15u) * 4u;
    if (message.size() < header) return std::nullopt;
    message = message.subspan(header);
  }
  if (!isAnswer(message)) return std::nullopt;
  EchoOutcome outcome;
  outcome.isAnswered = true;
  return outcome;
}

std::optional<EchoOutcome> EchoSocket::readError() {
  alignas(cmsghdr) uint8_t control[256];
  iovec data{room_.data(), room_.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = retryOnInterrupt([&] { return ::recvmsg(socket_.get(), &message, MSG_ERRQUEUE); });
  if (got < 0) return std::nullopt;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    const bool isError = (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR) ||
                         (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_RECVERR);
    if (!isError || each->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) continue;
    sock_extended_err error;
    std::memcpy(&error, CMSG_DATA(each), sizeof error);
    if (error.ee_origin == SO_EE_ORIGIN_LOCAL) return failed(static_cast<int>(error.ee_errno));
    if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
    if (!isRequest({room_.data(), static_cast<size_t>(got)})) continue;
    EchoOutcome outcome = failed(static_cast<int>(error.ee_errno));
    outcome.isIcmp = true;
    outcome.type = error.ee_type;
    outcome.code = error.ee_code;
    sockaddr_storage from{};
    const size_t length = each->cmsg_len - CMSG_LEN(sizeof error);
    std::memcpy(&from, CMSG_DATA(each) + sizeof error, std::min(length, sizeof from));
    outcome.from = addressIn(reinterpret_cast<const sockaddr*>(&from));
    return outcome;
  }
  return std::nullopt;
}

}  // namespace tunvs
