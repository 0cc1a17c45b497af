#include "io/netlink/netlink_messages.h"

#include <cstring>
#include <vector>

#include "support/testing.h"

namespace tunvs::netlink_messages_test {
namespace {

// Makes messages of these lengths, each but the last padded, with their places as their types.
std::vector<uint8_t> datagramOf(const std::vector<uint32_t>& lengths) {
  std::vector<uint8_t> datagram;
  for (size_t i = 0; i < lengths.size(); i++) {
    nlmsghdr header{};
    header.nlmsg_len = lengths[i];
    header.nlmsg_type = static_cast<uint16_t>(i);
    datagram.resize(NLMSG_ALIGN(datagram.size()));
    const size_t start = datagram.size();
    datagram.resize(start + std::max<size_t>(lengths[i], sizeof header));
    std::memcpy(datagram.data() + start, &header, sizeof header);
  }
  return datagram;
}

struct Visited {
  std::vector<uint32_t> lengths;
  bool isWhole;
};

Visited visit(std::span<const uint8_t> datagram, size_t stopAfter = SIZE_MAX) {
  Visited visited{};
  visited.isWhole = forEachNetlinkMessage(datagram, [&](const nlmsghdr& header, std::span<const uint8_t> message) {
    CHECK_EQ(header.nlmsg_type, visited.lengths.size());
    CHECK_EQ(header.nlmsg_len, message.size());
    visited.lengths.push_back(header.nlmsg_len);
    return visited.lengths.size() < stopAfter;
  });
  return visited;
}

TEST("a netlink datagram is read message by message without padding, whether or not the last one is padded") {
  const std::vector<uint32_t> lengths = {16, 17, 20, 19};
  std::vector<uint8_t> datagram = datagramOf(lengths);
  for (const bool isPadded : {false, true}) {
    if (isPadded) datagram.resize(NLMSG_ALIGN(datagram.size()));
    const Visited visited = visit(datagram);
    CHECK_EQ(visited.lengths, lengths);
    CHECK(visited.isWhole);
  }
  CHECK(visit({}).isWhole);
}

TEST("a netlink datagram is read no further than its reader wants") {
  const Visited visited = visit(datagramOf({16, 16, 16}), 2);
  CHECK_EQ(visited.lengths.size(), 2u);
  CHECK(!visited.isWhole);
}

TEST("a netlink datagram with inconsistent lengths is read up to there, and is not whole") {
  for (const uint32_t wrong : {0u, 15u, 1000u}) {
    auto datagram = datagramOf({20, wrong});
    datagram.resize(40);
    const Visited visited = visit(datagram);
    CHECK_EQ(visited.lengths, (std::vector<uint32_t>{20}));
    CHECK(!visited.isWhole);
  }
  auto cut = datagramOf({20, 16});
  cut.resize(cut.size() - 1);
  CHECK_EQ(visit(cut).lengths.size(), 1u);
  CHECK(!visit(cut).isWhole);
}

}  // namespace
}  // namespace tunvs::netlink_messages_test
