#include "io/tc/tc_hooks.h"

#include "support/go_on_program.h"
#include "support/network_namespace.h"

namespace tunvs::tc_hooks_test {
namespace {

using namespace tunvs::testing;

// Lets every packet go on, and notes where it is to run.
struct Loads {
  explicit Loads(TcWay way)
      : hooks("the program", "tunvs_test", way, [this](TcPlace place) {
          places.push_back(place);
          return loadGoOn();
        }) {}
  std::vector<TcPlace> places;
  TcHooks hooks;

  std::string text() const {
    std::string all;
    for (const TcHook& hook : hooks.list()) {
      all +=
          hook.device + (hook.isIngress ? " in " : " out ") + (hook.isAttached ? "on" : "off: " + hook.reason) + "\n";
    }
    return all;
  }
  std::string mended(TcHooks::Look look = TcHooks::Look::quick) {
    hooks.mend(look);
    return text();
  }
};

// Runs the body once with links, where the kernel has them, and once with filters.
#define TEST_BOTH_WAYS_(sentence, name)                                                        \
  static void TUNVS_TEST_JOIN_(name, Body)(TcWay way);                                         \
  TUNVS_TEST_(sentence, name) {                                                                \
    const auto found = findTcWay("the program");                                               \
    if (!found) SKIP(found.error().message);                                                   \
    for (const TcWay way : {TcWay::link, TcWay::filter}) {                                     \
      if (way == TcWay::link && found.value() != way) continue;                                \
      if (!inNetworkNamespace([&] { TUNVS_TEST_JOIN_(name, Body)(way); })) SKIP(kNoNamespace); \
    }                                                                                          \
  }                                                                                            \
  static void TUNVS_TEST_JOIN_(name, Body)(TcWay way)
#define TEST_BOTH_WAYS(sentence) TEST_BOTH_WAYS_(sentence, TUNVS_TEST_NAME_(__COUNTER__))

TEST_BOTH_WAYS("the program of a place is loaded once, for the link header that the device has") {
  run("ip link add veth0 type veth peer name veth1 && ip tuntap add dev tun0 mode tun");
  Loads l(way);
  for (const auto& [device, isIngress] : {std::pair("veth0", true), {"veth1", true}, {"tun0", true}, {"tun0", false}}) {
    CHECK(l.hooks.attach(device, isIngress).ok());
  }
  CHECK(l.places == (std::vector<TcPlace>{{14, true}, {0, true}, {0, false}}));
  CHECK_EQ(l.text(), "veth0 in on\nveth1 in on\ntun0 in on\ntun0 out on\n");
  l.hooks.clear();
  CHECK_EQ(l.text(), "");
}

TEST_BOTH_WAYS("the program of an ingress is attached again when a device has come back, and goes along with a name") {
  run("ip link add veth0 type veth peer name veth1");
  Loads l(way);
  REQUIRE(l.hooks.attach("veth0", true).ok());
  run("ip link delete veth0");
  CHECK_EQ(l.mended(), "veth0 in off: the program finds no device veth0: name one that is there (ip link)\n");
  run("ip link add veth0 type veth peer name veth1");
  CHECK_EQ(l.mended(), "veth0 in on\n");
  run("ip link set veth0 name other");
  CHECK_EQ(l.mended(), "other in on\n");
  run("ip tuntap add dev veth0 mode tun");  // a stranger has the name now
  CHECK_EQ(l.mended(), "other in on\n");
  run("ip link delete other");
  CHECK_EQ(l.mended(), "veth0 in on\n");
}

TEST_BOTH_WAYS("the program of an egress leaves a stranger alone that has the name of a device that is gone") {
  run("ip tuntap add dev tun0 mode tun");
  Loads l(way);
  REQUIRE(l.hooks.attach("tun0", false).ok());
  run("ip link set tun0 name web0");
  CHECK_EQ(l.mended(), "web0 out on\n");
  run("ip tuntap del dev web0 mode tun && ip tuntap add dev web0 mode tun");
  CHECK_EQ(l.mended(), "web0 out off: the program's device web0 is gone\n");
}

TEST_BOTH_WAYS("the program is attached once, by whatever name, and again when somebody has detached it") {
  run("ip link add veth0 type veth peer name veth1 && ip link property add dev veth0 altname uplink");
  Loads l(way);
  for (const char* name : {"veth0", "uplink", "veth0"}) CHECK(l.hooks.attach(name, true).ok());
  CHECK_EQ(l.text(), "veth0 in on\n");
  CHECK_EQ(l.mended(TcHooks::Look::thorough), "veth0 in on\n");
}

TEST_BOTH_WAYS("a part of a bond or a VRF is refused, and a part of a bridge is not") {
  run("ip link add veth0 type veth peer name veth1 && ip link add br0 type bridge && ip link set veth0 master br0");
  Loads l(way);
  CHECK(l.hooks.attach("veth0", true).ok());
  if (std::system("ip link add vrf0 type vrf table 7 2>/dev/null") != 0) SKIP("needs VRF devices");
  run("ip link set veth1 master vrf0");
  const auto part = l.hooks.attach("veth1", true);
  REQUIRE(!part.ok());
  CHECK_EQ(part.error().message,
           "the program can't read what comes in by veth1: it is a part of vrf0, a vrf, whose routes are its own");
  const auto whole = l.hooks.attach("vrf0", true);
  REQUIRE(!whole.ok());
  CHECK_EQ(whole.error().message,
           "the program can't read what comes in by vrf0: it is a VRF, whose routes are its own");
}

TEST_BOTH_WAYS("a device that is not there, or has another link header, is refused by name") {
  Loads l(way);
  const auto absent = l.hooks.attach("nowhere0", true);
  REQUIRE(!absent.ok());
  CHECK_EQ(absent.error().message, "the program finds no device nowhere0: name one that is there (ip link)");
  const auto loopback = l.hooks.attach("lo", true);
  REQUIRE(!loopback.ok());
  CHECK_EQ(loopback.error().message,
           "the program can't read what comes in by lo: what comes in there was sent by this host itself; name the "
           "device by which clients' packets come");
  CHECK_EQ(l.text(), "");
}

}  // namespace
}  // namespace tunvs::tc_hooks_test
