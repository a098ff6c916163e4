#include "classifiers/rules/promql/lexer.h"

#include <charconv>
#include <limits>

#include "agent/base/yaml.h"
#include "classifiers/rules/promql/number_internal.h"
#include "classifiers/rules/promql/text.h"

namespace medic::promql {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Halves of a surrogate pair are no characters.
bool is_code_point(std::uint32_t code) { return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff); }

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
            while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
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
    if (const std::size_t length = number_length(text_.substr(begin)); length > 0) {
        at_ += static_cast<std::uint32_t>(length);
        Token token = make(Token::Kind::number, begin);
        const auto number = number_value(token.raw);
        if (!number) return error(begin, fmt::format("error parsing number: \"{}\"", token.raw));
        token.number = *number;
        return token;
    }
    while (at_ < text_.size() && (is_alpha(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    Token token = make(Token::Kind::duration, begin);
    const auto duration = parse_duration(token.raw);
    if (!duration) return error(begin, fmt::format("bad number or duration syntax: \"{}\"", token.raw));
    if (*duration > duration_max) return error(begin, "duration out of range");
    token.number = static_cast<double>(duration->count()) / 1000;
    return token;
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
    else if (((c == 'u' && digits(4, 16, code)) || (c == 'U' && digits(8, 16, code))) && is_code_point(code))
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
        if (quote != '`' && c == '\n') return error(begin, "unterminated quoted string");
        if (quote == '`' || c != '\\') {
            value += c;
        } else if (at_ >= text_.size() || !escape(value, quote, problem)) {
            return error(begin, problem.empty() ? "escape sequence not terminated" : problem);
        }
    }
    if (at_ >= text_.size() || text_[at_] != quote) return error(begin, "unterminated quoted string");
    ++at_;
    Token token = make(Token::Kind::string, begin);
    // As Prometheus: the character that stands for bytes which are none is refused like them.
    if (!is_utf8(token.raw) || token.raw.find("\xef\xbf\xbd") != std::string_view::npos)
        return error(begin, "invalid UTF-8 in a quoted string");
    token.text = std::move(value);
    return token;
}

Token Lexer::name() {
    const std::uint32_t begin = at_;
    while (at_ < text_.size() &&
           (is_alpha(text_[at_]) || is_digit(text_[at_]) || (text_[at_] == ':' && takes_colons())))
        ++at_;
    Token token = make(Token::Kind::identifier, begin);
    const bool infinite = token.is_word("inf");
    if (braces_ || (!infinite && !token.is_word("nan"))) return token;
    token.kind = Token::Kind::number;
    token.number = infinite ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    return token;
}

Token Lexer::next() {
    skip_blanks_and_remarks();
    const std::uint32_t begin = at_;
    if (at_ >= text_.size()) return make(Token::Kind::end, begin);
    const char c = text_[at_];
    const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (is_alpha(c) || (c == ':' && takes_colons())) return name();
    if (is_digit(c) || (c == '.' && is_digit(after))) return number_or_duration();
    if (c == '"' || c == '\'' || c == '`') return quoted(c);
    if (c == '[') ++brackets_;
    if (c == ']') --brackets_;
    if (c == '{' || c == '}') braces_ = c == '{';
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
