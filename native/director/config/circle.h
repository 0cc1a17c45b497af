// Finds real servers whose packets would come back to the director: their address is a virtual one, which the host
// routes to the director's device whole, whatever the ports of its services, and the packets to them are rewritten, so
// that the host routes them by this address. Each would go round until its TTL has ended.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "core/result.h"
#include "director/config/mark_rule.h"
#include "director/config/operations.h"
#include "director/config/service_view.h"

namespace tunvs {

struct Circle {
  ServiceKey service;  // of the real server
  ServerKey server;
  ServiceKey at;  // whose virtual address it is; of a mark, that of a rule of the mark

  Error error() const;
  // Returns the index of the last operation without which there would be no such circle.
  size_t madeBy(std::span<const Operation> operations) const;
};

std::optional<Circle> findCircle(std::span<const std::shared_ptr<const ServiceView>> services,
                                 std::span<const MarkRule> marks);

}  // namespace tunvs
