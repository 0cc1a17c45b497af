// What real servers and virtual services have carried, and what of it is shown. Zeroing changes no counter: it notes a
// baseline.
//
// Thread safety: as Control; the counters themselves belong to the workers.
#pragma once

#include <map>
#include <span>

#include "director/config/server_pool.h"
#include "director/config/service_key.h"

namespace tunvs {

struct Traffic {
  uint64_t connections = 0, inPackets = 0, inBytes = 0, outPackets = 0, outBytes = 0, tooBig = 0, fragments = 0;
  uint64_t repeatedOpenings = 0, clientResets = 0, tunnelErrors = 0;
  Traffic& operator+=(const Traffic& other);
  Traffic operator-(const Traffic& other) const;
};

// Servers are named by their ids. A service's servers are those that it has, and those that were removed from it and
// are not forgotten.
class TrafficAccounts {
 public:
  explicit TrafficAccounts(ServerPool& pool) : pool_(pool) {}

  // Returns the traffic since the last zeroing.
  Traffic ofServer(uint32_t id) const;
  Traffic ofService(const ServiceKey& key, std::span<const uint32_t> servers) const;

  // Starts a service at zero, even when servers come back to it with what they had carried.
  void open(const ServiceKey& key, std::span<const uint32_t> servers) { services_[key] = {{}, carried(servers)}; }
  void close(const ServiceKey& key) { services_.erase(key); }
  void zeroService(const ServiceKey& key, std::span<const uint32_t> servers);
  void zeroServer(uint32_t id) { baselines_[id] = carried(id); }
  // Forgets the server; its service keeps what it carried.
  void forget(const ServiceKey& key, uint32_t server);

 private:
  struct Service {
    Traffic departed;  // what forgotten servers had carried
    Traffic baseline;
  };

  Traffic carried(uint32_t id) const;
  Traffic carried(std::span<const uint32_t> servers) const;

  ServerPool& pool_;
  std::map<ServiceKey, Service> services_;
  std::map<uint32_t, Traffic> baselines_;
};

}  // namespace tunvs
