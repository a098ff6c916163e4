#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

#include "classifiers/rules/promql/lexer.h"
#include "classifiers/rules/promql/number_internal.h"

namespace medic::promql {
namespace {

class Scan {
public:
    explicit Scan(std::string_view text) : text_(text) {}
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] bool done() const { return at_ == text_.size(); }
    [[nodiscard]] bool is(std::string_view set) const {
        return !done() && set.find(text_[at_]) != std::string_view::npos;
    }
    bool accept(std::string_view set) {
        if (!is(set)) return false;
        ++at_;
        return true;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

constexpr std::string_view decimal_digits = "0123456789", hexadecimal_digits = "0123456789abcdefABCDEF";

// One dot or exponent or '_', none of them where another was just before; false: here the number goes wrong.
bool scan_sign(Scan& scan, bool hexadecimal, bool& dot, bool& exponent) {
    if (scan.accept(".")) {
        if (dot || scan.is("_.") || hexadecimal) return false;
        dot = true;
    } else if (scan.accept("eE")) {  // A hexadecimal number's too, whose digit it is: 0x1ee is none.
        if (exponent) return false;
        exponent = true;
        scan.accept("+-");
        if (scan.done() || scan.is("._eE")) return false;
    } else if (scan.accept("_")) {
        if (scan.done() || scan.is("._eE")) return false;
    }
    return true;
}

// Of a decimal number beyond double's range: too large, rather than too near to zero.
bool is_huge(std::string_view decimal) {
    const auto mark = std::min(decimal.find('e'), decimal.size());
    const std::string_view mantissa = decimal.substr(0, mark);
    std::string_view power = decimal.substr(std::min(mark + 1, decimal.size()));
    if (power.starts_with('+')) power.remove_prefix(1);
    std::int64_t exponent = 0;
    if (std::from_chars(power.data(), power.data() + power.size(), exponent).ec == std::errc::result_out_of_range)
        return !power.starts_with('-');
    const auto first = static_cast<std::int64_t>(mantissa.find_first_of("123456789"));
    const auto dot = static_cast<std::int64_t>(std::min(mantissa.find('.'), mantissa.size()));
    return dot - first > -exponent;
}

template <class Number>
std::optional<double> whole(std::string_view digits, int base) {
    Number number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, code] = std::from_chars(digits.data(), end, number, base);
    return code == std::errc{} && stop == end ? std::optional(static_cast<double>(number)) : std::nullopt;
}

// Go lets '_' stand between digits, and behind 0x.
std::optional<std::string> without_underscores(std::string_view number) {
    std::string result;
    for (std::size_t i = 0; i < number.size(); ++i) {
        if (number[i] != '_')
            result += number[i];
        else if (i == 0 || i + 1 == number.size() || number[i - 1] == '.' || number[i + 1] == '_')
            return std::nullopt;
    }
    return result;
}

}  // namespace

std::size_t number_length(std::string_view text) {
    Scan scan(text);
    const bool hexadecimal = scan.accept("0") && scan.accept("xX");
    if (hexadecimal) scan.accept("_");
    const std::string_view digits = hexadecimal ? hexadecimal_digits : decimal_digits;
    scan.accept(".");
    scan.accept(digits);
    bool dot = false, exponent = false;
    while (scan.is(digits) || scan.is("._eE")) {
        if (!scan.is("._eE"))
            while (scan.accept(digits)) {
            }
        else if (!scan_sign(scan, hexadecimal, dot, exponent))
            return 0;
    }
    return scan.is("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ? 0 : scan.at();
}

std::optional<double> number_value(std::string_view number) {
    const auto plain = without_underscores(number);
    if (!plain) return std::nullopt;
    const std::string digits = lower(*plain);
    if (digits.starts_with("0x")) return whole<std::int64_t>(std::string_view(digits).substr(2), 16);
    if (digits.size() > 1 && digits[0] == '0')
        if (const auto octal = whole<std::int64_t>(std::string_view(digits).substr(1), 8)) return octal;
    double value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, code] = std::from_chars(digits.data(), end, value);
    if (stop != end || code == std::errc::invalid_argument) return std::nullopt;
    if (code == std::errc::result_out_of_range) return is_huge(digits) ? std::nullopt : std::optional(0.0);
    return value;
}

std::optional<Duration> to_duration(double seconds, DurationOrigin origin) {
    constexpr double seconds_end = 9'223'372'036.854775807;
    if (!(std::abs(seconds) < seconds_end)) return std::nullopt;
    if (origin == DurationOrigin::computed) return Duration{static_cast<std::int64_t>(seconds * 1000)};
    return Duration{std::llround(seconds * 1e9) / 1'000'000};
}

}  // namespace medic::promql
