#include "core/sha256.h"

#include <string>
#include <string_view>
#include <vector>

#include "support/testing.h"

namespace tunvs::sha256_test {
namespace {

std::span<const uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string hexOf(const Sha256::Digest& digest) {
  std::string hex;
  for (const uint8_t byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::string sha256(std::string_view text) {
  Sha256 hash;
  hash.add(bytesOf(text));
  return hexOf(hash.finish());
}

std::string hmac(std::string_view key, std::string_view text) {
  return hexOf(HmacSha256(bytesOf(key)).of(bytesOf(text)));
}

}  // namespace

// The examples of FIPS 180-2, and the empty text.
TEST("SHA-256 gives the digests that its standard has as examples") {
  CHECK_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST("SHA-256 does not mind in which pieces it gets the bytes") {
  std::string text;
  for (size_t i = 0; i < 200; i++) text += static_cast<char>(i * 7);
  for (size_t length = 0; length <= text.size(); length++) {
    const std::string_view whole = std::string_view(text).substr(0, length);
    for (const size_t piece : {1, 7, 55, 56, 63, 64, 65, 127}) {
      Sha256 hash;
      for (size_t at = 0; at < length; at += piece) hash.add(bytesOf(whole.substr(at, piece)));
      REQUIRE(CHECK_EQ(hexOf(hash.finish()), sha256(whole)));
    }
  }
}

// The test cases 1, 2, 3 and 6 of RFC 4231.
TEST("HMAC-SHA-256 gives what RFC 4231 has as test cases") {
  CHECK_EQ(hmac(std::string(20, '\x0b'), "Hi There"),
           "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK_EQ(hmac("Jefe", "what do ya want for nothing?"),
           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK_EQ(hmac(std::string(20, '\xaa'), std::string(50, '\xdd')),
           "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  CHECK_EQ(hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace tunvs::sha256_test
