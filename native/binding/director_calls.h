// What JavaScript can ask of any director, whether a device's workers drive it (EngineWrap) or the caller does
// (OfflineWrap). lib/native/ describes every method.
//
// Invariant: whatever a call into JavaScript is about outlives the call. When a policy closes its director, the
// director is closed for everybody else at once, but what the handle holds is freed only when the policy has returned.
#pragma once

#include <napi.h>

#include <span>
#include <utility>
#include <vector>

#include "director/director.h"

namespace tunvs::binding {

class DirectorCalls {
 public:
  DirectorCalls() = default;
  DirectorCalls(const DirectorCalls&) = delete;
  DirectorCalls& operator=(const DirectorCalls&) = delete;

  // Returns the methods of a class that derives from this one, together with its own.
  template <typename Wrap>
  static std::vector<Napi::ClassPropertyDescriptor<Wrap>> withMethods(
      std::vector<Napi::ClassPropertyDescriptor<Wrap>> own);

 protected:
  ~DirectorCalls() = default;

  // Returns null when closed.
  virtual Director* openDirector() const = 0;
  virtual Tick now() const = 0;
  // Lets go of the director and of all that was made for it. It is safe to call twice.
  virtual void shutDown() = 0;
  // Tells whether these operations can come into force; `failedAt` gets the index of the one that can't.
  virtual Result<void> check(std::span<const Operation> operations, size_t& failedAt) const;
  // Called when the operations have come into force.
  virtual void applied(std::span<const Operation> operations);

  // Returns false, with an exception pending, when the handle is closed.
  bool isOpen(Napi::Env env) const;
  // REQUIRES: open
  Director& director() const { return *openDirector(); }
  // Runs something that calls JavaScript. A close() meanwhile takes effect afterwards. REQUIRES: !isHeld()
  template <typename Run>
  void hold(Run&& run) {
    isHeld_ = true;
    run();
    isHeld_ = false;
    if (isClosing_) shutDown();
  }
  bool isHeld() const { return isHeld_; }
  bool isClosing() const { return isClosing_; }

  size_t tableBytes_ = 0;  // of the connection table

 private:
  Napi::Value apply(const Napi::CallbackInfo& info);
  Napi::Value services(const Napi::CallbackInfo& info);
  Napi::Value service(const Napi::CallbackInfo& info);
  Napi::Value server(const Napi::CallbackInfo& info);
  Napi::Value endRemoved(const Napi::CallbackInfo& info);
  Napi::Value settle(const Napi::CallbackInfo& info);
  Napi::Value connections(const Napi::CallbackInfo& info);
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value endConnections(const Napi::CallbackInfo& info);
  Napi::Value pinTarget(const Napi::CallbackInfo& info);
  Napi::Value pin(const Napi::CallbackInfo& info);
  Napi::Value releasePin(const Napi::CallbackInfo& info);
  Napi::Value pinReport(const Napi::CallbackInfo& info);
  Napi::Value collect(const Napi::CallbackInfo& info);
  Napi::Value natServers(const Napi::CallbackInfo& info);
  Napi::Value setTimeouts(const Napi::CallbackInfo& info);
  Napi::Value timeouts(const Napi::CallbackInfo& info);
  Napi::Value setSysctl(const Napi::CallbackInfo& info);
  Napi::Value sysctls(const Napi::CallbackInfo& info);
  Napi::Value readCounters(const Napi::CallbackInfo& info);
  Napi::Value tableInfo(const Napi::CallbackInfo& info);
  Napi::Value tablePages(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  bool isHeld_ = false;
  bool isClosing_ = false;  // close() was called while it was held
};

template <typename Wrap>
std::vector<Napi::ClassPropertyDescriptor<Wrap>> DirectorCalls::withMethods(
    std::vector<Napi::ClassPropertyDescriptor<Wrap>> own) {
  constexpr std::pair<const char*, Napi::Value (DirectorCalls::*)(const Napi::CallbackInfo&)> kMethods[] = {
      {"apply", &DirectorCalls::apply},
      {"services", &DirectorCalls::services},
      {"service", &DirectorCalls::service},
      {"server", &DirectorCalls::server},
      {"endRemoved", &DirectorCalls::endRemoved},
      {"settle", &DirectorCalls::settle},
      {"connections", &DirectorCalls::connections},
      {"explain", &DirectorCalls::explain},
      {"endConnections", &DirectorCalls::endConnections},
      {"collect", &DirectorCalls::collect},
      {"natServers", &DirectorCalls::natServers},
      {"setTimeouts", &DirectorCalls::setTimeouts},
      {"timeouts", &DirectorCalls::timeouts},
      {"setSysctl", &DirectorCalls::setSysctl},
      {"sysctls", &DirectorCalls::sysctls},
      {"readCounters", &DirectorCalls::readCounters},
      {"tableInfo", &DirectorCalls::tableInfo},
      {"tablePages", &DirectorCalls::tablePages},
      {"close", &DirectorCalls::close},
      {"pinTarget", &DirectorCalls::pinTarget},
      {"pin", &DirectorCalls::pin},
      {"releasePin", &DirectorCalls::releasePin},
      {"pinReport", &DirectorCalls::pinReport},
  };
  for (const auto& [name, method] : kMethods) own.push_back(Wrap::InstanceMethod(name, method));
  return own;
}

}  // namespace tunvs::binding
