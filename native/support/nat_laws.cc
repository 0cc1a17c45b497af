#include "support/nat_laws.h"

#include <map>
#include <set>
#include <tuple>
#include <vector>

namespace tunvs::testing {
namespace {

using Key = std::tuple<uint64_t, uint64_t, uint64_t, uint64_t, uint64_t>;
Key nameOf(const FlowKey& key) {
  const bool isV4 = key.isV4();
  return {key.words[0], isV4 ? 0 : key.words[1], isV4 ? 0 : key.words[2], isV4 ? 0 : key.words[3], key.tail};
}

class Check {
 public:
  explicit Check(const ConnTable& conns) : conns_(conns) {}

  std::string run() {
    conns_.forEach(0, SIZE_MAX, [&](const Conn& conn) { look(conn); });
    if (replies_ != translated_) return "law 2: reply entries and translated connections differ in number";
    for (const Key& key : hidden_) {
      if (!foundReplies_.contains(key)) return "law 3: a reply entry is hidden by none";
    }
    conns_.forEach(0, SIZE_MAX, [&](const Conn& conn) {
      if (isTemplate(conn) && conn.control.load() != counted_[conns_.referenceOf(&conn)])
        broken_ = "law 4: a template's count is not that of its connections";
    });
    return broken_;
  }
  uint32_t expected() const { return expected_; }
  size_t sessions() const { return ofFtp_; }

 private:
  void look(const Conn& conn) {
    const Key key = nameOf(conns_.keyOf(conn));
    const bool isHidden = (conn.flags.load() & kConnInvalid) != 0;
    if (isTemplate(conn)) return;
    if (isHidden && !isReplyEntry(conn)) broken_ = "law 1: a connection is hidden";
    if (!isHidden && !found_.insert(key).second) broken_ = "law 1: two entries that are found have one key";
    if (isReplyEntry(conn)) return lookAtReply(conn, key, isHidden);
    uint32_t controller = conn.control.load();
    if (isTranslated(conn)) {
      translated_++;
      const Conn& reply = *conns_.named(controller);
      if (!reply.isLive() || !isReplyEntry(reply) || reply.control.load() != conns_.referenceOf(&conn))
        broken_ = "law 2: a translated connection's reply entry does not lead to it";
      controller = reply.packets.load();
    }
    if (controller != 0) counted_[controller]++;
  }
  void lookAtReply(const Conn& reply, const Key& key, bool isHidden) {
    replies_++;
    if (isHidden) hidden_.push_back(key);
    if (!isHidden) foundReplies_.insert(key);
    const uint8_t marks = reply.state.load();
    if ((marks & kReplyExpected) != 0) expected_++;
    if ((marks & kReplyOfFtp) != 0) ofFtp_++;
    if (reply.control.load() == kPendingReply) broken_ = "law 2: a reply entry leads nowhere";
  }

  const ConnTable& conns_;
  std::string broken_;
  std::set<Key> found_, foundReplies_;
  std::vector<Key> hidden_;
  std::map<uint32_t, uint32_t> counted_;
  size_t replies_ = 0, translated_ = 0, ofFtp_ = 0;
  uint32_t expected_ = 0;
};

}  // namespace

std::string brokenNatLaw(const Director& director) {
  Check v4(director.connTable(Family::ipv4)), v6(director.connTable(Family::ipv6));
  for (Check* each : {&v4, &v6}) {
    if (std::string broken = each->run(); !broken.empty()) return broken;
  }
  if (director.ftp().expected.load() != v4.expected() + v6.expected())
    return "law 5: the count of expected connections is wrong";
  if (director.ftp().sessions.count() > v4.sessions() + v6.sessions())
    return "law 5: FTP sessions are left of connections that ended";
  return "";
}

}  // namespace tunvs::testing
