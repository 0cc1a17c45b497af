#include "binding/pin_binding.h"

#include "binding/convert.h"
#include "binding/errors.h"

namespace tunvs::binding {

std::optional<PinRequest> readPin(Napi::Value value) {
  const Napi::Env env = value.Env();
  ObjectReader reader(value, "pin");
  const auto protocol = static_cast<uint8_t>(reader.integer("protocol", 1, 255));
  const IpAddress source = reader.address("sourceAddress"), virtualAddress = reader.address("virtualAddress");
  const auto sourcePort = static_cast<uint16_t>(reader.integer("sourcePort", 1, 65535));
  const auto virtualPort = static_cast<uint16_t>(reader.integer("virtualPort", 1, 65535));
  const int64_t ttlMs = reader.integer("ttlMs", 1, int64_t{kMaxPinSeconds} * 1000);
  const auto hopLimit = static_cast<uint8_t>(reader.integer("hopLimit", 0, 255));
  const ServiceKey service = readServiceKey(reader.object("service"));
  const ServerKey server = readServerKey(reader.object("server"));
  if (!reader.ok() || env.IsExceptionPending()) return std::nullopt;
  if (source.family != virtualAddress.family) {
    throwInvalidArgument(env, "pin: sourceAddress and virtualAddress must be of one family");
    return std::nullopt;
  }
  const FlowKey flow = FlowKey::make(source, Be16::from(sourcePort), virtualAddress, Be16::from(virtualPort), protocol);
  constexpr uint64_t kMsPerTick = 1000 / kTicksPerSecond;
  return PinRequest{.flow = flow,
                    .service = service,
                    .server = server,
                    .ttl = ticksFromMs(static_cast<uint64_t>(ttlMs) + kMsPerTick - 1),
                    .hopLimit = hopLimit};
}

Napi::Value pinReportToJs(Napi::Env env, const std::optional<PinReport>& report) {
  if (!report) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("packets", Napi::Number::New(env, static_cast<double>(report->packets)));
  object.Set("bytes", Napi::Number::New(env, static_cast<double>(report->bytes)));
  Napi::Object kept = Napi::Object::New(env);
  for (size_t i = 0; i < kVerdicts; i++) {
    if (report->kept[i] != 0) kept.Set(toJs(env, kVerdictNames[i]), report->kept[i]);
  }
  object.Set("kept", kept);
  if (report->error) {
    Napi::Object error = Napi::Object::New(env);
    error.Set("type", report->error->type);
    error.Set("code", report->error->code);
    error.Set("from", toString(report->error->from));
    error.Set("isOfTunnel", Napi::Boolean::New(env, report->error->isOfTunnel));
    object.Set("icmp", error);
  }
  return object;
}

}  // namespace tunvs::binding
