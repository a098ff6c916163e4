#include "agent/world/real/file_hash.h"

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include <openssl/evp.h>

namespace medic {
namespace {

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

std::string in_words(const Digest& digest, unsigned int size) {
    std::string text = "sha256:";
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
}

}  // namespace

Result<std::string> sha256_of_file(const std::string& path, std::uint64_t bytes_max) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(ErrorCode::unavailable, "{} can't be read", path);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
        return fail(ErrorCode::internal, "SHA-256 is not available");
    constexpr std::size_t block_bytes = 256 * 1024;
    std::vector<char> block(block_bytes);
    std::uint64_t read = 0;
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
        read += static_cast<std::uint64_t>(in.gcount());
        if (read > bytes_max) return fail(ErrorCode::invalid, "{} is longer than {} bytes", path, bytes_max);
        EVP_DigestUpdate(context.get(), block.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) return fail(ErrorCode::unavailable, "{} can't be read to its end", path);
    Digest digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context.get(), digest.data(), &size);
    return in_words(digest, size);
}

Result<std::string> sha256_of(std::string_view text) {
    Digest digest{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        return fail(ErrorCode::internal, "SHA-256 is not available");
    return in_words(digest, size);
}

}  // namespace medic
