#include "io/compose_queue.h"

#include <utility>

#include "io/tun/tun_egress.h"

namespace tunvs {

Result<std::unique_ptr<ComposedQueue>> QueueEgresses::compose(DeviceQueue& in, size_t index) {
  // What is written comes out of the main device, whichever port it came by, so that the host's rules need to know only
  // one.
  const int written = main_.tunDescriptor(index % main_.queueCount());
  context_.egress.tunDescriptor = written;
  context_.egress.hasVnetHeader = main_.hasVnetHeader();
  context_.egress.sendsTrains = options_.offloads.allows(OffloadFeature::gue);
  const bool isFirst = context_.main == nullptr && index == 0;
  auto egress = openEgress(name_, context_.egress, isFirst ? &context_.passedOver : nullptr);
  if (!egress) return egress.error();
  name_ = egress.value()->name();
  if (index == 0) sendsTrains_ = egress.value()->sendsTrains();
  return std::make_unique<ComposedQueue>(in, std::move(egress).value(),
                                         std::make_unique<TunEgress>(written, main_.hasVnetHeader()));
}

}  // namespace tunvs
