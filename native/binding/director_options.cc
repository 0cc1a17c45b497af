#include "binding/director_options.h"

#include <sys/random.h>

#include "binding/convert.h"
#include "binding/errors.h"

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

bool readDirectorOptions(ObjectReader& reader, DirectorOptions& options) {
  const Napi::Env env = reader.env();
  options.maxConnections =
      static_cast<uint32_t>(reader.integer("maxConnections", ConnTable::kMinCapacity, ConnTable::kMaxCapacity));
  const auto sources = reader.strings("sources");
  options.settings.pathMtu = static_cast<uint32_t>(reader.integer("pathMtu", 576, kMaxPacketBytes));
  options.settings.pathMtuFloor = static_cast<uint16_t>(reader.integer("pathMtuFloor", 68, kMaxPacketBytes));
  const std::string pingReply = reader.string("pingReply");
  const std::string noServerReply = reader.string("noServerReply");
  const std::string unmatchedReplies = reader.string("unmatchedReplies");
  const std::vector<std::string> natSources = reader.strings("natSources");
  const auto firstPort = static_cast<uint16_t>(reader.integer("natFirstPort", 1, UINT16_MAX));
  const auto lastPort = static_cast<uint16_t>(reader.integer("natLastPort", firstPort, UINT16_MAX));
  const auto seed = reader.optionalBigInt("seed");
  if (!reader.ok()) return false;
  for (const std::string& text : sources) {
    auto source = parseSourceRange(text);
    if (!source) {
      throwError(env, source.error());
      return false;
    }
    auto& place = source->base.isV4() ? options.settings.v4 : options.settings.v6;
    if (place) {
      throwInvalidArgument(env, "options.sources holds two addresses of one family");
      return false;
    }
    place = source.value();
  }
  auto made = NatSources::make(natSources, firstPort, lastPort);
  if (!made) {
    throwError(env, made.error());
    return false;
  }
  options.settings.natSources = std::move(made).value();
  const auto ping = pingReplyByName(pingReply);
  const auto noServer = noServerReplyByName(noServerReply);
  const auto unmatched = unmatchedRepliesByName(unmatchedReplies);
  if (!ping || !noServer || !unmatched) {
    throwInvalidArgument(env, !ping       ? "options.pingReply must be 'always', 'when-up' or 'never'"
                              : !noServer ? "options.noServerReply must be 'unreachable' or 'reset'"
                                          : "options.unmatchedReplies must be 'drop' or 'pass'");
    return false;
  }
  options.settings.pingReply = *ping;
  options.settings.noServerReply = *noServer;
  options.settings.unmatchedReplies = *unmatched;
  if (seed) {
    options.secret = HashSecret::fromSeed(*seed);
  } else {
    auto secret = drawSecret();
    if (!secret) {
      throwError(env, secret.error());
      return false;
    }
    options.secret = secret.value();
  }
  return true;
}

}  // namespace tunvs::binding
