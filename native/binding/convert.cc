#include "binding/convert.h"

#include <algorithm>

#include "binding/timeouts.h"

namespace tunvs::binding {
namespace {

void setTraffic(Napi::Env env, Napi::Object object, const Traffic& traffic) {
  object.Set("connections", Napi::BigInt::New(env, traffic.connections));
  object.Set("inPackets", Napi::BigInt::New(env, traffic.inPackets));
  object.Set("inBytes", Napi::BigInt::New(env, traffic.inBytes));
  object.Set("outPackets", Napi::BigInt::New(env, traffic.outPackets));
  object.Set("outBytes", Napi::BigInt::New(env, traffic.outBytes));
  object.Set("tooBig", Napi::BigInt::New(env, traffic.tooBig));
  object.Set("fragmentsSent", Napi::BigInt::New(env, traffic.fragments));
  object.Set("repeatedOpenings", Napi::BigInt::New(env, traffic.repeatedOpenings));
  object.Set("clientResets", Napi::BigInt::New(env, traffic.clientResets));
  object.Set("tunnelErrors", Napi::BigInt::New(env, traffic.tunnelErrors));
}

Napi::Object healthToJs(Napi::Env env, const HealthCondition& health) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("isUp", Napi::Boolean::New(env, health.isUp));
  object.Set("isOut", Napi::Boolean::New(env, health.isOut));
  object.Set("onDown", toJs(env, kOnDownNames[static_cast<size_t>(health.onDown)]));
  if (health.weight) object.Set("weight", *health.weight);
  if (health.factor != 1) object.Set("factor", health.factor);
  if (health.add != 0) object.Set("add", health.add);
  return object;
}

void setSchedulerOptions(Napi::Env env, Napi::Object object, const ServiceConfig& config) {
  const auto flags = schedulerFlagNames(config.scheduler, config.schedulerOptions.flags);
  Napi::Array names = Napi::Array::New(env, flags.size());
  for (uint32_t i = 0; i < flags.size(); i++) names.Set(i, toJs(env, flags[i]));
  object.Set("schedulerFlags", names);
  if (config.schedulerOptions == SchedulerOptions{config.schedulerOptions.flags}) return;
  Napi::Object options = Napi::Object::New(env);
  if (config.schedulerOptions.tableSize != 0) options.Set("tableSize", config.schedulerOptions.tableSize);
  if (config.schedulerOptions.stableCursor) options.Set("stableCursor", Napi::Boolean::New(env, true));
  if (config.schedulerOptions.randomStart) options.Set("randomStart", Napi::Boolean::New(env, true));
  object.Set("schedulerOptions", options);
}

void setPersistence(Napi::Env env, Napi::Object object, const ServiceRow& row) {
  if (!row.config.isPersistent()) return;
  const Persistence& persistence = row.config.persistence;
  Napi::Object given = Napi::Object::New(env);
  given.Set("timeoutSeconds", persistence.timeoutSeconds);
  given.Set("netmask",
            row.key.address.isV4() ? toString(IpAddress::v4(persistence.mask4)) : std::to_string(persistence.prefix6));
  if (!persistence.engine.empty()) given.Set("engine", persistence.engine);
  object.Set("persistence", given);
}

void setPolicyCounters(Napi::Env env, Napi::Object object, const ServiceRow& row) {
  if (row.policy == nullptr) return;
  Napi::Object counters = Napi::Object::New(env);
  const auto values = valuesOf(row.policy->counters);
  for (size_t i = 0; i < values.size(); i++)
    counters.Set(toJs(env, kPolicyCounterNames[i]), Napi::BigInt::New(env, values[i]));
  object.Set("policy", counters);
}

}  // namespace

Napi::Object serverToJs(Napi::Env env, const ServerRow& row) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", row.id);
  object.Set("address", toString(row.key.address));
  object.Set("port", row.key.port);
  object.Set("forwarding", toJs(env, nameOf(row.config.tunnel.method)));
  object.Set("tunnelPort", row.config.tunnel.port);
  object.Set("tunnelChecksum", toJs(env, nameOf(row.config.tunnel.checksum)));
  object.Set("clientAddress", toJs(env, nameOf(row.config.tunnel.told)));
  object.Set("pathMtu", row.pathMtu);
  object.Set("weight", row.config.weight);
  object.Set("effectiveWeight", row.effectiveWeight);
  object.Set("isUp", Napi::Boolean::New(env, row.condition.isUp));
  object.Set("isDraining", Napi::Boolean::New(env, row.condition.isDraining));
  if (row.condition.assignedWeight) object.Set("assignedWeight", *row.condition.assignedWeight);
  if (row.config.isSorry) object.Set("isSorry", Napi::Boolean::New(env, true));
  if (row.condition.health != HealthCondition{}) object.Set("health", healthToJs(env, row.condition.health));
  object.Set("upperThreshold", row.config.upperThreshold);
  object.Set("lowerThreshold", row.config.lowerThreshold);
  object.Set("activeConnections", row.active);
  object.Set("inactiveConnections", row.inactive);
  object.Set("persistentConnections", row.persistent);
  object.Set("overloaded", Napi::Boolean::New(env, row.overloaded));
  if (row.sourcePairs != 0) {
    object.Set("sourcePairs", static_cast<double>(row.sourcePairs));
    object.Set("sourcePairsInUse", static_cast<double>(row.sourcePairsInUse));
  }
  setTraffic(env, object, row.traffic);
  return object;
}

