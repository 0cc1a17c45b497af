// One pass of a worker over a vector of packets, or over what policies have answered: who works, by which services, at
// what time, and where outputs go.
//
// Thread safety: none. Director::process() and resume() make it, and whoever asks what would become of a packet.
#pragma once

#include <optional>

#include "director/config/service_table.h"
#include "director/worker/worker_context.h"
#include "packet/rewrite.h"

namespace tunvs {

class Pin;
class SyncTeller;

struct Pass {
  WorkerContext& worker;
  const ServiceTable* services;  // renewed when an entry names a server that is newer
  Tick now;
  OutputVector& out;
  SyncTeller* sync = nullptr;               // whom to ask whether backups are told of a connection; null: nobody
  Pin* pin = nullptr;                       // of the packet that was last found to be pinned
  std::optional<Endpoints> endpoints = {};  // what those of the packet that was last looked up become, if they change

  const Tunables& tunables() const { return services->tunables(); }
};

}  // namespace tunvs
