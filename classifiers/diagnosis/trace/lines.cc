#include "classifiers/diagnosis/trace/lines.h"

#include <array>
#include <cctype>
#include <charconv>

namespace medic::trace {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }
constexpr std::array<bool, 256> name_chars = [] {
    std::array<bool, 256> are{};
    for (int c = 0; c < 256; ++c)
        are[static_cast<std::size_t>(c)] =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            std::string_view{"_$./-"}.find(static_cast<char>(c)) != std::string_view::npos;
    return are;
}();

bool is_name_char(char c) { return name_chars[static_cast<unsigned char>(c)]; }

// A module or class loader in front of a frame: "app//", "java.base@17.0.1/", "blob_p-1//".
std::string_view without_module(std::string_view function) {
    if (function.find('/') == std::string_view::npos) return function;  // Most have none, and rfind is far slower.
    const auto slash = function.rfind('/');
    if (slash + 1 >= function.size()) return function;
    const char next = function[slash + 1];
    // "Job$$Lambda$14/0x0000000840064840.apply" and "Job$$Lambda$14/1234.apply" hold a slash of their own.
    if (std::isdigit(static_cast<unsigned char>(next)) != 0) {
        const auto module = function.substr(0, slash).rfind("//");
        return module == std::string_view::npos ? function : function.substr(module + 2);
    }
    return function.substr(slash + 1);
}

// The group of brackets that ends the text before anything like " ~[jar:version]"; npos when there is none.
std::size_t last_group(std::string_view text, std::size_t close) {
    std::size_t depth = 0;
    for (std::size_t i = close + 1; i-- > 0;) {
        if (text[i] == ')') ++depth;
        if (text[i] == '(' && --depth == 0) return i;
    }
    return std::string_view::npos;
}

constexpr std::array type_endings{std::string_view{"Exception"},   std::string_view{"Error"},
                                  std::string_view{"Throwable"},   std::string_view{"Failure"},
                                  std::string_view{"Fault"},       std::string_view{"Interrupt"},
                                  std::string_view{"ThreadDeath"}, std::string_view{"Dereference"}};

// A throwable's class: ends as such classes do; qualified ("a.b.CException") or a plain capitalised word.
bool looks_like_type(std::string_view token) {
    if (token.size() < 5 || token.size() > 300) return false;
    if (std::isdigit(static_cast<unsigned char>(token.front())) != 0) return false;
    auto name = token;
    if (const auto dollar = name.rfind('$'); dollar != std::string_view::npos && dollar + 1 < name.size()) {
        // Nested classes: judge either part.
        const auto outer = name.substr(0, dollar);
        for (const auto ending : type_endings)
            if (outer.ends_with(ending)) return true;
    }
    for (const auto ending : type_endings)
        if (name.ends_with(ending)) return name.size() > ending.size() || name == "Error";
    return false;
}

bool qualified(std::string_view token) {
    return token.find('.') != std::string_view::npos || token.find("::") != std::string_view::npos;
}

std::size_t token_end(std::string_view text, std::size_t from) {
    while (from < text.size() && (is_name_char(text[from]) || (text[from] == ':' && from + 2 < text.size() &&
                                                               text[from + 1] == ':' && is_name_char(text[from + 2]))))
        from += text[from] == ':' ? 2 : 1;
    return from;
}

// Calls `take(at, end)` with each word of the line that may be a name.
template <class Take>
void for_tokens(std::string_view text, Take take) {
    for (std::size_t at = 0; at < text.size();) {
        if (!is_name_char(text[at])) {
            ++at;
            continue;
        }
        const auto end = token_end(text, at);
        take(at, end);
        at = end;  // Behind `at`, whose character is a name's.
    }
}

