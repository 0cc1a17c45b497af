// Two directors' threads that are peers of each other, over a kernel's sockets.
#include <chrono>
#include <cstdlib>

#include "engine/sync_backup.h"
#include "engine/sync_master.h"
#include "io/os/coarse_clock.h"
#include "io/os/socket_address.h"
#include "io/os/udp_socket.h"
#include "support/network_namespace.h"
#include "support/sync_peers.h"

namespace tunvs::sync_peers_test {
namespace {

using namespace testing;

constexpr uint16_t kPort = 8848;

DirectorOptions optionsFor(uint32_t connections) {
  DirectorOptions options = TestDirector::defaultOptions();
  options.now = ticksFromMs(coarseNowMs());
  while (options.maxConnections < 2 * connections) options.maxConnections *= 2;
  return options;
}

struct Web : TestDirector {
  explicit Web(uint32_t connections) : TestDirector(optionsFor(connections)) {
    addService();
    for (uint8_t server = 11; server < 15; server++) addServer(server);
  }
};

SyncOptions withPeer(const IpAddress& peer, std::vector<std::string> keys = {"the key of a test, of so many bytes"}) {
  SyncOptions options;
  options.syncid = 7;
  options.port = kPort;
  options.peers = {{peer, kPort}};
  options.keys = std::move(keys);
  return options;
}

bool isCaughtUp(const SyncMaster& master) { return master.peers().at(0).told.state == PeerState::caughtUp; }
bool isCaughtUp(const SyncBackup& backup) { return backup.peers().at(0).heard.isCaughtUp; }

// Has a backup at `at` begin when a master at `from` has connections already.
void transferred(const IpAddress& at, const IpAddress& from) {
  run("ip link set lo up");
  const char* const said = std::getenv("TUNVS_SYNC_CONNECTIONS");
  const uint32_t connections = said == nullptr ? 3000 : static_cast<uint32_t>(std::atoi(said));
  Web told(connections), heard(connections), later(connections);
  for (uint32_t client = 0; client < connections; client++) told.establish(client);
  REQUIRE(CHECK_EQ(told.director.connectionCount(), connections));
  const auto master = SyncMaster::open(told.director, withPeer(at));
  REQUIRE(CHECK(master.ok()));
  CHECK(!isCaughtUp(*master.value()));
  const auto begin = std::chrono::steady_clock::now();
  auto backup = SyncBackup::open(heard.director, withPeer(from));
  REQUIRE(CHECK(backup.ok()));
  // A second one finds the port taken, and says so.
  Web other(1);
  const auto twice = SyncBackup::open(other.director, withPeer(from));
  REQUIRE(CHECK(!twice.ok()));
  CHECK(twice.error().message.find("can't listen at") != std::string::npos);

  const auto bothAreCaughtUp = [&] { return isCaughtUp(*backup.value()) && isCaughtUp(*master.value()); };
  for (int i = 0; i < 12 && !eventually(bothAreCaughtUp); i++) {
  }
  REQUIRE(CHECK(bothAreCaughtUp()));
  if (said != nullptr) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    const PeerTeller::Report sent = master.value()->peers().at(0).told;
    std::printf("%u connections were transferred in %.2f s, by %llu messages, of which %llu were sent again\n",
                connections, passed.count(), static_cast<unsigned long long>(sent.transferred),
                static_cast<unsigned long long>(sent.resent));
  }
  CHECK_EQ(heard.director.connectionCount(), connections);
  CHECK_EQ(backup.value()->counts().outcomes[static_cast<size_t>(SyncOutcome::made)], connections);
  // Packets of those connections go where they went before.
  for (uint32_t client = 0; client < connections; client += connections / 50)
    CHECK_EQ(heard.establish(client), told.establish(client));

  // What comes from there on is told as it comes.
  for (uint32_t client = connections; client < connections + 100; client++) told.establish(client);
  for (uint32_t client = connections; client < connections + 100; client++) told.establish(client);
  CHECK(eventually([&] { return heard.director.connectionCount() == connections + 100; }));
  CHECK(eventually([&] { return master.value()->peers().at(0).told.lagMs == 0; }));

