#include "binding/host_monitor_wrap.h"

#include "binding/arguments.h"
#include "binding/call.h"
#include "binding/convert.h"
#include "binding/errors.h"
#include "binding/told_by_thread.h"
#include "io/route/host_monitor.h"

namespace tunvs::binding {
namespace {

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
    monitor_.start(
        env, info[1].As<Napi::Function>(), "tunvs host monitor", /*keepsAlive=*/false, tell,
        [protocol](std::function<void()> changed) { return HostMonitor::start(protocol, std::move(changed)); });
  }

 private:
  static void tell(Napi::Env env, Napi::Function callback, HostMonitor& monitor) {
    const HostChanges changes = monitor.take();
    napi_value argument;
    if (changes == 0 || napi_create_uint32(env, changes, &argument) != napi_ok) return;
    // An exception goes on to Node-API, which reports it. An ending environment gives no result.
    static_cast<void>(callFunction(env, callback, {&argument, 1}));
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    monitor_.close();
    return info.Env().Undefined();
  }

  ToldByThread<HostMonitor> monitor_;
};

}  // namespace

void defineHostMonitor(Napi::Env env, Napi::Object exports) {
  exports.Set("HostMonitor", HostMonitorWrap::define(env));
  exports.Set("hostChanges", namesToJs(env, kHostChangeNames));
}

}  // namespace tunvs::binding
