// Hands open descriptors to another process over a unix socket (SCM_RIGHTS, unix(7)), which Node does not.
//
// Thread safety: any thread, one at a time for a socket.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

// The kernel's limit for one message.
inline constexpr size_t kMaxPassedDescriptors = 253;

// Connects to the unix stream socket at `path`.
Result<UniqueFd> connectLocal(const std::string& path);

// Sends the bytes, with the descriptors beside the first of them. Waits `timeoutMs` for room at most.
Result<void> sendDescriptors(int socket, std::string_view bytes, std::span<const int> descriptors, int timeoutMs);

struct PassedLine {
  std::string text;  // without its newline
  std::vector<UniqueFd> descriptors;
};
// Reads up to a newline, byte for byte no further, and every descriptor that comes with it. Fails after `timeoutMs`,
// at the stream's end, and when the line has more than `maxBytes`.
Result<PassedLine> receiveLine(int socket, size_t maxBytes, int timeoutMs);

}  // namespace tunvs
