// Which real server a packet would get, and by which rule.
#pragma once

#include <optional>
#include <string_view>

#include "director/config/service_key.h"
#include "director/counters/verdict.h"
#include "packet/rewrite.h"

namespace tunvs {

// What decides.
enum class DecidedBy : uint8_t { nothing, connection, persistence, table, scheduler, datagram, pin };
// `datagram`: the first fragment has decided for the whole datagram. `pin`: a health check has pinned the flow.
inline constexpr std::string_view kDecidedByNames[] = {"nothing",   "connection", "persistence", "table",
                                                       "scheduler", "datagram",   "pin"};

struct Explanation {
  Verdict verdict = Verdict::forwarded;
  DecidedBy by = DecidedBy::nothing;
  std::optional<ServiceKey> service = {};  // that a new connection would belong to; none when an existing one decides
  std::optional<ServerKey> server = {};    // that the packet goes to, is too long for or is about; or that is gone
  std::optional<Endpoints> becomes = {};   // what its own endpoints are changed to (NAT); port 0: it has none
  bool sourceIsOpen = false;               // full NAT will pick a source for `becomes`, and nobody knows which
  std::string_view connectionState = {};   // IPVS's name; of the packet's connection
  bool endsConnection = false;             // the packet's connection would give way to a new one
};

}  // namespace tunvs
