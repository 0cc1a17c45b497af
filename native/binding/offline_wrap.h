// The JavaScript handle of a director without a device: the caller supplies packets and time.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/director_calls.h"
#include "binding/policy_binding.h"
#include "engine/offline.h"

namespace tunvs::binding {

class OfflineWrap : public Napi::ObjectWrap<OfflineWrap>, public DirectorCalls {
 public:
  static void define(Napi::Env env, Napi::Object exports);
  explicit OfflineWrap(const Napi::CallbackInfo& info);
  ~OfflineWrap() override;

 private:
  Napi::Value process(const Napi::CallbackInfo& info);
  Napi::Value advance(const Napi::CallbackInfo& info);
  Napi::Value onPolicies(const Napi::CallbackInfo& info);

  Director* openDirector() const override;
  Tick now() const override { return offline_->now(); }
  void shutDown() override;

  std::unique_ptr<Offline> offline_;
  std::unique_ptr<PolicyBinding> policies_;
  bool environmentEnds_ = false;  // during the current process()
};

}  // namespace tunvs::binding
