#include "binding/listening_socket_wrap.h"

#include "binding/call.h"
#include "binding/told_by_thread.h"
#include "io/os/listening_socket.h"

namespace tunvs::binding {
namespace {

class ListeningSocketWrap : public Napi::ObjectWrap<ListeningSocketWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativeListeningSocket",
        {InstanceMethod<&ListeningSocketWrap::watch>("watch"), InstanceMethod<&ListeningSocketWrap::accept>("accept"),
         InstanceMethod<&ListeningSocketWrap::close>("close")});
  }

  explicit ListeningSocketWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsNumber() || !info[1].IsFunction()) {
      throwInvalidArgument(env, "ListeningSocket takes a file descriptor and a function");
      return;
    }
    const int fd = info[0].As<Napi::Number>().Int32Value();
    socket_.start(env, info[1].As<Napi::Function>(), "tunvs listening socket", /*keepsAlive=*/true, tell,
                  [fd](std::function<void()> ready) { return ListeningSocket::start(fd, std::move(ready)); });
  }

 private:
  static void tell(Napi::Env env, Napi::Function callback, ListeningSocket&) {
    napi_value exception;
    // Nobody called who could catch it, and it ends the program, as one of Node's own server does.
    if (callFunction(env, callback, {}) == CallEnd::threw &&
        napi_get_and_clear_last_exception(env, &exception) == napi_ok)
      napi_fatal_exception(env, exception);
  }

  Napi::Value watch(const Napi::CallbackInfo& info) {
    if (socket_.get() != nullptr) socket_.get()->watch();
    return info.Env().Undefined();
  }

  Napi::Value accept(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (socket_.get() == nullptr) return env.Undefined();
    auto accepted = socket_.get()->accept(info[0].As<Napi::Number>().Uint32Value());
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
    socket_.close();
    return info.Env().Undefined();
  }

  ToldByThread<ListeningSocket> socket_;
};

}  // namespace

void defineListeningSocket(Napi::Env env, Napi::Object exports) {
  exports.Set("ListeningSocket", ListeningSocketWrap::define(env));
}

}  // namespace tunvs::binding
