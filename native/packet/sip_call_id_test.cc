#include "packet/sip_call_id.h"

#include <string>

#include "support/testing.h"

namespace tunvs::sip_call_id_test {
namespace {

std::string callIdOf(const std::string& message) {
  const auto found = sipCallId({reinterpret_cast<const uint8_t*>(message.data()), message.size()});
  return found ? std::string(*found) : "none";
}

const std::string kInvite = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7\r\n";

TEST("a Call-ID is found in its long and its compact form, whatever its case and the blanks around it") {
  for (const char* header :
       {"Call-ID: a84b4c76e66710@pc33", "call-id:a84b4c76e66710@pc33", "CALL-ID \t:  a84b4c76e66710@pc33  ",
        "i: a84b4c76e66710@pc33", "I:a84b4c76e66710@pc33", "Call-ID:\r\n a84b4c76e66710@pc33"}) {
    CHECK_EQ(callIdOf(kInvite + header + "\r\nCSeq: 1 INVITE\r\n\r\n"), "a84b4c76e66710@pc33");
  }
  CHECK_EQ(callIdOf(kInvite + "i: first\r\ni: second\r\n\r\n"), "first");
  CHECK_EQ(callIdOf("SIP/2.0 200 OK\nCall-ID: bare@newlines\n\n"), "bare@newlines");
}

TEST("no Call-ID is found where there is none, or none that can be told") {
  CHECK_EQ(callIdOf(""), "none");
  CHECK_EQ(callIdOf("Call-ID: on-the-request-line\r\n"), "none");
  CHECK_EQ(callIdOf(kInvite + "\r\nCall-ID: in-the-body\r\n"), "none");
  CHECK_EQ(callIdOf(kInvite + "Call-ID: cut-sho"), "none");
  CHECK_EQ(callIdOf(kInvite + "Call-ID:   \r\nCSeq: 1\r\n"), "none");
  CHECK_EQ(callIdOf(kInvite + "X-Call-ID: other\r\nCall-IDs: other\r\n"), "none");
  CHECK_EQ(callIdOf(kInvite + "Call-ID: two words\r\n"), "none");
  CHECK_EQ(callIdOf(kInvite + "Call-ID: \x1b[2J\r\n"), "none");
  CHECK_EQ(callIdOf(kInvite + "Call-ID: " + std::string(255, 'x') + "\r\n"), std::string(255, 'x'));
  CHECK_EQ(callIdOf(kInvite + "Call-ID: " + std::string(256, 'x') + "\r\n"), "none");
}

}  // namespace
}  // namespace tunvs::sip_call_id_test
