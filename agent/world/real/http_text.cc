// The parts of HTTP that are only text: escapes, queries, multipart bodies.
#include <algorithm>

#include "agent/world/real/http_server.h"

namespace medic {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

constexpr std::size_t parts_max = 16;  // Flink's upload has one; nobody needs more.

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

// The value of `key=` in a header such as `form-data; name="jarfile"; filename="a.so"`.
std::string parameter(std::string_view header, std::string_view key) {
    const std::string small = lower(header);
    const std::string wanted = std::string(key) + "=";
    for (std::size_t at = small.find(wanted); at != std::string::npos; at = small.find(wanted, at + 1)) {
        if (at != 0 && small[at - 1] != ' ' && small[at - 1] != ';') continue;  // `filename=` contains `name=`
        std::string_view rest = header.substr(at + wanted.size());
        if (rest.starts_with('"')) return std::string(rest.substr(1, rest.find('"', 1) - 1));
        return std::string(rest.substr(0, rest.find_first_of("; \r\n")));
    }
    return {};
}

Result<MultipartPart> parse_part(std::string_view text) {
    const auto end = text.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return fail(ErrorCode::invalid, "multipart: a part without an empty line after its header");
    MultipartPart part;
    part.body = text.substr(end + 4);
    std::string_view headers = text.substr(0, end);
    while (!headers.empty()) {
        const std::string_view line = headers.substr(0, headers.find("\r\n"));
        headers.remove_prefix(std::min(headers.size(), line.size() + 2));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const std::string name = lower(line.substr(0, colon));
        std::string_view value = line.substr(colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        if (name == "content-disposition") {
            part.name = parameter(value, "name");
            part.filename = parameter(value, "filename");
        } else if (name == "content-type") {
            part.content_type = std::string(value);
        }
    }
    return part;
}

}  // namespace

std::optional<std::string_view> HttpRequest::query_value(std::string_view name) const {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return std::nullopt;
}

std::vector<std::string_view> HttpRequest::query_values(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [key, value] : query)
        if (key == name) values.push_back(value);
    return values;
}

std::string_view HttpRequest::header(std::string_view lower_case_name) const {
    for (const auto& [key, value] : headers)
        if (key == lower_case_name) return value;
    return {};
}

std::optional<std::string> url_decode(std::string_view text, UrlPart part) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && part == UrlPart::query) {
            out += ' ';
        } else if (text[i] == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else if (text[i] == '\0') {
            return std::nullopt;
        } else {
            out += text[i];
        }
    }
    return out;
}

Result<std::vector<MultipartPart>> parse_multipart(const HttpRequest& request) {
    const std::string_view type = request.header("content-type");
    if (!lower(type).starts_with("multipart/form-data"))
        return fail(ErrorCode::invalid, "expected content-type multipart/form-data");
    const std::string boundary = parameter(type, "boundary");
    if (boundary.empty() || boundary.size() > 70)
        return fail(ErrorCode::invalid, "multipart: boundary of 1 to 70 characters expected");
    const std::string delimiter = "--" + boundary;
    std::string_view rest = request.body;
    if (!rest.starts_with(delimiter))
        return fail(ErrorCode::invalid, "multipart: the body doesn't start with its boundary");
    rest.remove_prefix(delimiter.size());
    std::vector<MultipartPart> parts;
    while (rest.starts_with("\r\n")) {
        rest.remove_prefix(2);
        const auto end = rest.find("\r\n" + delimiter);
        if (end == std::string_view::npos) return fail(ErrorCode::invalid, "multipart: the body ends inside a part");
        if (parts.size() == parts_max) return fail(ErrorCode::invalid, "multipart: more than {} parts", parts_max);
        MEDIC_TRY(MultipartPart part, parse_part(rest.substr(0, end)));
        parts.push_back(std::move(part));
        rest.remove_prefix(end + 2 + delimiter.size());
    }
    if (!rest.starts_with("--")) return fail(ErrorCode::invalid, "multipart: no closing boundary");
    return parts;
}

}  // namespace medic
