#include "agent/base/base64.h"

#include <cstdint>

namespace medic {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t three = 0;
        for (std::size_t i = 0; i < 3; ++i)
            three = (three << 8U) | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            out += i > bytes.size() - at ? '=' : digits[(three >> (18U - 6U * i)) & 63U];
    }
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    std::size_t count = 0;
    for (const char c : text.substr(0, text.size() - padding)) {
        const auto digit = digits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
        if (++count % 4 != 0) continue;
        for (const unsigned shift : {16U, 8U, 0U}) out += static_cast<char>((bits >> shift) & 0xffU);
        bits = 0;
    }
    if (padding == 1) {
        out += static_cast<char>((bits >> 10U) & 0xffU);
        out += static_cast<char>((bits >> 2U) & 0xffU);
    } else if (padding == 2) {
        out += static_cast<char>((bits >> 4U) & 0xffU);
    }
    return out;
}

}  // namespace medic
