#include "binding/convert.h"

#include "binding/errors.h"

namespace tunvs::binding {
namespace {

ServiceKey readServiceKey(ObjectReader reader) {
  ServiceKey key;
  key.protocol = static_cast<uint8_t>(reader.integer("protocol", 0, 255));
  key.address = reader.address("address");
  key.port = static_cast<uint16_t>(reader.integer("port", 0, 65535));
  return key;
}

ServerKey readServerKey(ObjectReader reader) {
  ServerKey key;
  key.address = reader.address("address");
  key.port = static_cast<uint16_t>(reader.integer("port", 0, 65535));
  return key;
}

ServiceConfig readServiceConfig(Napi::Env env, ObjectReader reader) {
  ServiceConfig config;
  config.scheduler = reader.string("scheduler");
  if (reader.has("schedulerFlags")) {
    for (const std::string& name : reader.strings("schedulerFlags")) {
      const auto flag = schedulerFlagByName(config.scheduler, name);
      if (!flag) {
        throwInvalidArgument(env, "the scheduler " + config.scheduler + " has no flag '" + name + "'");
        return config;
      }
      config.schedulerOptions.flags |= *flag;
    }
  }
  if (reader.has("schedulerOptions")) {
    ObjectReader options = reader.object("schedulerOptions");
    if (options.has("tableSize"))
      config.schedulerOptions.tableSize = static_cast<uint32_t>(options.integer("tableSize", 0, UINT32_MAX));
  }
  return config;
}

ServerConfig readServerConfig(Napi::Env env, ObjectReader reader) {
  ServerConfig config;
  const std::string method = reader.string("forwarding");
  config.weight = static_cast<int32_t>(reader.integer("weight", 0, INT32_MAX));
  config.upperThreshold = static_cast<uint32_t>(reader.integer("upperThreshold", 0, UINT32_MAX));
  config.lowerThreshold = static_cast<uint32_t>(reader.integer("lowerThreshold", 0, UINT32_MAX));
  const auto tunnelPort = static_cast<uint16_t>(reader.integer("tunnelPort", 0, 65535));
  const std::string checksum = reader.string("tunnelChecksum");
  if (!reader.ok()) return config;
  const auto known = forwardingMethodByName(method);
  if (!known) {
    throwError(env, Error::make(ErrorCode::unsupported, "there is no forwarding method '" + method + "'"));
    return config;
  }
  config.tunnel.method = *known;
  config.tunnel.port = tunnelPort;
  for (const auto& named : kTunnelChecksums) {
    if (named.name == checksum) {
      config.tunnel.checksum = named.checksum;
      return config;
    }
  }
  throwInvalidArgument(env, "there is no tunnel checksum '" + checksum + "'; it is 'none', 'checksum' or 'remote'");
  return config;
}

// Null when `op` is unknown.
bool readOperation(Napi::Value value, std::vector<Operation>& operations) {
  const Napi::Env env = value.Env();
  ObjectReader reader(value, "operation");
  const std::string op = reader.string("op");
  if (!reader.ok()) return false;
  const auto service = [&] { return readServiceKey(reader.object("service")); };
  const auto server = [&] { return readServerKey(reader.object("server")); };
  const auto serviceConfig = [&] { return readServiceConfig(env, reader.object("config")); };
  const auto serverConfig = [&] { return readServerConfig(env, reader.object("config")); };
  if (op == "addService") {
    operations.push_back(AddService{service(), serviceConfig()});
  } else if (op == "editService") {
    operations.push_back(EditService{service(), serviceConfig()});
  } else if (op == "deleteService") {
    operations.push_back(DeleteService{service()});
  } else if (op == "addServer") {
    operations.push_back(AddServer{service(), server(), serverConfig()});
  } else if (op == "editServer") {
    operations.push_back(EditServer{service(), server(), serverConfig()});
  } else if (op == "deleteServer") {
    operations.push_back(DeleteServer{service(), server()});
  } else if (op == "clear") {
    operations.push_back(ClearServices{});
  } else if (op == "zero") {
    ZeroCounters zero;
    if (reader.has("service")) zero.service = service();
    operations.push_back(zero);
  } else {
    throwInvalidArgument(env, "there is no operation '" + op + "'");
  }
  return !env.IsExceptionPending();
}

void setTraffic(Napi::Env env, Napi::Object object, const Traffic& traffic) {
  object.Set("connections", Napi::BigInt::New(env, traffic.connections));
  object.Set("inPackets", Napi::BigInt::New(env, traffic.inPackets));
  object.Set("inBytes", Napi::BigInt::New(env, traffic.inBytes));
  object.Set("outPackets", Napi::BigInt::New(env, traffic.outPackets));
  object.Set("outBytes", Napi::BigInt::New(env, traffic.outBytes));
  object.Set("tooBig", Napi::BigInt::New(env, traffic.tooBig));
  object.Set("fragmentsSent", Napi::BigInt::New(env, traffic.fragments));
}

void setSchedulerOptions(Napi::Env env, Napi::Object object, const ServiceConfig& config) {
  const auto flags = schedulerFlagNames(config.scheduler, config.schedulerOptions.flags);
  Napi::Array names = Napi::Array::New(env, flags.size());
  for (uint32_t i = 0; i < flags.size(); i++) names.Set(i, toJs(env, flags[i]));
  object.Set("schedulerFlags", names);
  if (config.schedulerOptions.tableSize == 0) return;
  Napi::Object options = Napi::Object::New(env);
  options.Set("tableSize", config.schedulerOptions.tableSize);
  object.Set("schedulerOptions", options);
}

Napi::Object serverToJs(Napi::Env env, const ServerRow& row) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", row.id);
  object.Set("address", toString(row.key.address));
  object.Set("port", row.key.port);
  object.Set("forwarding", toJs(env, nameOf(row.config.tunnel.method)));
  object.Set("tunnelPort", row.config.tunnel.port);
  object.Set("tunnelChecksum", toJs(env, nameOf(row.config.tunnel.checksum)));
  object.Set("pathMtu", row.pathMtu);
  object.Set("weight", row.config.weight);
  object.Set("upperThreshold", row.config.upperThreshold);
  object.Set("lowerThreshold", row.config.lowerThreshold);
  object.Set("activeConnections", row.active);
  object.Set("inactiveConnections", row.inactive);
  object.Set("persistentConnections", row.persistent);
  object.Set("overloaded", Napi::Boolean::New(env, row.overloaded));
  setTraffic(env, object, row.traffic);
  return object;
}

}  // namespace

