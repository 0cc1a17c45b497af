// Where the lines begin that an FTP server says, by the sequence numbers of its control connection.
//
// A segment may begin within a line: whoever makes the server repeat his own words, and chooses the size of segments,
// also chooses what a segment begins with. So a reply counts only if the byte before it ended a line.
//
// Thread safety: none; whoever holds it says who may use it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ftp/sequence_shift.h"

namespace tunvs {

class LineStarts {
 public:
  // The first byte of the connection begins a line.
  void begin(uint32_t first) {
    *this = {};
    isKnown_ = true;
    next_ = first;
  }
  // Returns how many bytes of a payload belong to a line that began before: all of them if no line begins in it.
  size_t before(uint32_t sequence, std::span<const uint8_t> payload) const;
  // Takes note of a payload.
  void note(uint32_t sequence, std::span<const uint8_t> payload);
  // A line that begins here was read. It may come again when later ones have come.
  void remember(uint32_t start) {
    if (start == read_[0] && hasRead_) return;
    read_ = {start, hasRead_ ? read_[0] : start};
    hasRead_ = true;
  }
  // For a place where it is kept. What is read there may be anything: lines then begin elsewhere.
  std::array<uint32_t, 4> words() const {
    return {static_cast<uint32_t>(isKnown_) | static_cast<uint32_t>(hasRead_) << 1, next_, read_[0], read_[1]};
  }
  static LineStarts of(std::span<const uint32_t, 4> words) {
    LineStarts lines;
    lines.isKnown_ = (words[0] & 1) != 0;
    lines.hasRead_ = (words[0] & 2) != 0;
    lines.next_ = words[1];
    lines.read_ = {words[2], words[3]};
    return lines;
  }

 private:
  bool isStart(uint32_t sequence) const {
    return (isKnown_ && sequence == next_) || (hasRead_ && (sequence == read_[0] || sequence == read_[1]));
  }

  bool isKnown_ = false, hasRead_ = false;
  uint32_t next_ = 0;               // behind the last line's end
  std::array<uint32_t, 2> read_{};  // the last ones that were read
};

}  // namespace tunvs
