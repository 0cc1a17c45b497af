#include "io/netlink/netlink_exchange.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "io/netlink/netlink_messages.h"

namespace tunvs {

Result<void> NetlinkExchange::send(std::span<uint8_t> request, const std::string& what) {
  const uint32_t sequence = ++sequence_;
  std::memcpy(request.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto sent = retryOnInterrupt([&] {
    return ::sendto(socket_.get(), request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                    sizeof kernel);
  });
  if (sent < 0) return Error::fromErrno(errno, "sendto", "can't ask the kernel about " + what);
  return {};
}

Result<std::span<const uint8_t>> NetlinkExchange::next(const std::string& what) {
  while (true) {
    const auto received = retryOnInterrupt([&] { return ::recv(socket_.get(), answer_.data(), answer_.size(), 0); });
    if (received < 0) return Error::fromErrno(errno, "recv", "can't read the kernel's answer about " + what);
    if (static_cast<size_t>(received) < NLMSG_HDRLEN) continue;
    // Another one answers a question that was given up.
    if (loadUnaligned<nlmsghdr>(answer_.data()).nlmsg_seq == sequence_)
      return std::span<const uint8_t>(answer_.data(), received);
  }
}

Result<std::span<const uint8_t>> NetlinkExchange::ask(std::span<uint8_t> request, const std::string& what) {
  if (auto sent = send(request, what); !sent) return sent.error();
  const auto answer = next(what);
  if (!answer || loadUnaligned<nlmsghdr>(answer.value().data()).nlmsg_type != NLMSG_ERROR) return answer;
  const int error = -loadUnaligned<int32_t>(answer.value().data() + NLMSG_HDRLEN);
  if (error == 0) return std::span<const uint8_t>();  // an acknowledgement
  return Error::fromErrno(error, "netlink", "the kernel's answer about " + what);
}

Result<void> NetlinkExchange::askForAll(std::span<uint8_t> request, const std::string& what,
                                        const std::function<void(std::span<const uint8_t> message)>& visit) {
  if (auto sent = send(request, what); !sent) return sent.error();
  int error = 0;
  for (bool isDone = false; !isDone;) {
    const auto answer = next(what);
    if (!answer) return answer.error();
    forEachNetlinkMessage(answer.value(), [&](const nlmsghdr& header, std::span<const uint8_t> message) {
      isDone = header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR;
      // The end of a list has an error, too.
      if (isDone && message.size() >= NLMSG_HDRLEN + sizeof(int32_t))
        error = -loadUnaligned<int32_t>(message.data() + NLMSG_HDRLEN);
      if (!isDone) visit(message);
      return !isDone;
    });
  }
  if (error != 0) return Error::fromErrno(error, "netlink", "the kernel's answer about " + what);
  return {};
}

}  // namespace tunvs
