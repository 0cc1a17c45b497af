#include "io/tc/life_token.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tunvs {
namespace {

constexpr std::string_view kPrefix = "tunvs-";

constexpr size_t kNameBytes = kPrefix.size() + 16;

// Calls bind(2) or connect(2) with a new socket and this name; returns the socket, or nothing with errno set.
template <typename Call>
UniqueFd socketBy(Call call, std::string_view name) {
  sockaddr_un address{};
  static_assert(kNameBytes < sizeof address.sun_path);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (!socket || call(socket.get(), reinterpret_cast<sockaddr*>(&address), length) < 0) return UniqueFd();
  return socket;
}

}  // namespace

Result<LifeToken> LifeToken::make() {
  uint64_t drawn = 0;
  if (::getrandom(&drawn, sizeof drawn, 0) != static_cast<ssize_t>(sizeof drawn))
    return Error::fromErrno(errno, "getrandom", "can't draw a name");
  std::string name(kPrefix);
  constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[drawn >> shift & 15];
  UniqueFd socket = socketBy(::bind, name);
  if (!socket) return Error::fromErrno(errno, "bind", "can't hold the name " + name);
  return LifeToken(std::move(name), std::move(socket));
}

bool LifeToken::isHeld(std::string_view name) {
  if (!name.starts_with(kPrefix) || name.size() != kNameBytes) return false;
  // Whatever else keeps us from asking, the name may be somebody's.
  return bool(socketBy(::connect, name)) || errno != ECONNREFUSED;
}

}  // namespace tunvs
