#include "binding/knocker_wrap.h"

#include <optional>

#include "binding/call.h"
#include "binding/errors.h"
#include "binding/told_by_thread.h"
#include "io/os/knocker.h"

namespace tunvs::binding {
namespace {

class KnockerWrap : public Napi::ObjectWrap<KnockerWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeKnocker",
                       {InstanceMethod<&KnockerWrap::knock>("knock"), InstanceMethod<&KnockerWrap::cancel>("cancel"),
                        InstanceMethod<&KnockerWrap::close>("close")});
  }

  explicit KnockerWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsFunction()) {
      throwInvalidArgument(env, "Knocker takes a function");
      return;
    }
    knocker_.start(env, info[0].As<Napi::Function>(), "tunvs knock", /*keepsAlive=*/false, tell, Knocker::start);
  }

 private:
  static void tell(Napi::Env env, Napi::Function callback, Knocker& knocker) {
    const auto told = knocker.take();
    napi_value array;
    if (told.empty() || napi_create_array(env, &array) != napi_ok) return;
    // Pairs are flat in it: nothing is made for each.
    Napi::Array pairs(env, array);
    uint32_t at = 0;
    for (const auto& [knock, errnoValue] : told) {
      pairs.Set(at++, Napi::Number::New(env, knock));
      pairs.Set(at++, Napi::Number::New(env, errnoValue));
    }
    const napi_value argument = pairs;
    // An exception goes on to Node-API, which reports it. An ending environment gives no result.
    static_cast<void>(callFunction(env, callback, {&argument, 1}));
  }

  Napi::Value knock(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto to = end(env, info[0], info[1]);
    if (!to) return env.Undefined();
    std::optional<Knocker::End> from;
    if (!info[2].IsUndefined()) {
      from = end(env, info[2], info[3]);
      if (!from) return env.Undefined();
    }
    if (knocker_.get() == nullptr) {
      throwError(env, Error::make(ErrorCode::closed, "these knocks are closed"));
      return env.Undefined();
    }
    const auto begun = knocker_.get()->knock(*to, from ? &*from : nullptr);
    if (!begun) {
      throwError(env, begun.error());
      return env.Undefined();
    }
    return Napi::Number::New(env, begun.value());
  }

  // Throws in JavaScript when there is none.
  static std::optional<Knocker::End> end(Napi::Env env, const Napi::Value& address, const Napi::Value& port) {
    if (!address.IsString() || !port.IsNumber()) {
      throwInvalidArgument(env, "knock takes an address and a port, and those of its own end");
      return std::nullopt;
    }
    const auto parsed = parseIpAddress(address.As<Napi::String>().Utf8Value());
    if (!parsed) {
      throwError(env, parsed.error());
      return std::nullopt;
    }
    return Knocker::End{parsed.value(), static_cast<uint16_t>(port.As<Napi::Number>().Uint32Value())};
  }

  Napi::Value cancel(const Napi::CallbackInfo& info) {
    if (knocker_.get() != nullptr && info[0].IsNumber())
      knocker_.get()->cancel(info[0].As<Napi::Number>().Uint32Value());
    return info.Env().Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    knocker_.close();
    return info.Env().Undefined();
  }

  ToldByThread<Knocker> knocker_;
};

}  // namespace

void defineKnocker(Napi::Env env, Napi::Object exports) { exports.Set("Knocker", KnockerWrap::define(env)); }

}  // namespace tunvs::binding
