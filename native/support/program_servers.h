// A director's program knows these services and real servers.
#pragma once

#include <map>
#include <set>

#include "director/config/service_key.h"
#include "support/test_director.h"

namespace tunvs::testing {

inline constexpr size_t kProgramServices = 3;
inline constexpr uint8_t kProgramServers = 6;  // per service, 10.0.0.11 + n
inline const ServiceKey kProgramServiceKeys[kProgramServices] = {
    TestDirector::kWeb, TestDirector::kNames, {IpAddress::v4(192, 0, 2, 11), 80, 6}};

inline ServerKey programServer(const ServiceKey& service, uint8_t number) {
  return {IpAddress::v4(10, 0, 0, static_cast<uint8_t>(11 + number % kProgramServers)), service.port};
}

// Holds, for each service that is configured, the last bytes of its servers' addresses.
using ProgramServers = std::map<ServiceKey, std::set<uint8_t>>;

}  // namespace tunvs::testing
