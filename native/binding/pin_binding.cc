#include "binding/pin_binding.h"

#include <cmath>
#include <string>

#include "binding/convert.h"
#include "binding/errors.h"

namespace tunvs::binding {

namespace {

constexpr napi_type_tag kTargetTag{0x8f1d5a0be0c94b6aULL, 0xa2f43c7d9e516b08ULL};

// Reads arguments by their places, which costs less than properties by name: there are thousands of pins a second.
class Places {
 public:
  explicit Places(const Napi::CallbackInfo& info) : info_(info) {}

  bool ok() const { return ok_; }

  int64_t integer(size_t place, const char* name, int64_t minimum, int64_t maximum) {
    const Napi::Value value = info_[place];
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
    if (number >= static_cast<double>(minimum) && number <= static_cast<double>(maximum) &&
        number == std::floor(number))
      return static_cast<int64_t>(number);
    fail(name, "a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
    return minimum;
  }

  IpAddress address(size_t place, const char* name) {
    const Napi::Value value = info_[place];
    if (value.IsString()) {
      if (const auto parsed = parseIpAddress(value.As<Napi::String>().Utf8Value())) return parsed.value();
    }
    fail(name, "an IP address");
    return {};
  }

  void fail(const char* name, const std::string& expected) {
    if (ok_) throwInvalidArgument(info_.Env(), std::string("pin: ") + name + " must be " + expected);
    ok_ = false;
  }

 private:
  const Napi::CallbackInfo& info_;
  bool ok_ = true;
};

const PinTarget* readTarget(const Napi::Value& value) {
  if (!value.IsExternal()) return nullptr;
  const auto external = value.As<Napi::External<PinTarget>>();
  return external.CheckTypeTag(&kTargetTag) ? external.Data() : nullptr;
}

}  // namespace

Napi::Value pinTargetToJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const PinTarget target{readServiceKey(ObjectReader(info[0], "service")),
                         readServerKey(ObjectReader(info[1], "server"))};
  if (env.IsExceptionPending()) return env.Undefined();
  auto external =
      Napi::External<PinTarget>::New(env, new PinTarget(target), [](Napi::Env, PinTarget* gone) { delete gone; });
  external.TypeTag(&kTargetTag);
  return external;
}

std::optional<PinRequest> readPin(const Napi::CallbackInfo& info) {
  Places places(info);
  const PinTarget* target = readTarget(info[0]);
  if (target == nullptr) places.fail("target", "what pinTarget() has returned");
  const auto protocol = static_cast<uint8_t>(places.integer(1, "protocol", 1, 255));
  const IpAddress source = places.address(2, "sourceAddress");
  const auto sourcePort = static_cast<uint16_t>(places.integer(3, "sourcePort", 1, 65535));
  const IpAddress virtualAddress = places.address(4, "virtualAddress");
  const auto virtualPort = static_cast<uint16_t>(places.integer(5, "virtualPort", 1, 65535));
  const int64_t ttlMs = places.integer(6, "ttlMs", 1, int64_t{kMaxPinSeconds} * 1000);
  const auto hopLimit = static_cast<uint8_t>(places.integer(7, "hopLimit", 0, 255));
  if (places.ok() && source.family != virtualAddress.family) places.fail("virtualAddress", "of the source's family");
  if (!places.ok()) return std::nullopt;
  const FlowKey flow = FlowKey::make(source, Be16::from(sourcePort), virtualAddress, Be16::from(virtualPort), protocol);
  constexpr uint64_t kMsPerTick = 1000 / kTicksPerSecond;
  return PinRequest{.flow = flow,
                    .service = target->service,
                    .server = target->server,
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
