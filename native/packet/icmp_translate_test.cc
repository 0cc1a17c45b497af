#include "packet/icmp_translate.h"

#include "support/testing.h"

namespace tunvs::icmp_translate_test {
namespace {

TEST("an error of the same IP version stays what it is") {
  CHECK(translateIcmpError({3, 2}, Family::ipv4, Family::ipv4) == IcmpKind{3, 2});
  CHECK(translateIcmpError({4, 1}, Family::ipv6, Family::ipv6) == IcmpKind{4, 1});
}

TEST("a client that speaks IPv6 hears of an IPv4 tunnel's errors in ICMPv6") {
  constexpr auto to6 = [](uint8_t type, uint8_t code) {
    return translateIcmpError({type, code}, Family::ipv4, Family::ipv6);
  };
  CHECK(to6(3, 4) == IcmpKind{2, 0});
  CHECK(to6(3, 0) == IcmpKind{1, 3});
  CHECK(to6(3, 1) == IcmpKind{1, 3});
  CHECK(to6(3, 2) == IcmpKind{1, 3});
  CHECK(to6(3, 3) == IcmpKind{1, 4});
  CHECK(to6(3, 9) == IcmpKind{1, 1});
  CHECK(to6(3, 10) == IcmpKind{1, 1});
  CHECK(to6(3, 13) == IcmpKind{1, 1});
  CHECK(to6(11, 0) == IcmpKind{3, 0});
  CHECK(to6(11, 1) == IcmpKind{3, 1});
  CHECK(!to6(4, 0));
  CHECK(!to6(12, 0));
  CHECK(!to6(8, 0));
}

TEST("a client that speaks IPv4 hears of an IPv6 tunnel's errors in ICMPv4") {
  constexpr auto to4 = [](uint8_t type, uint8_t code) {
    return translateIcmpError({type, code}, Family::ipv6, Family::ipv4);
  };
  CHECK(to4(2, 0) == IcmpKind{3, 4});
  CHECK(to4(1, 0) == IcmpKind{3, 1});
  CHECK(to4(1, 1) == IcmpKind{3, 10});
  CHECK(to4(1, 3) == IcmpKind{3, 1});
  CHECK(to4(1, 4) == IcmpKind{3, 3});
  CHECK(to4(1, 5) == IcmpKind{3, 10});
  CHECK(to4(3, 0) == IcmpKind{11, 0});
  CHECK(to4(4, 1) == IcmpKind{3, 2});
  CHECK(!to4(4, 0));
  CHECK(!to4(4, 2));
  CHECK(!to4(128, 0));
}

}  // namespace
}  // namespace tunvs::icmp_translate_test
