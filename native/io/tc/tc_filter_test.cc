#include "io/tc/tc_filter.h"

#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>

#include "support/go_on_program.h"
#include "support/network_namespace.h"

namespace tunvs::tc_filter_test {
namespace {

using namespace tunvs::testing;

// Returns what tc(8) lists at a device, a line for each filter and discipline of clsact.
std::string listed(const std::string& device) {
  const std::string out = "/tmp/tunvs-tc-" + std::to_string(::getpid());
  run("(tc qdisc show dev " + device + "; tc filter show dev " + device + " ingress; tc filter show dev " + device +
      " egress) | grep -Eo 'clsact|ingress ffff:|tunvs_test@' >" + out + " || true");
  std::ifstream file(out);
  std::string text, word;
  while (file >> word) text += (text.empty() ? "" : " ") + word;
  ::unlink(out.c_str());
  return text;
}

std::optional<TcFilter> added(const std::string& device, bool isIngress) {
  auto program = loadGoOn();
  if (!program) return std::nullopt;
  auto filter = TcFilter::add("can't attach", program.value().get(), "tunvs_test",
                              static_cast<int>(::if_nametoindex(device.c_str())), isIngress);
  CHECK(filter.ok());
  return filter ? std::optional(std::move(filter).value()) : std::nullopt;
}

#define REQUIRE_ADDED(filter, device, isIngress) \
  auto filter = added(device, isIngress);        \
  if (!filter) SKIP("needs BPF")

TEST_IN_NAMESPACE("a filter comes with its discipline, and goes without it") {
  run("ip link add veth0 type veth peer name veth1");
  {
    REQUIRE_ADDED(in, "veth0", true);
    CHECK(in->isThere());
    {
      REQUIRE_ADDED(out, "veth0", false);
      CHECK_EQ(listed("veth0"), "clsact tunvs_test@ tunvs_test@");
    }
    CHECK_EQ(listed("veth0"), "clsact tunvs_test@");
    CHECK(in->isThere());
  }
  CHECK_EQ(listed("veth0"), "clsact");
}

TEST_IN_NAMESPACE("a filter is added to a discipline that somebody else has made") {
  run("ip link add veth0 type veth peer name veth1 && tc qdisc add dev veth0 ingress");
  {
    REQUIRE_ADDED(in, "veth0", true);
    CHECK_EQ(listed("veth0"), "ingress ffff: tunvs_test@ tunvs_test@");  // it shows its list for both directions
    auto program = loadGoOn();
    const auto out = TcFilter::add("can't attach", program.value().get(), "tunvs_test",
                                   static_cast<int>(::if_nametoindex("veth0")), false);
    REQUIRE(!out.ok());
    CHECK_EQ(
        out.error().message,
        "can't attach: the device has the queueing discipline 'ingress', which sees nothing that leaves; remove it "
        "(tc qdisc del dev DEVICE ingress)");
  }
  CHECK_EQ(listed("veth0"), "ingress ffff:");
}

TEST_IN_NAMESPACE("a filter that somebody has removed is missed, and one in its place is left alone") {
  run("ip link add veth0 type veth peer name veth1");
  auto in = added("veth0", true);
  if (!in) SKIP("needs BPF");
  run("tc filter del dev veth0 ingress");
  CHECK(!in->isThere());
  const auto other = added("veth0", true);
  in.reset();
  CHECK(other->isThere());
  CHECK_EQ(listed("veth0"), "clsact tunvs_test@");
}

TEST_IN_NAMESPACE("what a killed process leaves is removed by whoever comes next, and the living one's stays") {
  run("ip link add veth0 type veth peer name veth1");
  if (kFewer == 10) SKIP("not under a thread sanitizer, which ends processes of several threads that fork");
  REQUIRE_ADDED(living, "veth0", true);
  int told[2];
  REQUIRE(::pipe(told) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto in = added("veth0", true), out = added("veth0", false);
    const char done = in && out ? 'y' : 'n';
    if (::write(told[1], &done, 1) == 1) ::pause();
    ::_exit(0);
  }
  char done = 0;
  CHECK(::read(told[0], &done, 1) == 1 && done == 'y');
  TcFilter::removeDead("tunvs_test");
  CHECK_EQ(listed("veth0"), "clsact tunvs_test@ tunvs_test@ tunvs_test@");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK_EQ(listed("veth0"), "clsact tunvs_test@ tunvs_test@ tunvs_test@");
  TcFilter::removeDead("tunvs_other");
  TcFilter::removeDead("tunvs_test");
  CHECK_EQ(listed("veth0"), "clsact tunvs_test@");
  CHECK(living->isThere());
  ::close(told[0]);
  ::close(told[1]);
}

}  // namespace
}  // namespace tunvs::tc_filter_test
