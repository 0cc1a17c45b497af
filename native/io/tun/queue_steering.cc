#include "io/tun/queue_steering.h"

#include <cerrno>
#include <utility>

#include "io/os/bpf.h"
#include "io/os/tun_uapi.h"

namespace tunvs {
namespace {

constexpr uint8_t kAnswer = 0, kContext = 6, kHash = 7, kPortWord = 8, kHeader = 9, kConstant = 1;
constexpr uint64_t kFirstFactor = 0x9e3779b97f4a7c15, kSecondFactor = 0xff51afd7ed558ccd;

// Assembles a program whose jumps all go forward, to a label that is placed later.
class Assembler {
 public:
  struct Label {
    std::vector<size_t> jumps;
  };

  void emit(uint8_t code, uint8_t to, uint8_t from, int32_t value) { program_.push_back({code, to, from, 0, value}); }
  void move(uint8_t to, uint8_t from) { emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0); }
  void set(uint8_t to, int32_t value) { emit(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, value); }
  void set64(uint8_t to, uint64_t value) {
    emit(BPF_LD | BPF_DW | BPF_IMM, to, 0, static_cast<int32_t>(value));
    emit(0, 0, 0, static_cast<int32_t>(value >> 32));
  }
  void apply(uint8_t operation, uint8_t to, int32_t value) { emit(BPF_ALU64 | operation | BPF_K, to, 0, value); }
  void combine(uint8_t operation, uint8_t to, uint8_t from) { emit(BPF_ALU64 | operation | BPF_X, to, from, 0); }
  void multiply(uint8_t to, uint64_t factor) {
    set64(kConstant, factor);
    combine(BPF_MUL, to, kConstant);
  }
  // Loads from the packet into kAnswer. Behind the packet's end the program ends, with 0. kConstant is lost.
  void load(uint8_t size, int32_t offset) { emit(BPF_LD | BPF_ABS | size, 0, 0, offset); }
  void loadFrom(uint8_t size, uint8_t base, int32_t offset) { emit(BPF_LD | BPF_IND | size, 0, base, offset); }
  void jump(uint8_t condition, int32_t value, Label& label) {
    label.jumps.push_back(program_.size());
    emit(BPF_JMP | condition | BPF_K, kAnswer, 0, value);
  }
  void jump(Label& label) { jump(BPF_JA, 0, label); }
  void place(const Label& label) {
    for (const size_t jump : label.jumps) program_[jump].off = static_cast<int16_t>(program_.size() - jump - 1);
  }
  void exit() { emit(BPF_JMP | BPF_EXIT, 0, 0, 0); }
  std::vector<bpf_insn> take() { return std::move(program_); }

 private:
  std::vector<bpf_insn> program_;
};

// Jumps where kAnswer is a protocol that has its ports first.
void jumpIfPorts(Assembler& a, Assembler::Label& label) {
  for (const int32_t protocol : {6, 17, 132}) a.jump(BPF_JEQ, protocol, label);
}

}  // namespace

std::string_view toString(Steering steering) {
  switch (steering) {
    case Steering::none: return "none";
    case Steering::kernel: return "kernel";
    case Steering::bpf: break;
  }
  return "bpf";
}

std::vector<bpf_insn> steeringProgram(uint64_t seed) {
  Assembler a;
  Assembler::Label isIpv6, isOther, hasPorts4, hasPorts6, ports, mix;
  a.move(kContext, 1);
  a.set64(kHash, seed);
  a.set(kPortWord, 0);
  a.load(BPF_B, 0);
  a.apply(BPF_RSH, kAnswer, 4);
  a.jump(BPF_JEQ, 6, isIpv6);
  a.jump(BPF_JNE, 4, isOther);

  for (const int32_t address : {12, 16}) {
    a.load(BPF_W, address);
    a.combine(BPF_XOR, kHash, kAnswer);
  }
  a.load(BPF_H, 6);
  a.apply(BPF_AND, kAnswer, 0x3fff);  // more fragments, and the offset
  a.jump(BPF_JNE, 0, mix);
  a.load(BPF_B, 9);
  jumpIfPorts(a, hasPorts4);
  a.jump(mix);
  a.place(hasPorts4);
  a.load(BPF_B, 0);
  a.apply(BPF_AND, kAnswer, 15);
  a.apply(BPF_LSH, kAnswer, 2);
  a.move(kHeader, kAnswer);
  a.jump(ports);

  a.place(isIpv6);
  for (int32_t word = 8; word < 40; word += 4) {
    a.load(BPF_W, word);
    a.combine(BPF_XOR, kHash, kAnswer);
  }
  a.load(BPF_B, 6);
  jumpIfPorts(a, hasPorts6);
  a.jump(mix);
  a.place(hasPorts6);
  a.set(kHeader, 40);

  a.place(ports);
  for (const int32_t port : {0, 2}) {
    a.loadFrom(BPF_H, kHeader, port);
    a.combine(BPF_XOR, kPortWord, kAnswer);
  }
  a.apply(BPF_ADD, kPortWord, 1);

  a.place(mix);
  a.multiply(kHash, kFirstFactor);
  a.move(kAnswer, kHash);
  a.apply(BPF_RSH, kAnswer, 32);
  a.combine(BPF_XOR, kHash, kAnswer);
  a.combine(BPF_ADD, kHash, kPortWord);
  a.multiply(kHash, kSecondFactor);
  a.move(kAnswer, kHash);
  a.apply(BPF_RSH, kAnswer, 48);
  a.exit();
  a.place(isOther);
  a.set(kAnswer, 0);
  a.exit();
  return a.take();
}

Result<void> steerByProgram(int tunDescriptor, uint64_t seed) {
  const std::vector<bpf_insn> program = steeringProgram(seed);
  const UniqueFd loaded = loadBpfProgram(BPF_PROG_TYPE_SOCKET_FILTER, program);
  if (!loaded) return Error::fromErrno(errno, "bpf", "can't load the program that steers flows to queues");
  int descriptor = loaded.get();
  if (::ioctl(tunDescriptor, uapi::kTunSetSteering, &descriptor) < 0)
    return Error::fromErrno(errno, "ioctl(TUNSETSTEERINGEBPF)", "can't steer flows to queues");
  return {};
}

void steerByKernel(int tunDescriptor) {
  int none = -1;
  ::ioctl(tunDescriptor, uapi::kTunSetSteering, &none);
}

}  // namespace tunvs
