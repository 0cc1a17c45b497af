#include "binding/convert.h"

#include <algorithm>
#include <charconv>

#include "binding/arguments.h"
#include "binding/errors.h"
#include "binding/timeouts.h"

namespace tunvs::binding {

ServiceKey readServiceKey(ObjectReader reader) {
  ServiceKey key;
  key.protocol = static_cast<uint8_t>(reader.integer("protocol", 0, 255));
  key.address = reader.address("address");
  key.port = static_cast<uint16_t>(reader.integer("port", 0, 65535));
  if (reader.has("lastPort")) key.lastPort = static_cast<uint16_t>(reader.integer("lastPort", 0, 65535));
  if (reader.has("prefix"))
    key.prefix = static_cast<uint8_t>(reader.integer("prefix", 0, key.address.isV4() ? 32 : 128));
  if (reader.has("mark")) key.mark = static_cast<uint32_t>(reader.integer("mark", 0, UINT32_MAX));
  return key;
}

ServerKey readServerKey(ObjectReader reader) {
  ServerKey key;
  key.address = reader.address("address");
  key.port = static_cast<uint16_t>(reader.integer("port", 0, 65535));
  return key;
}

namespace {

// Reads a dotted mask, or a prefix length for IPv6.
void readNetmask(Napi::Env env, const std::string& text, Persistence& persistence) {
  if (const auto mask = parseIpAddress(text); mask && mask.value().isV4()) {
    persistence.mask4 = mask.value().asV4();
    return;
  }
  unsigned length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error == std::errc() && end == text.data() + text.size() && length >= 1 && length <= 128) {
    persistence.prefix6 = static_cast<uint8_t>(length);
    return;
  }
  throwInvalidArgument(env, "the netmask '" + text + "' is neither a dotted mask nor a prefix length of 1 to 128");
}

Persistence readPersistence(Napi::Env env, ObjectReader reader) {
  Persistence persistence;
  persistence.timeoutSeconds = static_cast<uint32_t>(reader.integer("timeoutSeconds", 1, kMaxTimeoutSeconds));
  if (reader.has("netmask")) readNetmask(env, reader.string("netmask"), persistence);
  if (reader.has("engine")) persistence.engine = reader.string("engine");
  return persistence;
}

std::optional<AddressPrefix> readPrefix(Napi::Env env, ObjectReader& reader, const char* name) {
  if (!reader.has(name)) return std::nullopt;
  auto prefix = parseAddressPrefix(reader.string(name));
  if (prefix) return prefix.value();
  throwError(env, prefix.error());
  return std::nullopt;
}

MarkRule readMarkRule(Napi::Env env, ObjectReader reader) {
  MarkRule rule;
  rule.mark = static_cast<uint32_t>(reader.integer("mark", 1, UINT32_MAX));
  rule.family = reader.integer("family", 4, 6) == 6 ? Family::ipv6 : Family::ipv4;
  rule.source = readPrefix(env, reader, "source");
  rule.destination = readPrefix(env, reader, "destination");
  if (reader.has("protocol")) rule.protocol = static_cast<uint8_t>(reader.integer("protocol", 0, 255));
  if (reader.has("firstPort")) rule.firstPort = static_cast<uint16_t>(reader.integer("firstPort", 0, 65535));
  if (reader.has("lastPort")) rule.lastPort = static_cast<uint16_t>(reader.integer("lastPort", 0, 65535));
  return rule;
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
    if (options.has("stableCursor")) config.schedulerOptions.stableCursor = options.boolean("stableCursor");
    if (options.has("randomStart")) config.schedulerOptions.randomStart = options.boolean("randomStart");
  }
  if (reader.has("persistence")) config.persistence = readPersistence(env, reader.object("persistence"));
  if (reader.has("onePacket")) config.onePacket = reader.boolean("onePacket");
  if (reader.has("midStream")) {
    const std::string midStream = reader.string("midStream");
    if (midStream == "hash") config.midStream = MidStream::hash;
    if (midStream != "hash" && midStream != "reset" && reader.ok())
      throwInvalidArgument(env, "config.midStream must be 'reset' or 'hash'");
  }
  if (reader.has("rescheduleUdp")) config.rescheduleUdp = reader.boolean("rescheduleUdp");
  if (reader.has("slowStartSeconds"))
    config.slowStartSeconds = static_cast<uint32_t>(reader.integer("slowStartSeconds", 0, kMaxSlowStartSeconds));
  if (reader.has("timeouts")) readTimeouts(reader.object("timeouts"), config.timeouts);
  return config;
}

HealthCondition readHealth(Napi::Env env, ObjectReader reader) {
  HealthCondition health;
  health.isUp = reader.boolean("isUp");
  health.isOut = reader.boolean("isOut");
  const std::string onDown = reader.string("onDown");
  const auto known = std::ranges::find(kOnDownNames, onDown);
  if (known != kOnDownNames.end())
    health.onDown = static_cast<OnDown>(known - kOnDownNames.begin());
  else if (reader.ok())
    throwInvalidArgument(env, "there is no onDown '" + onDown + "'");
  if (reader.has("weight")) health.weight = static_cast<int32_t>(reader.integer("weight", 0, INT32_MAX));
  if (reader.has("factor")) health.factor = reader.number("factor");
  if (reader.has("add")) health.add = static_cast<int32_t>(reader.integer("add", -INT32_MAX, INT32_MAX));
  return health;
}

