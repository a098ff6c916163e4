#include "classifiers/rules/promql/lexer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "agent/base/yaml.h"

namespace medic::promql {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& into, std::uint32_t code) {
    if (code < 0x80) {
        into += static_cast<char>(code);
    } else if (code < 0x800) {
        into += static_cast<char>(0xc0 | (code >> 6));
        into += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        into += static_cast<char>(0xe0 | (code >> 12));
        into += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
        into += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        into += static_cast<char>(0xf0 | (code >> 18));
        into += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
        into += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
        into += static_cast<char>(0x80 | (code & 0x3f));
    }
}

// Go's ParseInt and ParseFloat with base prefixes and '_' between digits.
std::optional<double> to_number(std::string_view raw) {
    std::string digits;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '_')
            digits += raw[i];
        else if (i == 0 || i + 1 == raw.size() || raw[i + 1] == '_' || raw[i - 1] == '_')
            return std::nullopt;
    }
    const std::string small = lower(digits);
    if (small == "inf") return std::numeric_limits<double>::infinity();
    if (small == "nan") return std::numeric_limits<double>::quiet_NaN();
    const char* const end = small.data() + small.size();
    if (small.starts_with("0x")) {
        double value = 0;
        if (small.find_first_of(".p") != std::string::npos) {
            const auto [stop, code] = std::from_chars(small.data() + 2, end, value, std::chars_format::hex);
            return code == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
        }
        std::uint64_t number = 0;
        const auto [stop, code] = std::from_chars(small.data() + 2, end, number, 16);
        return code == std::errc{} && stop == end ? std::optional(static_cast<double>(number)) : std::nullopt;
    }
    if (small.size() > 1 && small[0] == '0' &&
        std::ranges::all_of(small, [](char c) { return c >= '0' && c <= '7'; })) {
        std::uint64_t number = 0;
        const auto [stop, code] = std::from_chars(small.data() + 1, end, number, 8);
        return code == std::errc{} && stop == end ? std::optional(static_cast<double>(number)) : std::nullopt;
    }
    double value = 0;
    const auto [stop, code] = std::from_chars(small.data(), end, value);
    if (stop != end || code == std::errc::invalid_argument) return std::nullopt;
    if (code == std::errc::result_out_of_range)
        return small.find("e-") != std::string::npos ? 0 : std::numeric_limits<double>::infinity();
    return value;
}

}  // namespace

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return result;
}

bool Token::is_word(std::string_view small) const {
    return kind == Kind::identifier && raw.size() == small.size() && lower(raw) == small;
}

void Lexer::skip_blanks_and_remarks() {
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '#') {
            while (at_ < text_.size() && text_[at_] != '\n') ++at_;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            ++at_;
        } else {
            return;
        }
    }
}

Token Lexer::make(Token::Kind kind, std::uint32_t begin) const {
    Token token;
    token.kind = kind;
    token.begin = begin;
    token.end = at_;
    token.raw = text_.substr(begin, at_ - begin);
    return token;
}

Token Lexer::error(std::uint32_t begin, std::string message) const {
    Token token = make(Token::Kind::error, begin);
    token.text = std::move(message);
    return token;
}

Token Lexer::number_or_duration() {
    const std::uint32_t begin = at_;
    const bool hexadecimal = text_.substr(at_, 2) == "0x" || text_.substr(at_, 2) == "0X";
    while (at_ < text_.size()) {
        const char c = text_[at_];
        const char before = at_ > begin ? text_[at_ - 1] : '\0';
        const bool exponent_sign =
            (c == '+' || c == '-') && (hexadecimal ? before == 'p' || before == 'P' : before == 'e' || before == 'E');
        if (!is_alpha(c) && !is_digit(c) && c != '.' && !exponent_sign) break;
        ++at_;
    }
    const std::string_view raw = text_.substr(begin, at_ - begin);
    if (const auto number = to_number(raw)) {
        Token token = make(Token::Kind::number, begin);
        token.number = *number;
        return token;
    }
    if (const auto duration = parse_duration(raw)) {
        Token token = make(Token::Kind::duration, begin);
        token.duration_ms = duration->count();
        token.number = static_cast<double>(duration->count()) / 1000;
        return token;
    }
    return error(begin, fmt::format("bad number or duration syntax: \"{}\"", raw));
}

