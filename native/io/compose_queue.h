// Makes a port's queue of a device's queue and the egresses by which the main port sends.
#pragma once

#include <memory>
#include <string>

#include "io/port/composed_queue.h"
#include "io/port_list.h"

namespace tunvs {

// The egresses of one port's queues: all send the same way. The first finds one by trying, if it may, and the others
// take it by name.
class QueueEgresses {
 public:
  // `port` is the one that is being opened. `context.main` sends for it, or it does itself.
  QueueEgresses(const PortOptions& options, PortContext& context, const Port& port)
      : options_(options),
        context_(context),
        main_(context.main == nullptr ? port : *context.main),
        name_(context.main == nullptr ? options.egress : std::string(main_.egress())) {}

  // `in` is the port's queue number `index`, and outlives what is made. The first one is made first.
  Result<std::unique_ptr<ComposedQueue>> compose(DeviceQueue& in, size_t index);
  const std::string& name() const { return name_; }
  bool sendsTrains() const { return sendsTrains_; }

 private:
  const PortOptions& options_;
  PortContext& context_;
  const Port& main_;
  std::string name_;
  bool sendsTrains_ = false;
};

}  // namespace tunvs