  // A backup that begins anew is told all anew.
  backup.value().reset();
  backup = SyncBackup::open(later.director, withPeer(from));
  REQUIRE(CHECK(backup.ok()));
  for (int i = 0; i < 12 && !eventually(bothAreCaughtUp); i++) {
  }
  CHECK_EQ(later.director.connectionCount(), connections + 100);
  CHECK_EQ(master.value()->peers().at(0).told.transfers, 2);
}

// Sends what no peer has sent, and what was not signed by one.
void refused() {
  run("ip link set lo up && ip address add 127.0.0.2/8 dev lo");
  Web told(100), heard(100);
  for (uint32_t client = 0; client < 100; client++) told.establish(client);
  const auto master =
      SyncMaster::open(told.director, withPeer(IpAddress::v4(127, 0, 0, 1), {"another key of some length"}));
  const auto backup = SyncBackup::open(heard.director, withPeer(IpAddress::v4(127, 0, 0, 1)));
  REQUIRE(CHECK(master.ok() && backup.ok()));
  const auto refusals = [&](SyncRefusal refusal) {
    return backup.value()->counts().refused[static_cast<size_t>(refusal)];
  };
  CHECK(eventually([&] { return refusals(SyncRefusal::sealWrong) > 0; }));

  const UniqueFd stranger(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage at{}, to{};
  const socklen_t length = toSocketAddress(at, IpAddress::v4(127, 0, 0, 2));
  toSocketAddress(to, IpAddress::v4(127, 0, 0, 1), kPort);
  CHECK_EQ(::bind(stranger.get(), reinterpret_cast<const sockaddr*>(&at), length), 0);
  // A message to a group, as IPVS sends it, means nothing here either.
  const Bytes message = writeSync({{webRecord(40000, 11)}}, SyncVersion::v1, 7, 1452).at(0);
  ::sendto(stranger.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&to), length);
  CHECK(eventually([&] { return refusals(SyncRefusal::senderUnknown) == 1; }));
  auto peer = openUdpFor({IpAddress::v4(127, 0, 0, 1), kPort, "", 0});
  REQUIRE(CHECK(peer.ok()));
  ::send(peer.value().get(), message.data(), message.size(), 0);
  CHECK(eventually([&] { return refusals(SyncRefusal::peerCut) == 1; }));
  CHECK_EQ(heard.director.connectionCount(), 0);
  CHECK_EQ(backup.value()->counts().records, 0);
  CHECK(!isCaughtUp(*backup.value()));
}

}  // namespace

TEST_IN_NAMESPACE("a peer that begins late has all connections, and hears of what comes from there on") {
  transferred(IpAddress::v4(127, 0, 0, 1), IpAddress::v4(127, 0, 0, 1));
}

TEST_IN_NAMESPACE("peers speak IPv6 likewise") {
  IpAddress loopback;
  loopback.family = Family::ipv6;
  loopback.bytes[15] = 1;
  transferred(loopback, loopback);
}

TEST_IN_NAMESPACE("a backup answers from the address at which it was spoken to") {
  transferred(IpAddress::v4(127, 0, 0, 2), IpAddress::v4(127, 0, 0, 1));
}

TEST_IN_NAMESPACE("a master needs no way to its peer when it begins, and finds the one that there is later") {
  run("ip link set lo up && ip link add sync0 type veth peer name sync1");
  const IpAddress peer = IpAddress::v4(10, 7, 0, 1);
  Web told(100), heard(100);
  for (uint32_t client = 0; client < 100; client++) told.establish(client);
  const auto master = SyncMaster::open(told.director, withPeer(peer));
  // Its source address changes by the route that comes later.
  const auto backup = SyncBackup::open(heard.director, withPeer(peer));
  REQUIRE(CHECK(master.ok() && backup.ok()));
  run("ip address add 10.7.0.1/24 dev sync0 && ip link set sync0 up && ip link set sync1 up");
  CHECK(eventually([&] { return isCaughtUp(*backup.value()) && isCaughtUp(*master.value()); }));
}

TEST_IN_NAMESPACE("a backup takes nothing from who is no peer, and from a peer without its key") { refused(); }

}  // namespace tunvs::sync_peers_test
