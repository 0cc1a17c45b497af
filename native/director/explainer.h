// Says what would become of a packet that came now, and why. Asking changes nothing.
//
// Thread safety: the control thread calls it; workers may run beside it.
#pragma once

#include <memory>

#include "director/connection/connections.h"
#include "director/connection/explanation.h"
#include "director/delivery/forwarder.h"
#include "director/delivery/icmp_path.h"
#include "director/delivery/reply_path.h"
#include "director/fragment/fragment_table.h"
#include "director/worker/worker_context.h"

namespace tunvs {

class Explainer {
 public:
  Explainer(const Control& control, const Connections& connections, const Pins& pins, const FragmentTable& fragments,
            const Forwarder& forwarder, const ReplyPath& replies, IcmpPath& icmp)
      : control_(control),
        connections_(connections),
        pins_(pins),
        fragments_(fragments),
        forwarder_(forwarder),
        replies_(replies),
        icmp_(icmp) {}

  // `mark` is the device's mark. REQUIRES: between Epochs::enter() and leave()
  Explanation explain(const ParsedPacket& parsed, Tick now, uint32_t mark);

 private:
  Explanation explainFlow(const ParsedPacket& parsed, Tick now, uint32_t mark) const;
  // Puts in what becomes of a packet that a real server sends, or of one that came with those.
  void foreseeUnmatched(const ParsedPacket& parsed, Explanation& said) const;
  Explanation explainFragment(const ParsedPacket& parsed, Tick now, uint32_t mark) const;
  Verdict explainOther(const ParsedPacket& parsed) const;
  Explanation explainIcmp(const ParsedPacket& parsed, Tick now, uint32_t mark);

  const Control& control_;
  const Connections& connections_;
  const Pins& pins_;
  const FragmentTable& fragments_;
  const Forwarder& forwarder_;
  const ReplyPath& replies_;
  IcmpPath& icmp_;
  std::unique_ptr<WorkerContext> asking_;  // nothing that is done with it reaches anybody
};

}  // namespace tunvs
