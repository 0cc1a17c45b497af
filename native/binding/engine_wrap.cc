#include "binding/engine_wrap.h"

#include <sys/random.h>

#include "binding/convert.h"
#include "binding/errors.h"
#include "engine/clock.h"

namespace tunvs::binding {
namespace {

Result<HashSecret> drawSecret() {
  HashSecret secret;
  if (getrandom(&secret, sizeof secret, 0) != static_cast<ssize_t>(sizeof secret)) {
    return Error::fromErrno(errno, "getrandom", "could not draw the connection table's secret");
  }
  secret.finish |= 1;
  return secret;
}

}  // namespace

void DirectorWrap::define(Napi::Env env, Napi::Object exports) {
  Napi::Function constructor = DefineClass(env, "NativeDirector",
                                           {
                                               InstanceMethod<&DirectorWrap::apply>("apply"),
                                               InstanceMethod<&DirectorWrap::services>("services"),
                                               InstanceMethod<&DirectorWrap::connections>("connections"),
                                               InstanceMethod<&DirectorWrap::explain>("explain"),
                                               InstanceMethod<&DirectorWrap::endConnections>("endConnections"),
                                               InstanceMethod<&DirectorWrap::service>("service"),
                                               InstanceMethod<&DirectorWrap::server>("server"),
                                               InstanceMethod<&DirectorWrap::endRemoved>("endRemoved"),
                                               InstanceMethod<&DirectorWrap::collect>("collect"),
                                               InstanceMethod<&DirectorWrap::setTimeouts>("setTimeouts"),
                                               InstanceMethod<&DirectorWrap::timeouts>("timeouts"),
                                               InstanceMethod<&DirectorWrap::setSysctl>("setSysctl"),
                                               InstanceMethod<&DirectorWrap::sysctls>("sysctls"),
                                               InstanceMethod<&DirectorWrap::readCounters>("readCounters"),
                                               InstanceMethod<&DirectorWrap::tableInfo>("tableInfo"),
                                               InstanceMethod<&DirectorWrap::process>("process"),
                                               InstanceMethod<&DirectorWrap::advance>("advance"),
                                               InstanceMethod<&DirectorWrap::start>("start"),
                                               InstanceMethod<&DirectorWrap::onEvents>("onEvents"),
                                               InstanceMethod<&DirectorWrap::onPolicies>("onPolicies"),
                                               InstanceMethod<&DirectorWrap::putQuestions>("putQuestions"),
                                               InstanceMethod<&DirectorWrap::workerCpu>("workerCpu"),
                                               InstanceMethod<&DirectorWrap::close>("close"),
                                           });
  exports.Set("Director", constructor);
}

DirectorWrap::DirectorWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  ObjectReader reader(info[0], "options");
  DirectorOptions options;
  options.maxConnections =
      static_cast<uint32_t>(reader.integer("maxConnections", ConnTable::kMinCapacity, ConnTable::kMaxCapacity));
  options.workers = static_cast<size_t>(reader.integer("workers", 1, Epochs::kMaxReaders - 1));
  const auto sources = reader.strings("sources");
  options.settings.pathMtu = static_cast<uint32_t>(reader.integer("pathMtu", 576, kMaxPacketBytes));
  options.settings.pathMtuFloor = static_cast<uint16_t>(reader.integer("pathMtuFloor", 68, kMaxPacketBytes));
  const std::string pingReply = reader.string("pingReply");
  const std::string noServerReply = reader.string("noServerReply");
  const auto seed = reader.optionalBigInt("seed");
  const bool offline = reader.boolean("offline");
  if (!reader.ok()) return;
  for (const std::string& text : sources) {
    auto source = parseSourceRange(text);
    if (!source) {
      throwError(env, source.error());
      return;
    }
    auto& place = source->base.isV4() ? options.settings.v4 : options.settings.v6;
    if (place) {
      throwInvalidArgument(env, "options.sources holds two addresses of one family");
      return;
    }
    place = source.value();
  }
  const auto ping = pingReplyByName(pingReply);
  const auto noServer = noServerReplyByName(noServerReply);
  if (!ping || !noServer) {
    throwInvalidArgument(env, !ping ? "options.pingReply must be 'always', 'when-up' or 'never'"
                                    : "options.noServerReply must be 'unreachable' or 'reset'");
    return;
  }
  options.settings.pingReply = *ping;
  options.settings.noServerReply = *noServer;
  if (seed) {
    options.secret = HashSecret::fromSeed(*seed);
  } else {
    auto secret = drawSecret();
    if (!secret) {
      throwError(env, secret.error());
      return;
    }
    options.secret = secret.value();
  }
  tableBytes_ = Director::tableBytes(options);
  if (offline) {
    options.workers = 1;
    auto made = Offline::create(options);
    if (!made) {
      throwError(env, made.error());
      return;
    }
    offline_ = std::move(made).value();
  } else {
    auto made = Engine::create(options);
    if (!made) {
      throwError(env, made.error());
      return;
    }
    engine_ = std::move(made).value();
  }
}

DirectorWrap::~DirectorWrap() {
  shutDown();
  *self_ = nullptr;
}

void DirectorWrap::endOfEnvironment(void* self) {
  static_cast<DirectorWrap*>(self)->hasHook_ = false;
  static_cast<DirectorWrap*>(self)->shutDown();
}

void DirectorWrap::shutDown() {
  engine_.reset();  // joins the workers: after this nobody calls notify_
  offline_.reset();
  if (hasNotify_) {
    notify_.Release();
    hasNotify_ = false;
  }
  if (hasPolicyNotify_) {
    policyNotify_.Release();
    hasPolicyNotify_ = false;
  }
  policyCallback_.Reset();
  policies_.reset();
  if (hasHook_) napi_remove_env_cleanup_hook(Env(), endOfEnvironment, this);
  hasHook_ = false;
}

// The hook added last runs first: the workers must be gone when the thread-safe functions clean up.
void DirectorWrap::hookEnd() {
  if (hasHook_) napi_remove_env_cleanup_hook(Env(), endOfEnvironment, this);
  napi_add_env_cleanup_hook(Env(), endOfEnvironment, this);
  hasHook_ = true;
}

bool DirectorWrap::isOpen(Napi::Env env) const {
  if (!isClosing_ && (engine_ != nullptr || offline_ != nullptr)) return true;
  throwError(env, Error::make(ErrorCode::closed, "the director was closed"));
  return false;
}

bool DirectorWrap::isOffline(Napi::Env env) const {
  if (!isOpen(env)) return false;
  if (offline_ != nullptr) return true;
  throwError(env, Error::make(ErrorCode::unsupported, "only an offline director is driven by hand"));
  return false;
}

Tick DirectorWrap::now() const { return offline_ != nullptr ? offline_->now() : coarseNow(); }

Napi::Value DirectorWrap::close(const Napi::CallbackInfo& info) {
  if (isAsking_ || isProcessing_) {
    isClosing_ = true;
  } else {
    shutDown();
  }
  return info.Env().Undefined();
}

}  // namespace tunvs::binding
