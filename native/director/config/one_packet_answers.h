// Sees to it that the answers of one-packet services are told apart.
//
// One-packet scheduling leaves no connection behind, so an answer is known by the real server's address and port alone.
// If two services have those, nobody can know whose an answer is, and it would leave in the name of either.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/result.h"
#include "director/config/operations.h"
#include "director/config/service_view.h"

namespace tunvs {

// Tells whether answers of this server, to a client without a connection, leave in the name of this service.
bool answersAlone(const ServiceView& service, const ServerKey& server);

// Checks what `operations` have made of the services. If it fails, `failedAt` is the last operation that had a part in
// it.
Result<void> checkOnePacketAnswers(const std::vector<std::shared_ptr<const ServiceView>>& services,
                                   std::span<const Operation> operations, size_t* failedAt);

}  // namespace tunvs
