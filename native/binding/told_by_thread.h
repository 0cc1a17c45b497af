// A ToldByThread owns an object with a thread of its own, and calls a JavaScript function when that thread has
// something to tell. It ends by close(), by its owner's collection or with its environment, and each joins the thread
// before the thread-safe function goes.
//
// Thread safety: the environment's thread calls everything; the object's thread calls what start() was given.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>

#include "binding/errors.h"
#include "core/result.h"

namespace tunvs::binding {

// REQUIRES: ~Told() joins the thread.
template <typename Told>
class ToldByThread {
 public:
  // Tells JavaScript. An environment that is ending still makes the calls that are queued, but lets them run no
  // JavaScript: then there is nobody to tell.
  using Tell = void (*)(Napi::Env env, Napi::Function callback, Told& told);

  ToldByThread() = default;
  ~ToldByThread() { close(); }
  ToldByThread(const ToldByThread&) = delete;
  ToldByThread& operator=(const ToldByThread&) = delete;

  // `make` starts the object with what its thread calls when there is something to tell. If `keepsAlive`, the event
  // loop does not end before close(). An error is thrown in JavaScript.
  template <typename Make>
  void start(Napi::Env env, Napi::Function callback, const char* name, bool keepsAlive, Tell tell, Make&& make) {
    env_ = env;
    notify_ = Napi::ThreadSafeFunction::New(env, callback, name, 0, 1);
    if (!keepsAlive) notify_.Unref(env);
    hasNotify_ = true;
    // The hook is added behind the thread-safe function: the hook added last runs first, and the thread must be gone by
    // then.
    napi_add_env_cleanup_hook(env, endOfEnvironment, this);
    hasHook_ = true;
    auto started = std::forward<Make>(make)([this, tell] { callJs(tell); });
    if (!started) {
      close();
      throwError(env, started.error());
      return;
    }
    *told_ = std::move(started).value();
  }

  // Returns null before start() and after close().
  Told* get() const { return told_->get(); }

  void close() {
    told_->reset();  // joins the thread: nobody calls notify_ after this
    if (hasNotify_) notify_.Release();
    hasNotify_ = false;
    if (hasHook_) napi_remove_env_cleanup_hook(env_, endOfEnvironment, this);
    hasHook_ = false;
  }

 private:
  // The object's thread calls this. The call may arrive after the owner was collected, so it holds a share of its own.
  void callJs(Tell tell) {
    notify_.NonBlockingCall([told = told_, tell](Napi::Env env, Napi::Function callback) {
      if (*told != nullptr) tell(env, callback, **told);  // it may have been closed meanwhile
    });
  }

  static void endOfEnvironment(void* self) {
    static_cast<ToldByThread*>(self)->hasHook_ = false;
    static_cast<ToldByThread*>(self)->close();
  }

  napi_env env_ = nullptr;
  Napi::ThreadSafeFunction notify_;
  bool hasNotify_ = false;
  bool hasHook_ = false;
  // The inner pointer is null when closed.
  std::shared_ptr<std::unique_ptr<Told>> told_ = std::make_shared<std::unique_ptr<Told>>();
};

}  // namespace tunvs::binding
