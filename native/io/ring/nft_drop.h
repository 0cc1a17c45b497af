// An NftDrop keeps from the host what a ring takes: a table of nftables at the device's ingress, which comes after the
// sockets that see all packets, drops it. The table belongs to a netlink socket of ours (Linux 5.12), so it goes with
// this process, however that ends, and nobody else's "flush ruleset" removes it.
//
// Thread safety: one control thread.
#pragma once

#include <span>
#include <string>

#include "core/address_prefix.h"
#include "core/result.h"
#include "io/os/unique_fd.h"
#include "io/ring/ring_filter.h"

namespace tunvs {

class NftDrop {
 public:
  // `table` is the table's name, and one process has it at a time. Needs CAP_NET_ADMIN.
  static Result<NftDrop> make(const std::string& table);

  // Drops, from now on, what ringFilter() lets in of what comes in by the device. When it fails, everything is as
  // before.
  Result<void> set(const std::string& device, std::span<const AddressPrefix> prefixes,
                   const RingFilterOptions& options);

 private:
  NftDrop(std::string table, UniqueFd socket) : table_(std::move(table)), socket_(std::move(socket)) {}

  std::string table_;
  UniqueFd socket_;
  bool isThere_ = false;
};

}  // namespace tunvs
