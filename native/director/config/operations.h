// The operations that a transaction may hold.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "director/config/mark_rule.h"
#include "director/config/policy.h"
#include "director/config/service_config.h"
#include "director/config/service_key.h"

namespace tunvs {

struct AddService {
  ServiceKey service;
  ServiceConfig config;
};
struct EditService {
  ServiceKey service;
  ServiceConfig config;
};
struct DeleteService {
  ServiceKey service;
};
struct AddServer {
  ServiceKey service;
  ServerKey server;
  ServerConfig config;
  ServerCondition condition = {};
};
struct EditServer {
  ServiceKey service;
  ServerKey server;
  ServerConfig config;
  ServerCondition condition = {};
};
struct DeleteServer {
  ServiceKey service;
  ServerKey server;
};
struct ClearServices {};
// Replaces the rules by which packets get a firewall mark. The first rule that fits counts.
struct SetMarks {
  std::vector<MarkRule> rules;
};
// Brings slow starts up to now; collect() does it by itself.
struct StepSlowStarts {};
// Sets who decides about new connections before the scheduler. Without a table and a connection policy, nobody does.
struct SetPolicy {
  ServiceKey service;
  Policy policy;
};
struct ZeroCounters {
  std::optional<ServiceKey> service;
};
using Operation = std::variant<AddService, EditService, DeleteService, AddServer, EditServer, DeleteServer,
                               ClearServices, SetMarks, StepSlowStarts, SetPolicy, ZeroCounters>;

}  // namespace tunvs
