#include "binding/pinger_wrap.h"

#include "binding/call.h"
#include "binding/convert.h"
#include "binding/errors.h"
#include "binding/told_by_thread.h"
#include "io/packet/pinger.h"

namespace tunvs::binding {
namespace {

Napi::Object outcomeToJs(Napi::Env env, const Pinger::Told& told) {
  const EchoOutcome& outcome = told.outcome;
  Napi::Object row = Napi::Object::New(env);
  row.Set("ping", Napi::Number::New(env, told.ping));
  row.Set("isAnswered", Napi::Boolean::New(env, outcome.isAnswered));
  if (outcome.errnoValue != 0) row.Set("errno", Napi::Number::New(env, outcome.errnoValue));
  if (outcome.isIcmp) {
    Napi::Object icmp = Napi::Object::New(env);
    icmp.Set("type", Napi::Number::New(env, outcome.type));
    icmp.Set("code", Napi::Number::New(env, outcome.code));
    icmp.Set("from", toJs(env, toString(outcome.from)));
    row.Set("icmp", icmp);
  }
  return row;
}

class PingerWrap : public Napi::ObjectWrap<PingerWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativePinger",
                       {InstanceMethod<&PingerWrap::ping>("ping"), InstanceMethod<&PingerWrap::cancel>("cancel"),
                        InstanceMethod<&PingerWrap::close>("close")});
  }

  explicit PingerWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsFunction()) {
      throwInvalidArgument(env, "Pinger takes a function");
      return;
    }
    pinger_.start(env, info[0].As<Napi::Function>(), "tunvs ping", /*keepsAlive=*/false, tell, Pinger::start);
  }

 private:
  static void tell(Napi::Env env, Napi::Function callback, Pinger& pinger) {
    const auto told = pinger.take();
    napi_value array;
    if (told.empty() || napi_create_array(env, &array) != napi_ok) return;
    Napi::Array outcomes(env, array);
    for (uint32_t i = 0; i < told.size(); i++) outcomes.Set(i, outcomeToJs(env, told[i]));
    const napi_value argument = outcomes;
    // An exception goes on to Node-API, which reports it. An ending environment gives no result.
    static_cast<void>(callFunction(env, callback, {&argument, 1}));
  }

  Napi::Value ping(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsString() || !info[1].IsNumber() || !info[2].IsTypedArray()) {
      throwInvalidArgument(env, "ping takes an address, an identifier and a payload");
      return env.Undefined();
    }
    const auto address = parseIpAddress(info[0].As<Napi::String>().Utf8Value());
    if (!address) {
      throwError(env, address.error());
      return env.Undefined();
    }
    if (pinger_.get() == nullptr) {
      throwError(env, Error::make(ErrorCode::closed, "these pings are closed"));
      return env.Undefined();
    }
    const auto payload = info[2].As<Napi::Uint8Array>();
    const auto identifier = static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value());
    const auto sent = pinger_.get()->ping(address.value(), identifier, {payload.Data(), payload.ByteLength()});
    if (!sent) {
      throwError(env, sent.error());
      return env.Undefined();
    }
    return Napi::Number::New(env, sent.value());
  }

  Napi::Value cancel(const Napi::CallbackInfo& info) {
    if (pinger_.get() != nullptr && info[0].IsNumber()) pinger_.get()->cancel(info[0].As<Napi::Number>().Uint32Value());
    return info.Env().Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    pinger_.close();
    return info.Env().Undefined();
  }

  ToldByThread<Pinger> pinger_;
};

}  // namespace

void definePinger(Napi::Env env, Napi::Object exports) { exports.Set("Pinger", PingerWrap::define(env)); }

}  // namespace tunvs::binding
