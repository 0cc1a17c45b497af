// No real server whose packets are rewritten has a virtual address.
#include "support/nat_director.h"

namespace tunvs::circle_test {
namespace {

using testing::NatDirector;

const IpAddress kAt = IpAddress::v4(10, 0, 0, 11);

ServiceKey service(const IpAddress& address, uint16_t port, uint8_t prefix = kWholeAddress) {
  return {.address = address, .port = port, .protocol = 6, .prefix = prefix};
}

std::string said(const Result<void>& result) { return result ? "" : result.error().message; }
bool isRefused(const Result<void>& result) { return said(result).find("back to the director") != std::string::npos; }

struct Web : NatDirector {
  Web() { addService(); }
  Result<void> add(const ServerKey& server, ForwardingMethod method = ForwardingMethod::nat) {
    return apply(AddServer{kWeb, server, {.tunnel = {.method = method}}});
  }
};

TEST("a server at its own service's address is refused by NAT, whatever its port, and says which two they are") {
  Web t;
  CHECK_EQ(said(t.add({kAt, 80})), "");
  const auto refused = t.add({t.kWeb.address, 8443});
  CHECK(isRefused(refused));
  CHECK(said(refused).starts_with("192.0.2.10:8443 can't be a real server of TCP 192.0.2.10:80 by NAT"));
  CHECK(refused.error().code == ErrorCode::invalidArgument);
  CHECK_EQ(t.rows().at(0).servers.size(), 1u);
}

TEST("so is a service at a server's address, an edit to NAT, and a range of addresses or of a mark around it") {
  Web t;
  CHECK_EQ(said(t.add({kAt, 80})), "");
  CHECK(isRefused(t.apply(AddService{service(kAt, 443), {"rr"}})));
  CHECK(isRefused(t.apply(AddService{service(IpAddress::v4(10, 0, 0, 8), 443, 29), {"rr"}})));
  CHECK_EQ(said(t.apply(AddService{service(IpAddress::v4(10, 0, 0, 0), 443, 29), {"rr"}})), "");
  MarkRule rule;
  rule.mark = 7;
  rule.destination = AddressPrefix{IpAddress::v4(10, 0, 0, 8), 29};
  ServiceKey marked;
  marked.mark = 7;
  CHECK_EQ(said(t.apply(SetMarks{{rule}})), "");
  CHECK(isRefused(t.apply(AddService{marked, {"rr"}})));
  CHECK_EQ(said(t.apply(SetMarks{{}})), "");
  CHECK_EQ(said(t.apply(AddService{marked, {"rr"}})), "");
  CHECK(isRefused(t.apply(SetMarks{{rule}})));
}

TEST("other methods may have a virtual address, until they are edited to NAT") {
  Web t;
  const ServerKey at{t.kWeb.address, 80};
  CHECK_EQ(said(t.add(at, ForwardingMethod::ipip)), "");
  CHECK(isRefused(t.apply(EditServer{t.kWeb, at, t.natConfig()})));
  CHECK_EQ(said(t.apply(EditServer{t.kWeb, at, {.tunnel = {.method = ForwardingMethod::dr}}})), "");
}

TEST("a transaction is judged by what it comes to, and the operation that completes a circle is named") {
  Web t;
  CHECK_EQ(said(t.add({kAt, 80})), "");
  const ServerKey server{kAt, 80};
  CHECK_EQ(said(t.apply(AddService{service(kAt, 80), {"rr"}}, DeleteServer{t.kWeb, server})), "");
  const Operation operations[] = {AddServer{t.kWeb, {IpAddress::v4(10, 0, 0, 12), 80}, {}},
                                  AddServer{t.kWeb, server, t.natConfig()},
                                  AddServer{t.kWeb, {IpAddress::v4(10, 0, 0, 13), 80}, {}}};
  size_t failedAt = 99;
  CHECK(isRefused(t.director.apply(operations, &failedAt)));
  CHECK_EQ(failedAt, 1u);
}

}  // namespace
}  // namespace tunvs::circle_test
