#include "agent/base/plain_text.h"

#include <cstdint>

namespace medic {
namespace {

enum class Kind : std::uint8_t { letter, control, separator, broken };

struct Sign {
    std::size_t bytes = 1;
    Kind kind = Kind::broken;
};

bool follows(unsigned char byte) { return (byte & 0xc0U) == 0x80; }

// How many bytes the UTF-8 sequence at the front has; 0: it is broken, or a longer form of something shorter.
std::size_t sequence(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const std::size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length == 0 || first > 0xf4 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if (!follows(byte(i))) return 0;
    if (length < 3) return length;
    const unsigned char second = byte(1);
    const bool odd = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return odd ? 0 : length;
}

Sign sign_at(std::string_view text) {
    const std::size_t bytes = sequence(text);
    if (bytes == 0) return {};
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x20 || first == 0x7f) return {bytes, Kind::control};
    if (first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) return {bytes, Kind::control};
    const std::string_view sign = text.substr(0, bytes);
    return {bytes, sign == "\u2028" || sign == "\u2029" ? Kind::separator : Kind::letter};
}

constexpr std::string_view replacement = "\ufffd";

// `kept`: a control or separator of one byte or more as it is to stand; "" leaves it out.
template <class Kept>
std::string without_orders(std::string_view text, Kept kept) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto [bytes, kind] = sign_at(text);
        const std::string_view sign = text.substr(0, bytes);
        out += kind == Kind::broken ? replacement : kind == Kind::letter ? sign : kept(sign, kind);
        text.remove_prefix(bytes);
    }
    return out;
}

}  // namespace

std::string plain_text(std::string_view text) {
    return without_orders(text, [](std::string_view sign, Kind kind) {
        return kind == Kind::separator || sign == "\n" || sign == "\t" ? sign : std::string_view();
    });
}

std::string plain_line(std::string_view text) {
    return without_orders(text, [](std::string_view, Kind) { return std::string_view(" "); });
}

std::string shortened(std::string text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && follows(static_cast<unsigned char>(text[end]))) --end;
    return text.substr(0, end) + "…";
}

}  // namespace medic
