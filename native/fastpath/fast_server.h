// Says how the fast path's program sends to a real server.
//
// Thread safety: pure.
#pragma once

#include <optional>

#include "director/config/service_view.h"
#include "director/config/settings.h"
#include "fastpath/bpf/layout.h"
#include "io/route/next_hop_table.h"

namespace tunvs {

// Returns the server's line; one with ifindex 0 when the program can't send to it: its next hop is not resolved, or its
// forwarding method needs the slow path (a local node, a remote checksum). REQUIRES: the server carries something
FastServer fastServer(const ServerView& server, const std::optional<LinkHop>& hop, const Settings& settings,
                      const Tunables& tunables, Tick now);

// Returns the line of a source address.
FastSource fastSource(const Settings& settings, size_t index);

// Tells whether the lines differ in what has to hold still while the program may use them.
bool differsInPath(const FastServer& a, const FastServer& b);

}  // namespace tunvs
