// Which real server a packet would get, and by which rule.
#pragma once

#include <optional>
#include <string_view>

#include "director/config/service_key.h"
#include "director/counters/verdict.h"

namespace tunvs {

// What decides.
enum class DecidedBy : uint8_t { nothing, connection, persistence, table, scheduler, datagram };
// `datagram`: its first fragment has decided for all.
inline constexpr std::string_view kDecidedByNames[] = {"nothing", "connection", "persistence",
                                                       "table",   "scheduler",  "datagram"};

struct Explanation {
  Verdict verdict = Verdict::forwarded;
  DecidedBy by = DecidedBy::nothing;
  std::optional<ServiceKey> service = {};  // that a new connection would be of; none when an old one decides
  std::optional<ServerKey> server = {};    // that it goes to, is too long for or is about; or that is gone
  std::string_view connectionState = {};   // IPVS's name; of the connection that the packet belongs to
  bool endsConnection = false;             // that connection would give way to a new one
};

}  // namespace tunvs
