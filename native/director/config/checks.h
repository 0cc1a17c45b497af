// Checks whether a configuration makes sense, and says in a sentence why not.
#pragma once

#include "core/result.h"
#include "director/config/mark_rule.h"
#include "director/config/service_config.h"
#include "director/config/service_key.h"
#include "scheduler/scheduler.h"

namespace tunvs {

// "TCP 192.0.2.1:80", "TCP 192.0.2.0/28:8000-8099", "mark 7 of IPv4".
std::string textOf(const ServiceKey& key);
// "10.0.0.11:80"
std::string textOf(const ServerKey& key);
Error noSuchService(const ServiceKey& key);
Error noSuchServer(const ServiceKey& service, const ServerKey& server);

Result<void> checkServiceKey(const ServiceKey& key);
// Tells whether a service of this name may be configured so. A service on every port has to be persistent when it is
// added, but may be changed later.
Result<void> checkServiceConfig(const ServiceKey& key, const ServiceConfig& config);
Result<void> checkServerConfig(const ServerConfig& config, const ServerCondition& condition);
Result<void> checkMarkRule(const MarkRule& rule);
Result<const Scheduler*> findScheduler(const ServiceConfig& config, size_t servers);

}  // namespace tunvs
