#include "director/config/nat_sources.h"

#include <set>

#include "support/testing.h"

namespace tunvs {
namespace {

NatSources sourcesOf(std::vector<std::string> texts, uint16_t firstPort = 1024, uint16_t lastPort = 65535) {
  const auto sources = NatSources::make(texts, firstPort, lastPort);
  CHECK(sources.ok());
  return sources.value();
}

TEST("the sources of full NAT are each pair once, and pairs that follow each other have different addresses") {
  const NatSources sources = sourcesOf({"10.4.0.8/30", "10.4.0.9", "10.4.0.20"}, 2000, 2009);
  CHECK(sources.capacity(Family::ipv4) == 50);
  CHECK(sources.capacity(Family::ipv6) == 0);
  std::set<std::pair<std::string, uint16_t>> pairs;
  std::string last;
  for (uint64_t i = 0; i < 50; i++) {
    const Endpoint pair = sources.at(Family::ipv4, i);
    const std::string address = toString(pair.address);
    CHECK(address != last);
    CHECK(sources.contains(pair.address));
    CHECK(pair.port.host() >= 2000 && pair.port.host() <= 2009);
    pairs.emplace(last = address, pair.port.host());
  }
  CHECK(pairs.size() == 50);
}

TEST("the sources of full NAT leave out the first address of an IPv6 range, which is its routers' anycast address") {
  const NatSources range = sourcesOf({"2001:db8::c0/126"}, 7, 7);
  CHECK(range.capacity(Family::ipv6) == 3);
  CHECK(toString(range.at(Family::ipv6, 0).address) == "2001:db8::c1");
  // What is sent to it comes to the director all the same.
  CHECK(range.contains(parseIpAddress("2001:db8::c0").value()));
  CHECK(sourcesOf({"2001:db8::c0/127"}, 7, 7).capacity(Family::ipv6) == 2);
  CHECK(sourcesOf({"2001:db8::c0"}, 7, 7).capacity(Family::ipv6) == 1);
}

TEST("the sources of full NAT are up to 256 addresses of a family, and none that is not one host's") {
  CHECK(sourcesOf({"10.4.0.0/24", "2001:db8::/120"}, 7, 7).capacity(Family::ipv4) == 256);
  for (const std::string refused : {"10.4.0.0/23", "224.0.0.0/30", "0.0.0.0", "2001:db8::/64", "ff02::1"})
    CHECK(!NatSources::make(std::vector{refused}).ok());
  CHECK(!NatSources::make(std::vector<std::string>{"10.4.0.0/24", "10.5.0.1"}).ok());
}

}  // namespace
}  // namespace tunvs
