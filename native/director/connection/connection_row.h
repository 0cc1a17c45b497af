// Shows an entry of the table as callers see it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "director/config/service_table.h"
#include "director/connection/entries.h"
#include "packet/rewrite.h"

namespace tunvs {

struct ConnectionRow {
  FlowKey key;       // a template has no client port, and the virtual port 65535 when it is no longer followed
  ServerKey server;  // with its port as IPVS shows it
  std::optional<Endpoint> source;  // what full NAT gives to its packets, by which the server knows it
  std::string_view state;          // IPVS's name
  int64_t expiresMs;               // from now; below 0 when overdue
  bool active;
  bool isTemplate;
  uint32_t controlled;          // a template's connections
  std::string persistenceData;  // what its service's engine knows it by; "": only the client's address
};

ConnectionRow rowOf(const Entries& entries, const Conn& conn, Family family, const ServiceTable& services, Tick now);

}  // namespace tunvs
