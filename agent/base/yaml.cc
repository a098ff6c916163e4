#include "agent/base/yaml.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "agent/base/yaml_document_internal.h"

namespace medic {
namespace {

std::string describe(const YamlNode::Document::Node& node) {
    switch (node.kind) {
        case YamlNode::Kind::missing: return "nothing";
        case YamlNode::Kind::null: return "nothing";
        case YamlNode::Kind::list: return "a list";
        case YamlNode::Kind::map: return "a map";
        case YamlNode::Kind::scalar: break;
    }
    return fmt::format("\"{}\"", node.text.size() > 60 ? node.text.substr(0, 60) + "…" : node.text);
}

template <class T>
std::optional<T> number(std::string_view text) {
    T value{};
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto candidate : known) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

YamlNode::Kind YamlNode::kind() const { return !document_ || missing_ ? Kind::missing : document_->nodes[index_].kind; }

YamlNode YamlNode::get(std::string_view key) const {
    if (kind() == Kind::map) {
        const auto& children = document_->nodes[index_].children;
        for (std::size_t i = 0; i + 1 < children.size(); i += 2)
            if (document_->nodes[children[i]].text == key) return {document_, children[i + 1]};
    }
    YamlNode missing = *this;
    missing.missing_ = true;
    return missing;
}

YamlNode YamlNode::key_node(std::string_view key) const {
    if (kind() == Kind::map) {
        const auto& children = document_->nodes[index_].children;
        for (std::size_t i = 0; i + 1 < children.size(); i += 2)
            if (document_->nodes[children[i]].text == key) return {document_, children[i]};
    }
    YamlNode missing = *this;
    missing.missing_ = true;
    return missing;
}

std::vector<YamlNode> YamlNode::items() const {
    std::vector<YamlNode> result;
    if (kind() != Kind::list) return result;
    for (const auto child : document_->nodes[index_].children) result.push_back({document_, child});
    return result;
}

std::vector<std::pair<std::string, YamlNode>> YamlNode::entries() const {
    std::vector<std::pair<std::string, YamlNode>> result;
    if (kind() != Kind::map) return result;
    const auto& children = document_->nodes[index_].children;
    for (std::size_t i = 0; i + 1 < children.size(); i += 2)
        result.emplace_back(document_->nodes[children[i]].text, YamlNode{document_, children[i + 1]});
    return result;
}

std::string YamlNode::text() const { return kind() == Kind::scalar ? document_->nodes[index_].text : std::string(); }
bool YamlNode::quoted() const { return kind() == Kind::scalar && document_->nodes[index_].quoted; }
int YamlNode::line() const { return document_ ? document_->nodes[index_].line : 0; }
int YamlNode::column() const { return document_ ? document_->nodes[index_].column : 0; }

std::string YamlNode::where() const {
    return document_ ? fmt::format("{}:{}:{}", document_->name, line(), column()) : std::string("(no file)");
}

std::unexpected<Error> YamlNode::error(std::string_view message) const {
    return fail(ErrorCode::invalid, "{}: {}", where(), message);
}

template <class T, class Parse>
Result<T> YamlNode::parse_scalar(std::string_view expected, Parse parse) const {
    if (kind() == Kind::scalar) {
        if (std::optional<T> value = parse(document_->nodes[index_].text)) return *std::move(value);
    }
    const std::string found = kind() == Kind::missing ? "nothing" : describe(document_->nodes[index_]);
    return error(fmt::format("expected {}, found {}", expected, found));
}

Result<std::string> YamlNode::as_string() const {
    return parse_scalar<std::string>("a text", [](const std::string& text) { return std::optional(text); });
}

Result<std::int64_t> YamlNode::as_int() const {
    return parse_scalar<std::int64_t>("a whole number", [&](const std::string& text) {
        return quoted() ? std::nullopt : number<std::int64_t>(text);
    });
}

Result<double> YamlNode::as_double() const {
    return parse_scalar<double>(
        "a number", [&](const std::string& text) { return quoted() ? std::nullopt : number<double>(text); });
}

Result<bool> YamlNode::as_bool() const {
    return parse_scalar<bool>("true or false", [&](const std::string& text) -> std::optional<bool> {
        if (quoted() || (text != "true" && text != "false")) return std::nullopt;
        return text == "true";
    });
}

Result<Duration> YamlNode::as_duration() const {
    return parse_scalar<Duration>("a duration such as 500ms, 15s, 1h30m or 2d",
                                  [](const std::string& text) -> std::optional<Duration> {
                                      auto duration = parse_duration(text);
                                      return duration ? std::optional(*duration) : std::nullopt;
                                  });
}

Result<std::vector<std::string>> YamlNode::as_strings() const {
    std::vector<std::string> result;
    if (kind() != Kind::list) {
        MEDIC_TRY(result.emplace_back(), as_string());
        return result;
    }
    for (const auto& item : items()) {
        MEDIC_TRY(result.emplace_back(), item.as_string());
    }
    return result;
}

Result<std::string> YamlNode::string_or(std::string_view key, std::string_view fallback) const {
    const YamlNode node = get(key);
    return node ? node.as_string() : Result<std::string>(std::string(fallback));
}
Result<std::int64_t> YamlNode::int_or(std::string_view key, std::int64_t fallback) const {
    const YamlNode node = get(key);
    return node ? node.as_int() : Result<std::int64_t>(fallback);
}
Result<double> YamlNode::double_or(std::string_view key, double fallback) const {
    const YamlNode node = get(key);
    return node ? node.as_double() : Result<double>(fallback);
}
Result<bool> YamlNode::bool_or(std::string_view key, bool fallback) const {
    const YamlNode node = get(key);
    return node ? node.as_bool() : Result<bool>(fallback);
}
Result<Duration> YamlNode::duration_or(std::string_view key, Duration fallback) const {
    const YamlNode node = get(key);
    return node ? node.as_duration() : Result<Duration>(fallback);
}

Status YamlNode::expect_map(std::string_view what) const {
    if (kind() == Kind::map) return {};
    return error(fmt::format("expected {} as a map (key: value), found {}", what,
                             kind() == Kind::missing ? "nothing" : describe(document_->nodes[index_])));
}

Status YamlNode::expect_list(std::string_view what) const {
    if (kind() == Kind::list) return {};
    return error(fmt::format("expected {} as a list (- item), found {}", what,
                             kind() == Kind::missing ? "nothing" : describe(document_->nodes[index_])));
}

Status YamlNode::expect_keys(std::initializer_list<std::string_view> known) const {
    if (kind() != Kind::map) return expect_map("this");
    for (const auto& [key, value] : entries()) {
        if (std::ranges::find(known, std::string_view(key)) != known.end()) continue;
        const std::string_view near = nearest(key, known);
        std::string hint;
        if (!near.empty()) {
            hint = fmt::format("did you mean \"{}\"?", near);
        } else {
            for (const auto word : known) hint += fmt::format("{}{}", hint.empty() ? "known keys: " : ", ", word);
        }
        return key_node(key).error(fmt::format("unknown key \"{}\": {}", key, hint));
    }
    return {};
}

}  // namespace medic
