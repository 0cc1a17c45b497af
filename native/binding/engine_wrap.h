// The JavaScript handle of a director: on a device (Engine) or without one (Offline). lib/native/ describes every
// method.
//
// Ends three ways: close(), collection of the handle, or the end of its environment (process exit, worker_threads
// terminate). Each joins the worker threads before anything that they use goes away.
//
// Invariant: what a call into JavaScript is about outlives the call. A policy that closes its director has closed it
// for everybody else at once; what this object holds goes when the policy has returned.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/policy_binding.h"
#include "engine/engine.h"
#include "engine/offline.h"

namespace tunvs::binding {

class DirectorWrap : public Napi::ObjectWrap<DirectorWrap> {
 public:
  static void define(Napi::Env env, Napi::Object exports);
  explicit DirectorWrap(const Napi::CallbackInfo& info);
  ~DirectorWrap() override;
  DirectorWrap(const DirectorWrap&) = delete;
  DirectorWrap& operator=(const DirectorWrap&) = delete;

  // Null when offline or closed.
  Engine* engine() const { return engine_.get(); }

 private:
  Napi::Value apply(const Napi::CallbackInfo& info);
  Napi::Value services(const Napi::CallbackInfo& info);
  Napi::Value service(const Napi::CallbackInfo& info);
  Napi::Value server(const Napi::CallbackInfo& info);
  Napi::Value endRemoved(const Napi::CallbackInfo& info);
  Napi::Value connections(const Napi::CallbackInfo& info);
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value endConnections(const Napi::CallbackInfo& info);
  Napi::Value collect(const Napi::CallbackInfo& info);
  Napi::Value setTimeouts(const Napi::CallbackInfo& info);
  Napi::Value timeouts(const Napi::CallbackInfo& info);
  Napi::Value setSysctl(const Napi::CallbackInfo& info);
  Napi::Value sysctls(const Napi::CallbackInfo& info);
  Napi::Value readCounters(const Napi::CallbackInfo& info);
  Napi::Value tableInfo(const Napi::CallbackInfo& info);
  Napi::Value process(const Napi::CallbackInfo& info);
  Napi::Value advance(const Napi::CallbackInfo& info);
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value onEvents(const Napi::CallbackInfo& info);
  Napi::Value onPolicies(const Napi::CallbackInfo& info);
  Napi::Value putQuestions(const Napi::CallbackInfo& info);
  Napi::Value workerCpu(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // False, with an exception pending, when the handle is closed.
  bool isOpen(Napi::Env env) const;
  bool isOffline(Napi::Env env) const;
  Director& director() const { return engine_ != nullptr ? engine_->director() : offline_->director(); }
  Result<void> checkDirectRouting(std::span<const Operation> operations, size_t& failedAt) const;
  Tick now() const;
  void shutDown();
  void hookEnd();
  bool askPolicies(Napi::Env env, std::span<const PolicyQuestion> questions, std::span<PolicyAnswer> answers);
  bool takeQuestions();
  void tellOfQuestions();
  static void endOfEnvironment(void* self);

  size_t tableBytes_ = 0;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Offline> offline_;
  bool ranBefore_ = false;
  Napi::ThreadSafeFunction notify_;
  bool hasNotify_ = false;
  std::shared_ptr<DirectorWrap*> self_ = std::make_shared<DirectorWrap*>(this);  // *self_ is null once this is gone
  std::unique_ptr<PolicyBinding> policies_;
  Napi::FunctionReference policyCallback_;
  std::vector<PolicyQuestion> questions_;  // of the batch at hand
  std::vector<PolicyAnswer> answers_;
  std::vector<size_t> asking_;  // the worker of each
  size_t rowsAtOnce_ = 1;       // questions that are put between two looks at the clock, [1, kMaxRowsAtOnce]
  size_t nextWorker_ = 0;       // whose questions come first
  Napi::ThreadSafeFunction policyNotify_;
  bool hasPolicyNotify_ = false;
  bool isAsking_ = false;         // a policy runs
  bool isProcessing_ = false;     // offline
  bool environmentEnds_ = false;  // offline: in the process() at hand
  bool isClosing_ = false;        // closed while one of the two was going on
  bool hasHook_ = false;
};

}  // namespace tunvs::binding
