// The laws of translated connections and their reply entries in the tables of a director (translated.h).
#pragma once

#include <string>

#include "director/director.h"

namespace tunvs::testing {

// Returns the law that is broken, or "" when all of them hold:
//  1. No two entries that are found have the same key.
//  2. Every translated connection has a live reply entry that leads back to it, and no other reply entry exists.
//  3. A reply entry that is hidden is so by another of its key that is found.
//  4. A template's count is the number of live connections that count on it.
//  5. As many connections are expected as there are marked so, and FTP's sessions are those of live entries.
// REQUIRES: no worker is within a call.
std::string brokenNatLaw(const Director& director);

}  // namespace tunvs::testing
