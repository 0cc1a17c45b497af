#include "io/packet/tell_neighbours.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <cerrno>
#include <cstring>

#include "io/os/unique_fd.h"
#include "packet/neighbour_news.h"

namespace tunvs {
namespace {

constexpr uint16_t kArpEtherType = 0x0806;
constexpr uint16_t kIpv6EtherType = 0x86dd;

sockaddr_ll addressOf(int interface, Family family) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = Be16::from(family == Family::ipv4 ? kArpEtherType : kIpv6EtherType).raw;
  to.sll_ifindex = interface;
  const HardwareAddress station = heardBy(family);
  to.sll_halen = static_cast<uint8_t>(station.size());
  std::memcpy(to.sll_addr, station.data(), station.size());
  return to;
}

bool sendOne(int fd, const sockaddr_ll& to, std::span<const uint8_t> packet) {
  return ::sendto(fd, packet.data(), packet.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to) >
         0;
}

}  // namespace

Result<uint32_t> tellNeighbours(const NeighbourNews& news) {
  const std::string& name = news.interfaceName;
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name)
    return Error::make(ErrorCode::invalidArgument, "'" + name + "' is no name of an interface");
  // The protocol 0 takes nothing in.
  const UniqueFd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return Error::fromErrno(errno, "socket", "can't make a socket for ARP and neighbour discovery");
  std::memcpy(request.ifr_name, name.data(), name.size());
  if (::ioctl(fd.get(), SIOCGIFINDEX, &request) < 0)
    return Error::fromErrno(errno, "ioctl(SIOCGIFINDEX)", "can't find the interface " + name);
  const int interface = request.ifr_ifindex;
  if (::ioctl(fd.get(), SIOCGIFHWADDR, &request) < 0)
    return Error::fromErrno(errno, "ioctl(SIOCGIFHWADDR)", "can't read the hardware address of " + name);
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) return uint32_t{0};
  HardwareAddress station;
  std::memcpy(station.data(), request.ifr_hwaddr.sa_data, station.size());
  const sockaddr_ll everybody = addressOf(interface, Family::ipv4), nodes = addressOf(interface, Family::ipv6);
  uint32_t sent = 0;
  for (const IpAddress& address : news.addresses) {
    const bool isSent = address.isV4()
                            ? sendOne(fd.get(), everybody, gratuitousArp(address, station))
                            : sendOne(fd.get(), nodes,
                                      unsolicitedAdvertisement(address, news.source == nullptr ? address : *news.source,
                                                               station, news.isRouter));
    if (isSent) sent++;
  }
  return sent;
}

}  // namespace tunvs
