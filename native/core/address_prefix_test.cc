#include "core/address_prefix.h"

#include "support/packet_builder.h"
#include "support/testing.h"

namespace tunvs::address_prefix_test {
namespace {

using testing::address;

AddressPrefix prefix(std::string_view text) { return parseAddressPrefix(text).value(); }

TEST("a prefix holds its range to the bit, and no address of the other family") {
  struct Row {
    const char* prefix;
    const char* first;
    const char* last;
    const char* before;
    const char* behind;
  };
  const Row rows[] = {
      {"10.2.1.16/28", "10.2.1.16", "10.2.1.31", "10.2.1.15", "10.2.1.32"},
      {"10.2.0.0/16", "10.2.0.0", "10.2.255.255", "10.1.255.255", "10.3.0.0"},
      {"10.2.0.2", "10.2.0.2", "10.2.0.2", "10.2.0.1", "10.2.0.3"},
      {"2001:db8::/33", "2001:db8::", "2001:db8:7fff:ffff::1", "2001:db7:ffff::1", "2001:db8:8000::"},
      {"2001:db8::2", "2001:db8::2", "2001:db8::2", "2001:db8::1", "2001:db8::3"},
  };
  for (const Row& row : rows) {
    const AddressPrefix range = prefix(row.prefix);
    CHECK(range.contains(address(row.first)));
    CHECK(range.contains(address(row.last)));
    CHECK(!range.contains(address(row.before)));
    CHECK(!range.contains(address(row.behind)));
    CHECK_EQ(toString(range), row.prefix);
  }
  CHECK(prefix("0.0.0.0/0").contains(address("255.1.2.3")));
  CHECK(!prefix("0.0.0.0/0").contains(address("::1")));
  CHECK(!prefix("::/0").contains(address("10.0.0.1")));
}

TEST("a prefix is written with its length in digits and no bits beyond it") {
  for (const char* text : {"", "/24", "10.2.1.0/", "10.2.1.0/33", "10.2.1.0/-1", "10.2.1.0/2x", "10.2.1.0/24/24",
                           "2001:db8::/129", "10.2.1.0/ 24", "host/24"}) {
    if (!CHECK(!parseAddressPrefix(text).ok())) testing::fail(__FILE__, __LINE__, std::string("for: ") + text);
  }
  const auto refused = parseAddressPrefix("10.2.1.5/24");
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("10.2.1.0/24") != std::string::npos);
}

}  // namespace
}  // namespace tunvs::address_prefix_test
