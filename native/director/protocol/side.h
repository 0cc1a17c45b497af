// Whose packets a connection's state follows. A director that gets only the client's packets has to guess what the
// server does; one that gets both sides' packets, as with LVS/NAT, sees it.
#pragma once

#include <cstdint>

namespace tunvs {

enum class Side : uint8_t {
  clientOnly,  // the client's packet, of a connection whose server answers past the director
  client,      // the client's packet, of a connection whose server's packets are seen, too
  server,      // the server's packet
};

}  // namespace tunvs
