// PromQL's words. Only for the parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace medic::promql {

struct Token {
    enum class Kind : std::uint8_t { end, error, identifier, number, duration, string, symbol };
    Kind kind = Kind::end;
    std::uint32_t begin = 0, end = 0;
    std::string_view raw;
    std::string text;   // A string's value, or the error's message.
    double number = 0;  // A duration's seconds too.

    [[nodiscard]] bool is(std::string_view symbol) const { return kind == Kind::symbol && raw == symbol; }
    // Keywords are identifiers that the parser knows by place; they are read in any case.
    [[nodiscard]] bool is_word(std::string_view lower) const;
};

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}
    Token next();
    [[nodiscard]] std::uint32_t position() const { return at_; }

private:
    void skip_blanks_and_remarks();
    Token make(Token::Kind kind, std::uint32_t begin) const;
    Token error(std::uint32_t begin, std::string message) const;
    Token name();
    Token number_or_duration();
    Token quoted(char quote);
    bool escape(std::string& into, char quote, std::string& problem);
    [[nodiscard]] bool takes_colons() const { return brackets_ == 0 && !braces_; }

    std::string_view text_;
    std::uint32_t at_ = 0;
    int brackets_ = 0;     // Inside [ ] a colon separates range and step and begins no name.
    bool braces_ = false;  // Inside { } every word is a label's name, NaN too, and has no colon.
};

[[nodiscard]] std::string lower(std::string_view text);

}  // namespace medic::promql
