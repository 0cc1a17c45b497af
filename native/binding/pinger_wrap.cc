#include "binding/pinger_wrap.h"

#include "binding/call.h"
#include "binding/convert.h"
#include "binding/errors.h"
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

// It ends by close(), by collection or with its environment. Each joins the thread before the thread-safe function
// goes.
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
    notify_ = Napi::ThreadSafeFunction::New(env, info[0].As<Napi::Function>(), "tunvs ping", 0, 1);
    notify_.Unref(env);
    hasNotify_ = true;
    // The hook is added behind the thread-safe function: the hook added last runs first, and the thread must be gone by
    // then.
    napi_add_env_cleanup_hook(env, endOfEnvironment, this);
    hasHook_ = true;
    auto started = Pinger::start([this] { callJs(); });
    if (!started) {
      shutDown();
      throwError(env, started.error());
      return;
    }
    *pinger_ = std::move(started).value();
  }

  ~PingerWrap() override { shutDown(); }

 private:
  // The pinger's thread calls this. The call may arrive after the handle was collected, so it holds a share of its own.
  void callJs() {
    notify_.NonBlockingCall([pinger = pinger_](Napi::Env env, Napi::Function callback) {
      if (*pinger == nullptr) return;  // closed meanwhile
      const auto told = (*pinger)->take();
      // An environment that is ending still makes the calls that are queued, but lets them run no JavaScript. Then
      // there is nobody to tell.
      napi_value array;
      if (told.empty() || napi_create_array(env, &array) != napi_ok) return;
      Napi::Array outcomes(env, array);
      for (uint32_t i = 0; i < told.size(); i++) outcomes.Set(i, outcomeToJs(env, told[i]));
      const napi_value argument = outcomes;
      // An exception goes on to Node-API, which reports it. An ending environment gives no result.
      static_cast<void>(callFunction(env, callback, {&argument, 1}));
    });
  }

  static void endOfEnvironment(void* self) {
    static_cast<PingerWrap*>(self)->hasHook_ = false;
    static_cast<PingerWrap*>(self)->shutDown();
  }

  void shutDown() {
    pinger_->reset();  // joins the thread: nobody calls notify_ after this
    if (hasNotify_) notify_.Release();
    hasNotify_ = false;
    if (hasHook_) napi_remove_env_cleanup_hook(Env(), endOfEnvironment, this);
    hasHook_ = false;
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
    if (*pinger_ == nullptr) {
      throwError(env, Error::make(ErrorCode::closed, "these pings are closed"));
      return env.Undefined();
    }
    const auto payload = info[2].As<Napi::Uint8Array>();
    const auto identifier = static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value());
    const auto sent = (*pinger_)->ping(address.value(), identifier, {payload.Data(), payload.ByteLength()});
    if (!sent) {
      throwError(env, sent.error());
      return env.Undefined();
    }
    return Napi::Number::New(env, sent.value());
  }

  Napi::Value cancel(const Napi::CallbackInfo& info) {
    if (*pinger_ != nullptr && info[0].IsNumber()) (*pinger_)->cancel(info[0].As<Napi::Number>().Uint32Value());
    return info.Env().Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    shutDown();
    return info.Env().Undefined();
  }

  Napi::ThreadSafeFunction notify_;
  bool hasNotify_ = false;
  bool hasHook_ = false;
  // The inner pointer is null when closed.
  std::shared_ptr<std::unique_ptr<Pinger>> pinger_ = std::make_shared<std::unique_ptr<Pinger>>();
};

}  // namespace

void definePinger(Napi::Env env, Napi::Object exports) { exports.Set("Pinger", PingerWrap::define(env)); }

}  // namespace tunvs::binding
