// Runs a director through a program of packets, times and control operations, and checks the laws that must hold
// whatever the program is. The property test feeds it random bytes, the fuzzer what it evolves, the seed corpus what is
// known to be useful.
//
// A program consists of bytes: an operation's code, then its arguments (see director_program.cc). Any bytes are a
// program, and missing arguments are 0.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tunvs::testing {

// Returns the law that was broken and where, or "" when all of them hold:
//  1. received = forwarded + all other verdicts, for each worker; as many outputs as forwarded packets.
//  2. A server's active + inactive count is the number of live connections that name it, and connections that are
//     shown as active are those that are counted as such.
//  3. Connections created = live + expired + evicted + dropped.
//  4. An output is the input behind a valid outer header to a real server that was configured, a fragment of the
//     input's datagram, or a valid answer to the input's client: also when outputs are flushed within a vector.
//  5. A connection once forwarded goes to the same server while it lives, and is never sent to a removed server.
//  6. A transaction that fails changes nothing.
//  7. When everything has ended, nothing is left: no connection, and no count that is not 0.
//  8. After a server's connections were ended it has none, and no other server lost any.
//  9. A pinned flow goes to its server until the pin's end, whatever becomes of the server, and counts only there; a
//  flow is pinned unless it is already, or has a connection.
//  10. Translated connections have their reply entries, as support/nat_laws.h says.
//  11. What is rewritten differs from what came in its endpoints alone, and its checksums are as right as they were. A
//  reply leaves in the name of a virtual service whose packets had reached that server from that client.
std::string runDirectorProgram(std::span<const uint8_t> program);

}  // namespace tunvs::testing
