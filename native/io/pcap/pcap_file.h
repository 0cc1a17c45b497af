// Reads and writes capture files in pieces, so that their size does not matter.
//
// Thread safety: one thread per object. Reading and writing may wait for the disk, so no packet worker does it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "io/os/unique_fd.h"
#include "io/pcap/pcap_format.h"

namespace tunvs {

class PcapReader {
 public:
  static Result<std::unique_ptr<PcapReader>> open(const std::string& path);

  PcapLinkType linkType() const { return parser_.linkType(); }
  // Returns the next IP packet, valid until the next call; nullopt at the end. A file that ends within a record is an
  // Error, after all its whole records were returned.
  Result<std::optional<PcapPacket>> next();
  const PcapSkipped& skipped() const { return parser_.skipped(); }
  // Returns true when next() found that the file ends within a record.
  bool isCutOff() const { return isCutOff_; }

 private:
  PcapReader(std::string path, UniqueFd fd, PcapParser parser)
      : path_(std::move(path)), fd_(std::move(fd)), parser_(parser) {}
  // Makes `bytes` bytes available from begin_ on; fewer at the end of the file.
  Result<void> fill(size_t bytes);

  std::string path_;
  UniqueFd fd_;
  PcapParser parser_;
  std::vector<uint8_t> buffer_;
  size_t begin_ = 0;  // buffer_[begin_, end_) is read and not yet parsed
  size_t end_ = 0;
  bool isCutOff_ = false;
};

class PcapWriter {
 public:
  // Truncates the file if it exists.
  static Result<std::unique_ptr<PcapWriter>> create(const std::string& path);
  ~PcapWriter();

  // Buffers the packet; it is in the file after flush() or close().
  Result<void> write(const PcapPacket& packet);
  Result<void> flush();
  // A destroyed writer flushes too, but can't say whether that worked.
  Result<void> close();

 private:
  PcapWriter(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;
  std::vector<uint8_t> pending_;
};

}  // namespace tunvs