bool Lexer::escape(std::string& into, char quote, std::string& problem) {
    const auto digits = [&](std::size_t count, int base, std::uint32_t& value) {
        if (at_ + count > text_.size()) return false;
        const char* const from = text_.data() + at_;
        const auto [stop, code] = std::from_chars(from, from + count, value, base);
        if (code != std::errc{} || stop != from + count) return false;
        at_ += static_cast<std::uint32_t>(count);
        return true;
    };
    static constexpr std::string_view letters = "abfnrtv\\", meanings = "\a\b\f\n\r\t\v\\";
    const char c = text_[at_++];
    std::uint32_t code = 0;
    if (c == quote)
        into += c;
    else if (const auto i = letters.find(c); i != std::string_view::npos)
        into += meanings[i];
    else if (c == 'x' && digits(2, 16, code))
        into += static_cast<char>(code);
    else if (c == 'u' && digits(4, 16, code))
        append_utf8(into, code);
    else if (c == 'U' && digits(8, 16, code) && code <= 0x10ffff)
        append_utf8(into, code);
    else if (c >= '0' && c <= '7' && (--at_, digits(3, 8, code)) && code <= 255)
        into += static_cast<char>(code);
    else
        problem = fmt::format("unknown escape sequence '\\{}'", c);
    return problem.empty();
}

Token Lexer::quoted(char quote) {
    const std::uint32_t begin = at_++;
    std::string value, problem;
    while (at_ < text_.size() && text_[at_] != quote) {
        const char c = text_[at_++];
        if (quote != '`' && c == '\n') break;
        if (quote == '`' || c != '\\') {
            value += c;
        } else if (at_ >= text_.size() || !escape(value, quote, problem)) {
            return error(begin, problem.empty() ? "escape sequence not terminated" : problem);
        }
    }
    if (at_ >= text_.size() || text_[at_] != quote) return error(begin, "unterminated quoted string");
    ++at_;
    Token token = make(Token::Kind::string, begin);
    token.text = std::move(value);
    return token;
}

Token Lexer::next() {
    skip_blanks_and_remarks();
    const std::uint32_t begin = at_;
    if (at_ >= text_.size()) return make(Token::Kind::end, begin);
    const char c = text_[at_];
    const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (is_alpha(c) || (c == ':' && brackets_ == 0)) {
        while (at_ < text_.size() &&
               (is_alpha(text_[at_]) || is_digit(text_[at_]) || (text_[at_] == ':' && brackets_ == 0)))
            ++at_;
        const std::string small = lower(text_.substr(begin, at_ - begin));
        if (small == "inf" || small == "nan") {
            Token token = make(Token::Kind::number, begin);
            token.number = *to_number(small);
            return token;
        }
        return make(Token::Kind::identifier, begin);
    }
    if (is_digit(c) || (c == '.' && is_digit(after))) return number_or_duration();
    if (c == '"' || c == '\'' || c == '`') return quoted(c);
    if (c == '[') ++brackets_;
    if (c == ']') --brackets_;
    static constexpr std::string_view doubles[] = {"==", "!=", "<=", ">=", "=~", "!~"};
    for (const auto symbol : doubles) {
        if (text_.substr(at_, 2) != symbol) continue;
        at_ += 2;
        return make(Token::Kind::symbol, begin);
    }
    ++at_;
    if (std::string_view("(){}[],+-*/%^<>=@:").find(c) != std::string_view::npos)
        return make(Token::Kind::symbol, begin);
    return error(begin, fmt::format("unexpected character: '{}'", c));
}

}  // namespace medic::promql
