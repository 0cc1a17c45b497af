#include "director/protocol/sctp_state.h"

namespace tunvs {
namespace {

[[maybe_unused]] constexpr SctpState NO = SctpState::none;  // names a row in the comments only
constexpr SctpState I1 = SctpState::init1, IN = SctpState::init, CS = SctpState::cookieSent,
                    CR = SctpState::cookieReplied, CW = SctpState::cookieWait, CO = SctpState::cookie,
                    CE = SctpState::cookieEchoed, ES = SctpState::established, SS = SctpState::shutdownSent,
                    SR = SctpState::shutdownReceived, SA = SctpState::shutdownAckSent, RJ = SctpState::rejected,
                    CL = SctpState::closed;

// Rows are current states, columns are events.
constexpr SctpState kNext[kSctpStates][static_cast<size_t>(SctpEvent::kCount)] = {
    //        data init iack echo cack shut sack scom err  abort
    /* NO */ {ES, I1, CE, ES, ES, SR, CL, CL, CL, CL},
    /* I1 */ {I1, IN, CE, ES, I1, I1, IN, CL, I1, CL},
    /* IN */ {IN, IN, CE, ES, IN, IN, IN, CL, IN, CL},
    /* CS */ {CS, IN, CE, ES, ES, CS, CS, CL, CS, CL},
    /* CR */ {CR, IN, CE, ES, ES, CR, CR, CL, CR, CL},
    /* CW */ {ES, IN, CE, ES, CW, CW, CW, CW, CW, RJ},
    /* CO */ {CO, CO, CO, CO, ES, CO, CO, CO, CO, CL},
    /* CE */ {CE, CE, CE, CE, ES, CE, CE, CE, CE, CL},
    /* ES */ {ES, ES, ES, ES, ES, SR, CL, ES, ES, CL},
    /* SS */ {SS, SS, SS, SS, SS, SS, CL, SS, SS, CL},
    /* SR */ {SR, SR, SR, SR, SR, SR, SR, CL, SR, CL},
    /* SA */ {SA, SA, SA, SA, SA, SA, CL, CL, SA, CL},
    /* RJ */ {RJ, IN, RJ, RJ, RJ, RJ, RJ, RJ, RJ, CL},
    /* CL */ {CL, IN, CL, CL, CL, CL, CL, CL, CL, CL},
};

}  // namespace

SctpState nextSctpState(SctpState now, SctpEvent event) {
  return kNext[static_cast<size_t>(now)][static_cast<size_t>(event)];
}

}  // namespace tunvs