Napi::Object serviceKeyToJs(Napi::Env env, const ServiceKey& key) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("protocol", key.protocol);
  object.Set("address", toString(key.address));
  object.Set("port", key.port);
  if (key.hasRange()) object.Set("lastPort", key.lastPort);
  if (key.hasPrefix()) object.Set("prefix", key.prefix);
  if (key.isMark()) object.Set("mark", key.mark);
  return object;
}

Napi::Object serviceToJs(Napi::Env env, const ServiceRow& row) {
  Napi::Object object = serviceKeyToJs(env, row.key);
  object.Set("scheduler", row.config.scheduler);
  setSchedulerOptions(env, object, row.config);
  setPersistence(env, object, row);
  if (!row.config.timeouts.isEmpty()) object.Set("timeouts", timeoutsToJs(env, row.config.timeouts));
  object.Set("onePacket", Napi::Boolean::New(env, row.config.onePacket));
  object.Set("midStream", row.config.hashesMidStream() ? "hash" : "reset");
  object.Set("rescheduleUdp", Napi::Boolean::New(env, row.config.rescheduleUdp));
  object.Set("slowStartSeconds", row.config.slowStartSeconds);
  setPolicyCounters(env, object, row);
  setTraffic(env, object, row.traffic);
  Napi::Array servers = Napi::Array::New(env, row.servers.size());
  for (uint32_t i = 0; i < row.servers.size(); i++) {
    Napi::HandleScope scope(env);
    servers.Set(i, serverToJs(env, row.servers[i]));
  }
  object.Set("servers", servers);
  return object;
}

Napi::Array servicesToJs(Napi::Env env, const std::vector<ServiceRow>& rows) {
  Napi::Array services = Napi::Array::New(env, rows.size());
  for (uint32_t i = 0; i < rows.size(); i++) {
    Napi::HandleScope scope(env);
    services.Set(i, serviceToJs(env, rows[i]));
  }
  return services;
}

Napi::Object connectionToJs(Napi::Env env, const ConnectionRow& row) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("protocol", row.key.protocol());
  object.Set("clientAddress", toString(row.key.client()));
  object.Set("clientPort", row.key.clientPort().host());
  object.Set("virtualAddress", toString(row.key.virtualAddress()));
  object.Set("virtualPort", row.key.virtualPort().host());
  object.Set("serverAddress", toString(row.server.address));
  object.Set("serverPort", row.server.port);
  if (row.source) {
    object.Set("sourceAddress", toString(row.source->address));
    object.Set("sourcePort", row.source->port.host());
  }
  object.Set("state", toJs(env, row.state));
  object.Set("expiresMs", Napi::Number::New(env, static_cast<double>(row.expiresMs)));
  object.Set("active", Napi::Boolean::New(env, row.active));
  object.Set("template", Napi::Boolean::New(env, row.isTemplate));
  object.Set("controlled", row.controlled);
  if (!row.persistenceData.empty()) {
    object.Set("persistenceEngine", "sip");
    object.Set("persistenceData", row.persistenceData);
  }
  return object;
}

std::optional<Napi::Uint8Array> bytesToJs(Napi::Env env, std::span<const uint8_t> bytes) {
  void* data = nullptr;
  napi_value buffer, array;
  if (napi_create_arraybuffer(env, bytes.size(), &data, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, bytes.size(), buffer, 0, &array) != napi_ok)
    return std::nullopt;
  std::ranges::copy(bytes, static_cast<uint8_t*>(data));
  return Napi::Uint8Array(env, array);
}

Napi::Array infosToJs(Napi::Env env, std::span<const Info> infos) {
  Napi::Array rows = Napi::Array::New(env, infos.size());
  for (uint32_t i = 0; i < infos.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("kind", toJs(env, infos[i].kind));
    row.Set("sentence", toJs(env, infos[i].sentence));
    rows.Set(i, row);
  }
  return rows;
}

Napi::Array namesToJs(Napi::Env env, std::span<const std::string_view> names) {
  Napi::Array array = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); i++) array.Set(i, toJs(env, names[i]));
  return array;
}

}  // namespace tunvs::binding
