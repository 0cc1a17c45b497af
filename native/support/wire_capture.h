// Reads the tunnel's packets that arrive at a device, and has a device leave nothing to whoever receives from it: the
// kernel then makes checksums, and cuts packets, before it hands them over.
//
// Thread safety: as the test that uses it.
#pragma once

#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <string>
#include <vector>

#include "io/os/unique_fd.h"
#include "support/network_namespace.h"
#include "support/raw_bytes.h"

namespace tunvs::testing {

inline bool takeOffloads(const std::string& device) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_value off{.cmd = ETHTOOL_STXCSUM, .data = 0};
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&off);
  return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0;
}

class WireCapture {
 public:
  explicit WireCapture(const std::string& device)
      : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL))) {
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ALL);
    at.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
    const int bytes = 8 << 20;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    isReady_ = at.sll_ifindex != 0 && ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  }
  bool isReady() const { return isReady_; }

  // Returns the packets of UDP that have arrived, without their link headers, as soon as there are `count`.
  std::vector<Bytes> datagrams(size_t count) {
    std::vector<Bytes> all;
    (void)eventually([&] {
      Bytes frame(70000);
      for (ssize_t got; (got = ::recv(socket_.get(), frame.data(), frame.size(), 0)) > ETH_HLEN + 20;) {
        uint8_t* const ip = frame.data() + ETH_HLEN;
        if ((ip[0] >> 4 == 6 ? ip[6] : ip[9]) == IPPROTO_UDP) all.emplace_back(ip, frame.data() + got);
      }
      return all.size() >= count;
    });
    return all;
  }

 private:
  UniqueFd socket_;
  bool isReady_ = false;
};

}  // namespace tunvs::testing