bool readOperations(Napi::Value value, std::vector<Operation>& operations) {
  if (!value.IsArray()) {
    throwInvalidArgument(value.Env(), "operations must be an array");
    return false;
  }
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    Napi::HandleScope scope(value.Env());
    if (!readOperation(list.Get(i), operations)) return false;
  }
  return true;
}

Napi::Array servicesToJs(Napi::Env env, const std::vector<ServiceRow>& rows) {
  Napi::Array services = Napi::Array::New(env, rows.size());
  for (uint32_t i = 0; i < rows.size(); i++) {
    Napi::HandleScope scope(env);
    const ServiceRow& row = rows[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("protocol", row.key.protocol);
    object.Set("address", toString(row.key.address));
    object.Set("port", row.key.port);
    object.Set("scheduler", row.config.scheduler);
    setSchedulerOptions(env, object, row.config);
    setTraffic(env, object, row.traffic);
    Napi::Array servers = Napi::Array::New(env, row.servers.size());
    for (uint32_t j = 0; j < row.servers.size(); j++) {
      Napi::HandleScope inner(env);
      servers.Set(j, serverToJs(env, row.servers[j]));
    }
    object.Set("servers", servers);
    services.Set(i, object);
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
  object.Set("state", toJs(env, row.state));
  object.Set("expiresMs", Napi::Number::New(env, static_cast<double>(row.expiresMs)));
  object.Set("active", Napi::Boolean::New(env, row.active));
  return object;
}

Napi::Array namesToJs(Napi::Env env, std::span<const std::string_view> names) {
  Napi::Array array = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); i++) array.Set(i, toJs(env, names[i]));
  return array;
}

}  // namespace tunvs::binding
