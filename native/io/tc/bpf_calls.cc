#include "io/tc/bpf_calls.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "io/os/bpf.h"

namespace tunvs {
namespace {

constexpr size_t kLogBytes = 1 << 20, kLogShown = 400;
constexpr int kAttachTcxIngress = 46, kAttachTcxEgress = 47;  // enum bpf_attach_type, Linux 6.6

constexpr unsigned kCapPerfmon = 38;  // linux/capability.h, Linux 5.8

// Tells whether the process has a capability that is in effect.
bool hasCapability(unsigned number) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "CapEff:") continue;
    uint64_t bits = 0;
    return status >> std::hex >> bits && (bits >> number & 1) != 0;
  }
  return false;
}

Error refused(int error, const std::string& what) {
  if (error == EPERM || error == EACCES)
    return Error{ErrorCode::permission,
                 what +
                     ": this process lacks CAP_BPF or CAP_NET_ADMIN; run it as the host's root, without --user and " +
                     "outside of user namespaces, or give it both (and CAP_PERFMON before Linux 6.17)",
                 error, "bpf"};
  if (error == ENOSYS) return Error{ErrorCode::unsupported, what + ": this kernel has no BPF", error, "bpf"};
  return Error::fromErrno(error, "bpf", what);
}

// Makes a map. `valueBytes` and `entries` say how much memory it takes.
Result<UniqueFd> makeMap(const std::string& what, const bpf_attr& attributes) {
  bpf_attr copy = attributes;
  UniqueFd made(bpfCall(BPF_MAP_CREATE, copy));
  if (made) return made;
  const int error = errno;
  if (error != ENOMEM) return refused(error, "can't make " + what);
  const uint64_t mebibytes = (uint64_t{attributes.value_size} * attributes.max_entries) >> 20;
  return Error{ErrorCode::system, "can't make " + what + ": no memory for " + std::to_string(mebibytes) + " MiB", error,
               "bpf"};
}

}  // namespace

Result<UniqueFd> makeBpfArray(const std::string& what, uint32_t valueBytes, uint32_t entries) {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = sizeof(uint32_t);
  attributes.value_size = valueBytes;
  attributes.max_entries = entries;
  attributes.map_flags = BPF_F_MMAPABLE;
  return makeMap(what, attributes);
}

Result<UniqueFd> makeBpfHash(const std::string& what, uint32_t keyBytes, uint32_t valueBytes, uint32_t entries) {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_HASH;
  attributes.key_size = keyBytes;
  attributes.value_size = valueBytes;
  attributes.max_entries = entries;
  return makeMap(what, attributes);
}

bool setBpfEntry(int map, const void* key, const void* value) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<uint32_t>(map);
  attributes.key = bpfAddress(key);
  attributes.value = bpfAddress(value);
  attributes.flags = BPF_ANY;
  return bpfCall(BPF_MAP_UPDATE_ELEM, attributes) == 0;
}

void deleteBpfEntry(int map, const void* key) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<uint32_t>(map);
  attributes.key = bpfAddress(key);
  bpfCall(BPF_MAP_DELETE_ELEM, attributes);
}

Result<UniqueFd> loadTcProgram(const std::string& owner, const char* name, std::span<const bpf_insn> program) {
  UniqueFd loaded = loadBpfProgram(BPF_PROG_TYPE_SCHED_CLS, program, name);
  if (loaded) return loaded;
  const int error = errno;
  Error why = refused(error, "can't load " + owner + "'s program");
  if (error == EPERM || error == ENOSYS) return why;
  std::string log(kLogBytes, '\0');
  if (loadBpfProgram(BPF_PROG_TYPE_SCHED_CLS, program, name, &log)) return why;
  log.resize(std::strlen(log.c_str()));
  // The verifier refuses with the errors of a missing privilege; what it says first tells one from the other.
  if (!log.empty() && why.code == ErrorCode::permission) {
    const bool lacks = !hasCapability(kCapPerfmon);
    why.code = lacks ? ErrorCode::permission : ErrorCode::unsupported;
    why.message = "can't load " + owner + "'s program: " +
                  (lacks ? "the kernel does not allow it to a process without CAP_PERFMON, which it needs before Linux "
                           "6.17: give it that, too"
                         : "the kernel does not allow it");
  }
  if (log.size() > kLogShown) log.erase(0, log.size() - kLogShown);
  why.message += "; the kernel's verifier says: " + log;
  return why;
}

Result<UniqueFd> attachTcx(const std::string& what, int program, int interfaceIndex, bool isIngress) {
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<uint32_t>(program);
  attributes.link_create.target_ifindex = static_cast<uint32_t>(interfaceIndex);
  attributes.link_create.attach_type = isIngress ? kAttachTcxIngress : kAttachTcxEgress;
  UniqueFd link(bpfCall(BPF_LINK_CREATE, attributes));
  if (link) return link;
  const int error = errno;
  return refused(error, what);
}

int tcxDevice(int link) {
  // Of bpf_link_info, Linux 6.6.
  struct {
    uint32_t type, id, program, unused, interfaceIndex, attachType;
  } info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<uint32_t>(link);
  attributes.info.info_len = sizeof info;
  attributes.info.info = bpfAddress(&info);
  return bpfCall(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0 ? static_cast<int>(info.interfaceIndex) : 0;
}

Result<uint32_t> testRun(int program, std::vector<uint8_t>& packet, const __sk_buff& context) {
  std::vector<uint8_t> out(packet.size() + 256);
  bpf_attr attributes{};
  attributes.test.prog_fd = static_cast<uint32_t>(program);
  attributes.test.data_in = bpfAddress(packet.data());
  attributes.test.data_size_in = static_cast<uint32_t>(packet.size());
  attributes.test.data_out = bpfAddress(out.data());
  attributes.test.data_size_out = static_cast<uint32_t>(out.size());
  attributes.test.ctx_in = bpfAddress(&context);
  attributes.test.ctx_size_in = sizeof context;
  attributes.test.repeat = 1;
  if (bpfCall(BPF_PROG_TEST_RUN, attributes) < 0) return refused(errno, "can't run the program");
  out.resize(attributes.test.data_size_out);
  packet = std::move(out);
  return attributes.test.retval;
}

}  // namespace tunvs
