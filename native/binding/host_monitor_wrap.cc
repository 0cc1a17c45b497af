#include "binding/host_monitor_wrap.h"

#include "binding/arguments.h"
#include "binding/call.h"
#include "binding/convert.h"
#include "binding/errors.h"
#include "io/route/host_monitor.h"

namespace tunvs::binding {
namespace {

// It ends by close(), by collection or with its environment. Each joins the thread before the thread-safe function
// goes.
class HostMonitorWrap : public Napi::ObjectWrap<HostMonitorWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeHostMonitor", {InstanceMethod<&HostMonitorWrap::close>("close")});
  }

  explicit HostMonitorWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const Napi::Env env = info.Env();
    ObjectReader reader(info[0], "options");
    const auto protocol = static_cast<uint8_t>(reader.integer("routeProtocol", 0, 255));
    if (!reader.ok()) return;
    if (!info[1].IsFunction()) {
      throwInvalidArgument(env, "HostMonitor takes options and a function");
      return;
    }
    notify_ = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "tunvs host monitor", 0, 1);
    notify_.Unref(env);
    hasNotify_ = true;
    // The hook is added behind the thread-safe function: the hook added last runs first, and the thread must be gone by
    // then.
    napi_add_env_cleanup_hook(env, endOfEnvironment, this);
    hasHook_ = true;
    auto started = HostMonitor::start(protocol, [this] { callJs(); });
    if (!started) {
      shutDown();
      throwError(env, started.error());
      return;
    }
    *monitor_ = std::move(started).value();
  }

  ~HostMonitorWrap() override { shutDown(); }

 private:
  // The monitor's thread calls this. The call may arrive after the handle was collected, so it holds a share of its
  // own.
  void callJs() {
    notify_.NonBlockingCall([monitor = monitor_](Napi::Env env, Napi::Function callback) {
      if (*monitor == nullptr) return;  // closed meanwhile
      const HostChanges changes = (*monitor)->take();
      if (changes == 0) return;
      // An environment that is ending still makes the calls that are queued, but lets them run no JavaScript. Then
      // there is nobody to tell.
      napi_value argument;
      if (napi_create_uint32(env, changes, &argument) != napi_ok) return;
      // An exception goes on to Node-API, which reports it. An ending environment gives no result.
      static_cast<void>(callFunction(env, callback, {&argument, 1}));
    });
  }

  static void endOfEnvironment(void* self) {
    static_cast<HostMonitorWrap*>(self)->hasHook_ = false;
    static_cast<HostMonitorWrap*>(self)->shutDown();
  }

  void shutDown() {
    monitor_->reset();  // joins the thread: nobody calls notify_ after this
    if (hasNotify_) notify_.Release();
    hasNotify_ = false;
    if (hasHook_) napi_remove_env_cleanup_hook(Env(), endOfEnvironment, this);
    hasHook_ = false;
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    shutDown();
    return info.Env().Undefined();
  }

  Napi::ThreadSafeFunction notify_;
  bool hasNotify_ = false;
  bool hasHook_ = false;
  // The inner pointer is null when closed.
  std::shared_ptr<std::unique_ptr<HostMonitor>> monitor_ = std::make_shared<std::unique_ptr<HostMonitor>>();
};

}  // namespace

void defineHostMonitor(Napi::Env env, Napi::Object exports) {
  exports.Set("HostMonitor", HostMonitorWrap::define(env));
  exports.Set("hostChanges", namesToJs(env, kHostChangeNames));
}

}  // namespace tunvs::binding
