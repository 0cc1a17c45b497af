// One datagram to a unix socket, as service managers take their services' news (sd_notify(3)).
#pragma once

#include <string_view>

#include "core/result.h"

namespace tunvs {

// Sends without waiting. `path` begins with '/', or with '@' if the socket is abstract.
Result<void> sendDatagram(std::string_view path, std::string_view text);

}  // namespace tunvs