// The header that begins exactly at `at`.
std::optional<Header> header_at(std::string_view text, std::size_t at) {
    const auto end = token_end(text, at);
    auto type = text.substr(at, end - at);
    if (const auto slash = type.rfind('/'); slash != std::string_view::npos) type.remove_prefix(slash + 1);
    if (!looks_like_type(type)) return std::nullopt;
    auto rest = text.substr(end);
    if (rest.empty()) return Header{type, {}};
    if (rest.front() == '*') rest.remove_prefix(1);  // Mail clients' bold.
    if (rest.empty()) return Header{type, {}};
    if (rest.front() == ':') return Header{type, trim(rest.substr(1))};
    if (is_space(rest.front())) return Header{type, trim(rest)};
    // Hadoop's clients put the class that the server threw behind their own: "a.RemoteException(b.StandbyException):
    // why".
    if (rest.front() == '(' && qualified(type)) {
        const auto inner = token_end(rest, 1);
        if (inner > 1 && rest.substr(inner).starts_with("): ") && looks_like_type(rest.substr(1, inner - 1)))
            return Header{type, trim(rest.substr(inner + 3))};
    }
    return std::nullopt;
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Writes what the escape after a backslash stands for; returns how many characters of `text` it took.
std::size_t append_escape(std::string_view text, std::string& out) {
    switch (text.front()) {
        case 'n': out += '\n'; return 1;
        case 't': out += '\t'; return 1;
        case 'r': return 1;
        case 'u': {
            if (text.size() < 5) return 1;
            int code = 0;
            for (std::size_t i = 1; i < 5; ++i) {
                const int digit = hex_value(text[i]);
                if (digit < 0) return 1;
                code = code * 16 + digit;
            }
            out += code >= 0x20 && code < 0x7f ? static_cast<char>(code) : '?';
            return 5;
        }
        default: out += text.front(); return 1;
    }
}

}  // namespace

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::optional<FrameLine> parse_frame(std::string_view trimmed) {
    if (!trimmed.starts_with("at ")) return std::nullopt;
    auto text = trim(trimmed.substr(3));
    const auto close = text.rfind(')');
    if (close == std::string_view::npos) {
        // A wrapped or trimmed line keeps its function: no blanks, at least one dot.
        if (text.find(' ') != std::string_view::npos || !qualified(text)) return std::nullopt;
        return FrameLine{without_module(text), {}};
    }
    const auto first_open = text.find('(');
    if (first_open == std::string_view::npos) return std::nullopt;
    const bool native =
        text.substr(0, first_open).find("::") != std::string_view::npos || text.find("+0x") != std::string_view::npos;
    if (native) {
        const auto open = last_group(text, close);
        if (open == std::string_view::npos) return std::nullopt;
        const auto location = text.substr(open + 1, close - open - 1);
        if (open == 0 || (location.find('+') == std::string_view::npos && location.find(':') == std::string_view::npos))
            return FrameLine{text, {}};
        return FrameLine{trim(text.substr(0, open)), location};
    }
    const auto function = text.substr(0, first_open);
    const auto end = text.find(')', first_open);
    if (function.empty() || function.find(' ') != std::string_view::npos) return std::nullopt;
    return FrameLine{without_module(function), text.substr(first_open + 1, end - first_open - 1)};
}

std::optional<FrameLine> parse_python_frame(std::string_view trimmed) {
    if (!trimmed.starts_with("File \"")) return std::nullopt;
    const auto quote = trimmed.find('"', 6);
    if (quote == std::string_view::npos) return std::nullopt;
    const auto in = trimmed.find(", in ", quote);
    const auto function = in == std::string_view::npos ? std::string_view{"<module>"} : trim(trimmed.substr(in + 5));
    return FrameLine{function, trimmed.substr(6, quote - 6)};
}

std::optional<std::uint32_t> parse_elision(std::string_view trimmed) {
    if (!trimmed.starts_with("... ")) return std::nullopt;
    std::uint32_t count = 0;
    const auto digits = trimmed.substr(4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view rest{end, static_cast<std::size_t>(digits.data() + digits.size() - end)};
    if (!rest.starts_with(" more") && !rest.starts_with(" common frames")) return std::nullopt;
    return count;
}

std::optional<Header> parse_header(std::string_view line, HeaderSearch search) {
    auto text = trim(line);
    if (text.starts_with("Exception in thread \"")) {
        const auto quote = text.find("\" ", 21);
        if (quote != std::string_view::npos) text = trim(text.substr(quote + 2));
    }
    if (text.starts_with("*")) text.remove_prefix(1);
    if (const auto whole = header_at(text, 0)) {
        // A plain word must be followed by its message, or "Error while …" would be a type.
        const auto after = text.substr(whole->type.size());
        // Node puts a code behind it: "TypeError [ERR_INVALID_ARG_TYPE]: …".
        if (qualified(whole->type) || after.starts_with(":") || after.starts_with(" [ERR_") || after.empty())
            return whole;
    }
    if (search == HeaderSearch::whole_line) return std::nullopt;
    std::optional<Header> found;
    for_tokens(text, [&](std::size_t at, std::size_t end) {
        if (!qualified(text.substr(at, end - at)) || (end < text.size() && text[end] == ')' && found)) return;
        if (auto header = header_at(text, at); header && qualified(header->type)) found = header;
    });
    return found;
}

std::optional<Header> parse_plain_header(std::string_view line) {
    const auto text = trim(line);
    std::optional<Header> found;
    for_tokens(text, [&](std::size_t at, std::size_t end) {
        const auto after = text.substr(end);
        if (!after.starts_with(": ") && !after.starts_with(" [ERR_")) return;
        if (auto header = header_at(text, at); header && !qualified(header->type)) found = header;
    });
    return found;
}

std::optional<Header> parse_any_header(std::string_view line) {
    const auto text = trim(line);
    auto end = text.find(": ");
    if (end == std::string_view::npos) end = text.size();
    const auto type = text.substr(0, end);
    if (type.empty() || type.size() > 300 || type.find_first_of(" \t[]()\"'") != std::string_view::npos ||
        !qualified(type))
        return std::nullopt;
    return Header{type, end == text.size() ? std::string_view{} : trim(text.substr(end + 2))};
}

std::optional<std::string> unescape_json_lines(std::string_view text) {
    const auto first = trim(text.substr(0, text.find('\n')));
    if (!first.starts_with("{") || text.find("\\n") == std::string_view::npos) return std::nullopt;
    if (first.find("\\tat ") == std::string_view::npos && first.find("\\n") == std::string_view::npos &&
        text.find("\\tat ") == std::string_view::npos)
        return std::nullopt;
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at++];
        if (c == '\\' && at < text.size()) {
            at += append_escape(text.substr(at), out);
        } else if (c == '"') {
            // A JSON string's border becomes a line break, so that headers stand at a line's start.
            out += '\n';
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace medic::trace
