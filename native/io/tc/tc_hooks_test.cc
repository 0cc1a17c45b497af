#include "io/tc/tc_hooks.h"

#include "io/tc/bpf_calls.h"
#include "support/network_namespace.h"

namespace tunvs::tc_hooks_test {
namespace {

using namespace tunvs::testing;

// Lets every packet go on, and notes where it is to run.
struct Loads {
  std::vector<TcPlace> places;
  TcHooks hooks{
      "the program", [this](TcPlace place) {
        places.push_back(place);
        constexpr bpf_insn kGoOn[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
        return loadTcProgram("the program", "tunvs_test", kGoOn);
      }};

  std::string text() const {
    std::string all;
    for (const TcHook& hook : hooks.list()) {
      all += hook.device + (hook.isIngress ? " in " : " out ") + (hook.isAttached ? "on" : "off") + "\n";
    }
    return all;
  }
};

#define SKIP_WITHOUT_TCX() \
  if (const auto can = canAttachTcx("the program"); !can) SKIP(can.error().message)

TEST_IN_NAMESPACE("the program of a place is loaded once, for the link header that the device has") {
  SKIP_WITHOUT_TCX();
  run("ip link add veth0 type veth peer name veth1 && ip tuntap add dev tun0 mode tun");
  Loads l;
  for (const auto& [device, isIngress] : {std::pair("veth0", true), {"veth1", true}, {"tun0", true}, {"tun0", false}}) {
    CHECK(l.hooks.attach(device, isIngress).ok());
  }
  CHECK(l.places == (std::vector<TcPlace>{{14, true}, {0, true}, {0, false}}));
  CHECK_EQ(l.text(), "veth0 in on\nveth1 in on\ntun0 in on\ntun0 out on\n");
  l.hooks.clear();
  CHECK_EQ(l.text(), "");
}

TEST_IN_NAMESPACE("the program is attached again when a device has come back") {
  SKIP_WITHOUT_TCX();
  run("ip link add veth0 type veth peer name veth1");
  Loads l;
  REQUIRE(l.hooks.attach("veth0", true).ok());
  run("ip link delete veth0");
  CHECK_EQ(l.text(), "veth0 in off\n");
  l.hooks.mend();
  CHECK_EQ(l.text(), "veth0 in off\n");
  run("ip link add veth0 type veth peer name veth1");
  CHECK_EQ(l.text(), "veth0 in off\n");
  l.hooks.mend();
  CHECK_EQ(l.text(), "veth0 in on\n");
  run("ip link set veth0 name other");  // the program goes on there until somebody says so
  CHECK_EQ(l.text(), "veth0 in off\n");
  run("ip link set other name veth0");
  CHECK_EQ(l.text(), "veth0 in on\n");
}

TEST_IN_NAMESPACE("a device that is not there, or has another link header, is refused by name") {
  SKIP_WITHOUT_TCX();
  Loads l;
  const auto absent = l.hooks.attach("nowhere0", true);
  REQUIRE(!absent.ok());
  CHECK_EQ(absent.error().message, "the program finds no device nowhere0: No such device");
  const auto loopback = l.hooks.attach("lo", true);
  REQUIRE(!loopback.ok());
  CHECK_EQ(loopback.error().message,
           "the program can't read what comes in by lo: it takes Ethernet devices, and those without a link header");
  CHECK_EQ(l.text(), "");
}

}  // namespace
}  // namespace tunvs::tc_hooks_test