ServerCondition readServerCondition(Napi::Env env, ObjectReader reader) {
  ServerCondition condition;
  condition.isUp = reader.boolean("isUp");
  condition.isDraining = reader.boolean("isDraining");
  if (reader.has("assignedWeight"))
    condition.assignedWeight = static_cast<int32_t>(reader.integer("assignedWeight", 0, INT32_MAX));
  if (reader.has("health")) condition.health = readHealth(env, reader.object("health"));
  return condition;
}

ServerConfig readServerConfig(Napi::Env env, ObjectReader reader) {
  ServerConfig config;
  const std::string method = reader.string("forwarding");
  config.weight = static_cast<int32_t>(reader.integer("weight", 0, INT32_MAX));
  config.upperThreshold = static_cast<uint32_t>(reader.integer("upperThreshold", 0, UINT32_MAX));
  config.lowerThreshold = static_cast<uint32_t>(reader.integer("lowerThreshold", 0, UINT32_MAX));
  if (reader.has("isSorry")) config.isSorry = reader.boolean("isSorry");
  const auto tunnelPort = static_cast<uint16_t>(reader.integer("tunnelPort", 0, 65535));
  const std::string checksum = reader.string("tunnelChecksum");
  const std::string told = reader.has("clientAddress") ? reader.string("clientAddress") : "none";
  if (!reader.ok()) return config;
  const auto known = forwardingMethodByName(method);
  if (!known) {
    throwError(env, Error::make(ErrorCode::unsupported, "there is no forwarding method '" + method + "'"));
    return config;
  }
  config.tunnel.method = *known;
  config.tunnel.port = tunnelPort;
  const auto knownTold = clientToldByName(told);
  if (!knownTold) {
    throwInvalidArgument(env, "a client's address is told by 'none', 'toa' or 'proxy', not by '" + told + "'");
    return config;
  }
  config.tunnel.told = *knownTold;
  for (const auto& named : kTunnelChecksums) {
    if (named.name == checksum) {
      config.tunnel.checksum = named.checksum;
      return config;
    }
  }
  throwInvalidArgument(env, "there is no tunnel checksum '" + checksum + "'; it is 'none', 'checksum' or 'remote'");
  return config;
}

Policy readPolicy(Napi::Env env, ObjectReader reader) {
  Policy policy;
  const std::string kind = reader.string("kind");
  if (!reader.ok() || kind == "none") return policy;
  if (kind == "connection") {
    auto connection = std::make_shared<ConnectionPolicy>();
    connection->id = static_cast<uint32_t>(reader.integer("id", 0, UINT32_MAX));
    // This rounds up, so that an answer is never late before its time.
    connection->deadline = ticksFromMs(static_cast<uint64_t>(reader.integer("deadlineMs", 1, 10000)) + 3);
    connection->packetBytes =
        static_cast<uint16_t>(reader.integer("packetBytes", 0, ConnectionPolicy::kMaxPacketBytes));
    policy.connection = std::move(connection);
    return policy;
  }
  auto table = std::make_shared<TablePolicy>();
  for (ObjectReader server : reader.objects("servers")) table->servers.push_back(readServerKey(server));
  table->hashesPort = reader.boolean("hashesPort");
  const auto slots = reader.typedArray("slots", napi_uint32_array);
  if (!slots) return policy;
  const auto values = slots->As<Napi::Uint32Array>();
  table->slots.assign(values.Data(), values.Data() + values.ElementLength());
  if (kind != "table") throwInvalidArgument(env, "there is no policy '" + kind + "'");
  policy.table = std::move(table);
  return policy;
}

// Returns false, with an exception pending, when something is wrong.
bool readOperation(Napi::Value value, std::vector<Operation>& operations) {
  const Napi::Env env = value.Env();
  ObjectReader reader(value, "operation");
  const std::string op = reader.string("op");
  if (!reader.ok()) return false;
  const auto service = [&] { return readServiceKey(reader.object("service")); };
  const auto server = [&] { return readServerKey(reader.object("server")); };
  const auto serviceConfig = [&] { return readServiceConfig(env, reader.object("config")); };
  const auto serverConfig = [&] { return readServerConfig(env, reader.object("config")); };
  const auto condition = [&] { return readServerCondition(env, reader.object("condition")); };
  if (op == "addService") {
    operations.push_back(AddService{service(), serviceConfig()});
  } else if (op == "editService") {
    operations.push_back(EditService{service(), serviceConfig()});
  } else if (op == "deleteService") {
    operations.push_back(DeleteService{service()});
  } else if (op == "addServer") {
    operations.push_back(AddServer{service(), server(), serverConfig(), condition()});
  } else if (op == "editServer") {
    operations.push_back(EditServer{service(), server(), serverConfig(), condition()});
  } else if (op == "deleteServer") {
    operations.push_back(DeleteServer{service(), server()});
  } else if (op == "clear") {
    operations.push_back(ClearServices{});
  } else if (op == "setMarks") {
    SetMarks marks;
    for (ObjectReader rule : reader.objects("rules")) marks.rules.push_back(readMarkRule(env, rule));
    operations.push_back(std::move(marks));
  } else if (op == "setPolicy") {
    operations.push_back(SetPolicy{service(), readPolicy(env, reader.object("policy"))});
  } else if (op == "zero") {
    ZeroCounters zero;
    if (reader.has("service")) zero.service = service();
    operations.push_back(zero);
  } else {
    throwInvalidArgument(env, "there is no operation '" + op + "'");
  }
  return !env.IsExceptionPending();
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

}  // namespace tunvs::binding
