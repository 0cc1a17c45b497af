// The JavaScript handle of a director on a device.
//
// It ends in one of three ways: by close(), by collection of the handle, or with its environment (process exit,
// worker_threads terminate). Each joins the worker threads before anything that they use goes away.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/director_calls.h"
#include "binding/policy_binding.h"
#include "engine/engine.h"
#include "engine/question_batch.h"

namespace tunvs::binding {

class EngineWrap : public Napi::ObjectWrap<EngineWrap>, public DirectorCalls {
 public:
  static void define(Napi::Env env, Napi::Object exports);
  explicit EngineWrap(const Napi::CallbackInfo& info);
  ~EngineWrap() override;

  // Returns null when closed.
  Engine* engine() const { return engine_.get(); }

 private:
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value onEvents(const Napi::CallbackInfo& info);
  Napi::Value onPolicies(const Napi::CallbackInfo& info);
  Napi::Value putQuestions(const Napi::CallbackInfo& info);
  Napi::Value workerCpu(const Napi::CallbackInfo& info);
  Napi::Value workersTurned(const Napi::CallbackInfo& info);
  Napi::Value fastPath(const Napi::CallbackInfo& info);
  Napi::Value takenOver(const Napi::CallbackInfo& info);
  Napi::Value resume(const Napi::CallbackInfo& info);
  Napi::Value holdWorkers(const Napi::CallbackInfo& info);
  Napi::Value deviceQueues(const Napi::CallbackInfo& info);
  Napi::Value setRingPrefixes(const Napi::CallbackInfo& info);
  Napi::Value rings(const Napi::CallbackInfo& info);
  Napi::Value startSync(const Napi::CallbackInfo& info);
  Napi::Value stopSync(const Napi::CallbackInfo& info);
  Napi::Value sync(const Napi::CallbackInfo& info);

  Director* openDirector() const override;
  Tick now() const override;
  void shutDown() override;
  // Checks that direct routing can reach its servers.
  Result<void> check(std::span<const Operation> operations, size_t& failedAt) const override;
  void applied(std::span<const Operation> operations) override;
  void hookEnd();
  void tellOfQuestions();
  static void endOfEnvironment(void* self);

  std::unique_ptr<Engine> engine_;
  bool ranBefore_ = false;
  Napi::ThreadSafeFunction notify_;
  bool hasNotify_ = false;
  std::shared_ptr<EngineWrap*> self_ = std::make_shared<EngineWrap*>(this);  // *self_ is null once this is gone
  std::unique_ptr<PolicyBinding> policies_;
  QuestionBatch batch_;  // the questions of the current turn
  Napi::ThreadSafeFunction policyNotify_;
  bool hasPolicyNotify_ = false;
  bool hasHook_ = false;
};

}  // namespace tunvs::binding
