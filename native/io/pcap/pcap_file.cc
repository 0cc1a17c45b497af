#include "io/pcap/pcap_file.h"

#include <fcntl.h>

#include <cstring>
#include <span>

namespace tunvs {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kWriteBytes = 1 << 18;

Error inFile(const std::string& path, const Error& error) {
  return {error.code, "can't read " + path + ": " + error.message, error.errnoValue, error.syscall};
}

// Reads `to.size()` bytes, fewer only at the end of the file.
Result<size_t> readFully(int fd, std::span<uint8_t> to, const std::string& path) {
  size_t done = 0;
  while (done < to.size()) {
    const ssize_t length = retryOnInterrupt([&] { return ::read(fd, to.data() + done, to.size() - done); });
    if (length < 0) return Error::fromErrno(errno, "read", "can't read " + path);
    if (length == 0) break;
    done += static_cast<size_t>(length);
  }
  return done;
}

}  // namespace

Result<std::unique_ptr<PcapReader>> PcapReader::open(const std::string& path) {
  UniqueFd fd(retryOnInterrupt([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!fd) return Error::fromErrno(errno, "open", "can't open " + path);
  uint8_t header[kPcapFileHeaderBytes];
  const auto length = readFully(fd.get(), header, path);
  if (!length) return length.error();
  const auto parser = PcapParser::start(std::span<const uint8_t>(header, length.value()));
  if (!parser) return inFile(path, parser.error());
  return std::unique_ptr<PcapReader>(new PcapReader(path, std::move(fd), parser.value()));
}

Result<void> PcapReader::fill(size_t bytes) {
  if (begin_ > 0) std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() < kReadBytes + bytes) buffer_.resize(kReadBytes + bytes);
  const auto length = readFully(fd_.get(), std::span(buffer_).subspan(end_), path_);
  if (!length) return length.error();
  end_ += length.value();
  return {};
}

Result<std::optional<PcapPacket>> PcapReader::next() {
  while (true) {
    const auto step = parser_.next(std::span<const uint8_t>(buffer_.data() + begin_, end_ - begin_));
    if (!step) return inFile(path_, step.error());
    begin_ += step.value().consumed;
    if (step.value().packet) return step.value().packet;
    if (step.value().consumed > 0) continue;

    const size_t needed = step.value().needed;
    if (auto filled = fill(needed); !filled) return filled.error();
    if (end_ >= needed) continue;
    if (end_ == 0) return std::optional<PcapPacket>();
    isCutOff_ = true;
    const uint64_t record = parser_.packets() + parser_.skipped().total() + 1;
    return Error::make(ErrorCode::invalidArgument,
                       path_ + " ends within record " + std::to_string(record) + ": the capture was cut off there");
  }
}

Result<std::unique_ptr<PcapWriter>> PcapWriter::create(const std::string& path) {
  UniqueFd fd(retryOnInterrupt([&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666); }));
  if (!fd) return Error::fromErrno(errno, "open", "can't write " + path);
  std::unique_ptr<PcapWriter> writer(new PcapWriter(path, std::move(fd)));
  appendPcapHeader(writer->pending_);
  return writer;
}

PcapWriter::~PcapWriter() {
  // A caller who wants to know whether this worked calls close().
  if (fd_) [[maybe_unused]]
    const auto flushed = flush();
}

Result<void> PcapWriter::write(const PcapPacket& packet) {
  if (!fd_) return Error::make(ErrorCode::closed, "the capture file " + path_ + " is closed");
  if (packet.bytes.size() > kMaxPcapRecordBytes) {
    return Error::make(ErrorCode::invalidArgument, "a packet of " + std::to_string(packet.bytes.size()) +
                                                       " bytes is longer than a capture file can hold (262144)");
  }
  appendPcapRecord(pending_, packet);
  return pending_.size() < kWriteBytes ? Result<void>() : flush();
}

Result<void> PcapWriter::flush() {
  size_t done = 0;
  int error = 0;
  while (done < pending_.size() && error == 0) {
    const ssize_t length =
        retryOnInterrupt([&] { return ::write(fd_.get(), pending_.data() + done, pending_.size() - done); });
    if (length < 0) {
      error = errno;
    } else {
      done += static_cast<size_t>(length);
    }
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(done));
  if (error != 0) return Error::fromErrno(error, "write", "can't write " + path_);
  return {};
}

Result<void> PcapWriter::close() {
  if (!fd_) return {};
  auto flushed = flush();
  fd_.reset();
  return flushed;
}

}  // namespace tunvs
