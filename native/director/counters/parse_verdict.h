// The verdict on a packet that can't be read.
#pragma once

#include "director/counters/verdict.h"
#include "packet/parse.h"

namespace tunvs {

constexpr Verdict verdictOf(ParseError error) {
  switch (error) {
    case ParseError::none: return Verdict::forwarded;
    case ParseError::truncated: return Verdict::dropTruncated;
    case ParseError::badVersion: return Verdict::dropBadVersion;
    case ParseError::badHeader: return Verdict::dropBadHeader;
    case ParseError::badChecksum: return Verdict::dropBadChecksum;
    case ParseError::badSource: return Verdict::dropBadSource;
    case ParseError::sourceRouted: return Verdict::dropSourceRouted;
    case ParseError::ttlExpired: return Verdict::dropTtlExpired;
    case ParseError::protocol: return Verdict::dropProtocol;
    case ParseError::shortTransport: return Verdict::dropShortTransport;
  }
  return Verdict::dropBadHeader;
}

}  // namespace tunvs
