#include "core/inet.h"

#include "support/testing.h"

namespace tunvs::inet_test {
namespace {

TEST("addresses are read and written in their shortest form") {
  const struct {
    const char* text;
    const char* canonical;
  } table[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // RFC 5952 4.2.2: one zero field is not shortened
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // 4.2.3: the longest run
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
  };
  for (const auto& row : table) {
    const auto parsed = parseIpAddress(row.text);
    if (CHECK(parsed.ok())) CHECK_EQ(toString(parsed.value()), row.canonical);
  }
}

TEST("an address knows its family") {
  CHECK(parseIpAddress("10.0.0.1").value().isV4());
  CHECK(parseIpAddress("::ffff:10.0.0.1").value().family == Family::ipv6);
}

TEST("text that is no address is refused, and the refusal quotes it") {
  for (const char* text : {"", " ", "10.0.0", "10.0.0.1 ", "10.0.0.256", "10.0.0.1/24", "10.0.0.1:80", "010.0.0.1",
                           "0x0a.0.0.1", "1.2.3.4.5", "::1%lo", "[::1]", "1::2::3", "12345::", "localhost"}) {
    const auto parsed = parseIpAddress(text);
    CHECK(!parsed.ok());
    if (parsed.ok()) continue;
    CHECK(parsed.error().code == ErrorCode::invalidArgument);
    CHECK(parsed.error().message.find(std::string("'") + text + "'") != std::string::npos);
  }
}

TEST("an address with something behind a NUL is refused") {
  CHECK(!parseIpAddress(std::string_view("10.0.0.1\0.example", 17)).ok());
  CHECK(!parseIpAddress(std::string_view("10.0.0.1\0", 9)).ok());
  CHECK(!parseIpAddress(std::string_view("::1\0\0", 5)).ok());
}

TEST("the bytes of an address stay in network order") {
  const IpAddress a = IpAddress::v4(192, 0, 2, 1);
  CHECK_EQ(a.asV4().host(), 0xc0000201u);
  CHECK_EQ(a.bytes[0], 192);
  CHECK(a == IpAddress::v4(Be32::from(0xc0000201)));
  CHECK(a < IpAddress::v4(192, 0, 2, 2));
  uint8_t sixteen[16] = {192, 0, 2, 1};
  CHECK(!(IpAddress::v6(sixteen) == a));
}

TEST("numbers are converted to the wire and back") {
  CHECK_EQ(Be16::from(0x1234).host(), 0x1234);
  CHECK_EQ(Be32::from(0x12345678).host(), 0x12345678u);
  uint8_t bytes[5] = {};
  storeBe16(bytes + 1, 0x0102);
  CHECK_EQ(bytes[1], 1);
  CHECK_EQ(bytes[2], 2);
  CHECK_EQ(loadBe16(bytes + 1), 0x0102);
  storeBe32(bytes + 1, 0x01020304);
  CHECK_EQ(bytes[1], 1);
  CHECK_EQ(loadBe32(bytes + 1), 0x01020304u);
}

TEST("isUnicast() knows which addresses can be a VIP, a RIP or a DIP") {
  const struct {
    const char* text;
    bool unicast;
  } table[] = {
      {"0.0.0.0", false},   {"0.1.2.3", false},     {"1.0.0.0", true},    {"126.255.255.255", true},
      {"127.0.0.1", false}, {"127.255.0.1", false}, {"128.0.0.1", true},  {"223.255.255.255", true},
      {"224.0.0.1", false}, {"239.1.1.1", false},   {"240.0.0.1", false}, {"255.255.255.255", false},
      {"::", false},        {"::1", false},         {"::2", true},        {"2001:db8::1", true},
      {"ff02::1", false},   {"fe80::1", true},      {"100::", true},
  };
  for (const auto& row : table) {
    if (isUnicast(parseIpAddress(row.text).value()) != row.unicast)
      testing::fail(__FILE__, __LINE__, std::string(row.text) + " was misjudged");
  }
}

}  // namespace
}  // namespace tunvs::inet_test
