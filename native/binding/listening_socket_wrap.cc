#include "binding/listening_socket_wrap.h"

#include <uv.h>

#include "binding/arguments.h"
#include "binding/call.h"
#include "binding/errors.h"
#include "io/os/accept_client.h"

namespace tunvs::binding {
namespace {

// What libuv and Node-API know by its address: it lives until libuv has closed the handle, whoever goes first.
//
// Thread safety: the environment's thread.
struct Watched {
  uv_poll_t poll;
  UniqueFd socket;
  napi_env env;
  napi_ref ready = nullptr;  // the function that is called
  napi_async_context context = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  Watched** owner = nullptr;  // the wrap's pointer to this; none when closing

  void close() {
    if (!owner) return;
    *owner = nullptr;
    owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&poll), [](uv_handle_t* handle) {
      auto* self = static_cast<Watched*>(handle->data);
      if (self->hook) napi_remove_async_cleanup_hook(self->hook);
      delete self;
    });
    // The number must not come to belong to something else while libuv watches it: uv_close() has ended that.
    socket.reset();
    if (context) napi_async_destroy(env, context);
    if (ready) napi_delete_reference(env, ready);
  }

  void callJs() {
    Napi::HandleScope scope(env);
    napi_value function, receiver;
    if (napi_get_reference_value(env, ready, &function) != napi_ok) return;
    if (napi_get_global(env, &receiver) != napi_ok) return;
    const napi_status status = napi_make_callback(env, context, receiver, function, 0, nullptr, nullptr);
    napi_value exception;
    // Nobody called who could catch it. An environment that ends makes no call, and has no exception.
    if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &exception) == napi_ok)
      napi_fatal_exception(env, exception);
  }
};

// It ends by close(), by collection or with its environment.
class ListeningSocketWrap : public Napi::ObjectWrap<ListeningSocketWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativeListeningSocket",
        {InstanceMethod<&ListeningSocketWrap::watch>("watch"), InstanceMethod<&ListeningSocketWrap::rest>("rest"),
         InstanceMethod<&ListeningSocketWrap::accept>("accept"), InstanceMethod<&ListeningSocketWrap::close>("close")});
  }

  explicit ListeningSocketWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsNumber() || !info[1].IsFunction()) {
      throwInvalidArgument(env, "ListeningSocket takes a file descriptor and a function");
      return;
    }
    auto socket = duplicated(info[0].As<Napi::Number>().Int32Value());
    if (!socket) {
      throwError(env, socket.error());
      return;
    }
    uv_loop_t* loop = nullptr;
    auto watched = std::make_unique<Watched>();
    watched->env = env;
    watched->socket = std::move(socket).value();
    if (napi_get_uv_event_loop(env, &loop) != napi_ok) return;
    if (const int status = uv_poll_init(loop, &watched->poll, watched->socket.get()); status != 0) {
      throwError(env, Error::fromErrno(-status, "epoll_ctl", "can't watch a listening socket"));
      return;
    }
    watched->owner = &watched_;
    watched_ = watched.release();
    watched_->poll.data = watched_;
    napi_create_reference(env, info[1], 1, &watched_->ready);
    napi_async_init(env, nullptr, Napi::String::New(env, "tunvs listening socket"), &watched_->context);
    napi_add_async_cleanup_hook(
        env, [](napi_async_cleanup_hook_handle, void* self) { static_cast<Watched*>(self)->close(); }, watched_,
        &watched_->hook);
  }

  ~ListeningSocketWrap() override { shutDown(); }

 private:
  void shutDown() {
    if (watched_) watched_->close();
  }

  Napi::Value watch(const Napi::CallbackInfo& info) {
    if (watched_)
      uv_poll_start(&watched_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
        // It says so once: whoever is told decides when to look again.
        uv_poll_stop(poll);
        static_cast<Watched*>(poll->data)->callJs();
      });
    return info.Env().Undefined();
  }

  Napi::Value rest(const Napi::CallbackInfo& info) {
    if (watched_) uv_poll_stop(&watched_->poll);
    return info.Env().Undefined();
  }

  Napi::Value accept(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!watched_) return env.Undefined();
    auto accepted = acceptClient(watched_->socket.get(), info[0].As<Napi::Number>().Uint32Value());
    if (!accepted) {
      throwError(env, accepted.error());
      return env.Undefined();
    }
    UniqueFd& client = accepted.value().client;
    Napi::Object result = Napi::Object::New(env);
    result.Set("gone", Napi::Number::New(env, accepted.value().gone));
    if (client) result.Set("descriptor", Napi::Number::New(env, client.release()));
    return result;
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    shutDown();
    return info.Env().Undefined();
  }

  Watched* watched_ = nullptr;  // null when closed
};

}  // namespace

void defineListeningSocket(Napi::Env env, Napi::Object exports) {
  exports.Set("ListeningSocket", ListeningSocketWrap::define(env));
}

}  // namespace tunvs::binding
