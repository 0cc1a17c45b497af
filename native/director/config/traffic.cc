#include "director/config/traffic.h"

namespace tunvs {

Traffic& Traffic::operator+=(const Traffic& other) {
  connections += other.connections;
  inPackets += other.inPackets;
  inBytes += other.inBytes;
  outPackets += other.outPackets;
  outBytes += other.outBytes;
  tooBig += other.tooBig;
  fragments += other.fragments;
  repeatedOpenings += other.repeatedOpenings;
  clientResets += other.clientResets;
  tunnelErrors += other.tunnelErrors;
  return *this;
}
Traffic Traffic::operator-(const Traffic& other) const {
  return {connections - other.connections,   inPackets - other.inPackets,
          inBytes - other.inBytes,           outPackets - other.outPackets,
          outBytes - other.outBytes,         tooBig - other.tooBig,
          fragments - other.fragments,       repeatedOpenings - other.repeatedOpenings,
          clientResets - other.clientResets, tunnelErrors - other.tunnelErrors};
}

Traffic TrafficAccounts::carried(uint32_t id) const {
  Traffic sum;
  for (size_t worker = 0; worker < pool_.workers(); worker++) {
    const ServerCounters& counters = pool_.counters(worker, id);
    sum += {counters.connections.read(), counters.packets.read(),          counters.bytes.read(),
            counters.outPackets.read(),  counters.outBytes.read(),         counters.tooBig.read(),
            counters.fragments.read(),   counters.repeatedOpenings.read(), counters.clientResets.read(),
            counters.tunnelErrors.read()};
  }
  const KernelTotal kernel = pool_.kernel().of(id);
  sum.inPackets += kernel.packets;
  sum.inBytes += kernel.bytes;
  return sum;
}

Traffic TrafficAccounts::carried(std::span<const uint32_t> servers) const {
  Traffic sum;
  for (const uint32_t id : servers) sum += carried(id);
  return sum;
}

Traffic TrafficAccounts::ofServer(uint32_t id) const {
  const auto baseline = baselines_.find(id);
  return baseline == baselines_.end() ? carried(id) : carried(id) - baseline->second;
}

Traffic TrafficAccounts::ofService(const ServiceKey& key, std::span<const uint32_t> servers) const {
  Traffic sum = carried(servers);
  const auto service = services_.find(key);
  if (service == services_.end()) return sum;
  sum += service->second.departed;
  return sum - service->second.baseline;
}

void TrafficAccounts::zeroService(const ServiceKey& key, std::span<const uint32_t> servers) {
  Service& service = services_[key];
  service.baseline = carried(servers);
  service.baseline += service.departed;
}

void TrafficAccounts::forget(const ServiceKey& key, uint32_t server) {
  if (const auto service = services_.find(key); service != services_.end()) service->second.departed += carried(server);
  baselines_.erase(server);
}

}  // namespace tunvs
