#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::rr_test {
namespace {

using testing::TestServers;
using testing::TestService;

TEST("rr takes one server after the other, whatever their weights") {
  TestServers servers({{'C', 1}, {'B', 20}, {'A', 3}});
  TestService service("rr", servers);
  CHECK_EQ(service.picks(9), "CBACBACBA");
}

TEST("rr skips servers of weight 0 and overloaded ones") {
  TestServers servers({{'A', 1}, {'B', 0}, {'C', 1}, {'D', 1}});
  servers.overload('D');
  TestService service("rr", servers);
  CHECK_EQ(service.picks(5), "ACACA");
  servers.overload('D', false);
  CHECK_EQ(service.picks(4), "CDAC");
}

TEST("rr chooses nobody when nobody is eligible, and then goes on where it was") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}});
  TestService service("rr", servers);
  CHECK_EQ(service.picks(2), "AB");
  for (const char name : {'A', 'B', 'C'}) servers.overload(name);
  CHECK_EQ(service.picks(2), "--");
  for (const char name : {'A', 'B', 'C'}) servers.overload(name, false);
  CHECK_EQ(service.picks(3), "CAB");
}

TEST("rr chooses the server chosen last again when it is the only one left") {
  TestServers servers({{'A', 1}, {'B', 1}});
  TestService service("rr", servers);
  CHECK_EQ(service.pick(), 'A');
  servers.overload('B');
  CHECK_EQ(service.picks(3), "AAA");
}

TEST("rr reaches a new server, at the head of the list, when its walk comes round") {
  TestServers servers({{'B', 1}, {'A', 1}});
  TestService service("rr", servers);
  CHECK_EQ(service.pick(), 'B');
  service.change([](TestServers& s) { s.prepend('C', 1); });
  CHECK_EQ(service.picks(4), "ACBA");
}

TEST("rr skips nobody's turn when the server chosen last is removed") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}, {'D', 1}});
  TestService service("rr", servers);
  CHECK_EQ(service.picks(2), "AB");
  service.change([](TestServers& s) { s.remove('B'); });
  CHECK_EQ(service.picks(4), "CDAC");
}

TEST("rr begins at the head when the server chosen last was the first and is removed") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}});
  TestService service("rr", servers);
  CHECK_EQ(service.pick(), 'A');
  service.change([](TestServers& s) { s.remove('A'); });
  CHECK_EQ(service.picks(3), "BCB");
}

TEST("rr steps back over several removed servers, one after the other or at once") {
  for (const bool atOnce : {false, true}) {
    TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}, {'D', 1}});
    TestService service("rr", servers);
    CHECK_EQ(service.picks(3), "ABC");
    if (atOnce) {
      service.change([](TestServers& s) { s.remove('B'), s.remove('C'); });
    } else {
      service.change([](TestServers& s) { s.remove('C'); });
      service.change([](TestServers& s) { s.remove('B'); });
    }
    CHECK_EQ(service.picks(3), "DAD");
  }
}

TEST("rr keeps its place when another server is removed or edited") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}, {'D', 1}});
  TestService service("rr", servers);
  CHECK_EQ(service.picks(2), "AB");
  service.change([](TestServers& s) { s.remove('A'); });
  service.change([](TestServers& s) { s.setWeight('B', 7); });
  CHECK_EQ(service.picks(4), "CDBC");
}

TEST("rr begins at the head again after the last server was removed and others were added") {
  TestServers servers({{'A', 1}});
  TestService service("rr", servers);
  CHECK_EQ(service.pick(), 'A');
  service.change([](TestServers& s) { s.remove('A'); });
  service.change([](TestServers& s) { s.prepend('B', 1); });
  service.change([](TestServers& s) { s.prepend('C', 1); });
  CHECK_EQ(service.picks(3), "CBC");
}

}  // namespace
}  // namespace tunvs::rr_test
