// What takes a real server's pairs of full NAT, whichever service it is of.
#include "support/nat_director.h"

namespace tunvs::source_use_test {
namespace {

using testing::NatDirector;

constexpr uint16_t kPairs = 8;

DirectorOptions withFewPairs() {
  DirectorOptions options = NatDirector::defaultOptions();
  const std::vector<std::string> sources = {"10.0.0.200"};
  auto made = NatSources::make(sources, 60000, 60000 + kPairs - 1);
  if (!made) std::abort();
  options.settings.natSources = std::move(made).value();
  return options;
}

const ServiceKey kOther{IpAddress::v4(192, 0, 2, 11), 80, 6};
const ServiceKey kDatagrams{IpAddress::v4(192, 0, 2, 11), 80, 17};

struct Shared : NatDirector {
  Shared() : NatDirector(withFewPairs()) {
    for (const ServiceKey& service : {kWeb, kOther, kDatagrams}) {
      addService("rr", service);
      add(service);
    }
  }
  void add(const ServiceKey& service) {
    ServerConfig config;
    config.tunnel.method = ForwardingMethod::snat;
    addNat(11, 8080, service, config);
  }
  void open(const ServiceKey& service, uint16_t firstClientPort, size_t count) {
    for (size_t i = 0; i < count; i++)
      CHECK_EQ(send(fromClient(static_cast<uint16_t>(firstClientPort + i), kTcpSyn, 0, service)), "11");
  }
  std::vector<uint64_t> inUse() const {
    std::vector<uint64_t> all;
    for (const ServiceRow& service : director.control().rows(now)) {
      for (const ServerRow& server : service.servers) all.push_back(server.sourcePairsInUse);
    }
    return all;
  }
};

TEST("services that have one server share its pairs, and others of its address do not") {
  Shared t;
  t.open(t.kWeb, 40000, 4);
  t.open(kOther, 41000, 4);
  CHECK(t.inUse() == std::vector<uint64_t>({8, 8, 0}));
  CHECK_EQ(t.send(t.fromClient(42000, kTcpSyn)), "dropNoPort");
  CHECK_EQ(t.director.control().row(kOther, t.natServer(11, 8080), t.now)->sourcePairsInUse, 8u);
  CHECK_EQ(t.director.control().row(kOther, t.now)->servers.at(0).sourcePairsInUse, 8u);
}

TEST("a server that was removed keeps the pairs of the connections that it has") {
  Shared t;
  t.open(t.kWeb, 40000, 4);
  t.open(kOther, 41000, 3);
  CHECK(t.apply(DeleteServer{kOther, t.natServer(11, 8080)}).ok());
  CHECK(t.inUse() == std::vector<uint64_t>({7, 0}));
}

TEST("only full NAT takes pairs") {
  Shared t;
  t.addNat(12, 8080);
  CHECK_EQ(t.director.control().row(t.kWeb, t.natServer(12, 8080), t.now)->sourcePairsInUse, 0u);
}

}  // namespace
}  // namespace tunvs::source_use_test
