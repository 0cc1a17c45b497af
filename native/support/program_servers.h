// A director's program knows these services and real servers.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "director/config/service_key.h"
#include "support/test_director.h"

namespace tunvs::testing {

inline constexpr size_t kProgramServices = 4;
inline constexpr uint8_t kProgramServers = 6;       // per service, 10.0.0.11 + n
inline constexpr uint8_t kFirstNatServer = 11 + 3;  // this one and those behind it are NAT servers, unless edited
inline const ServiceKey kProgramFtp{IpAddress::v4(192, 0, 2, 12), 21, 6};
// Two of them share their servers' endpoints.
inline const ServiceKey kProgramServiceKeys[kProgramServices] = {
    TestDirector::kWeb, TestDirector::kNames, {IpAddress::v4(192, 0, 2, 11), 80, 6}, kProgramFtp};

inline ServerKey programServer(const ServiceKey& service, uint8_t number) {
  return {IpAddress::v4(10, 0, 0, static_cast<uint8_t>(11 + number % kProgramServers)), service.port};
}

inline bool isProgramServer(const IpAddress& address) {
  const IpAddress first = IpAddress::v4(10, 0, 0, 11);
  return address.isV4() && std::equal(first.bytes.begin(), first.bytes.begin() + 3, address.bytes.begin()) &&
         address.bytes[3] >= 11 && address.bytes[3] < 11 + kProgramServers;
}

// Holds, for each service that is configured, the last bytes of its servers' addresses.
using ProgramServers = std::map<ServiceKey, std::set<uint8_t>>;

}  // namespace tunvs::testing
