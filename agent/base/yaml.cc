#include "agent/base/yaml.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace medic {

struct YamlNode::Document {
    struct Node {
        Kind kind = Kind::null;
        bool quoted = false;
        int line = 0, column = 0;  // From 1.
        std::string text;
        std::vector<std::uint32_t> children;  // Of a map: key, value, key, value, …
    };
    std::string name;
    std::vector<Node> nodes;
};

namespace {

using Kind = YamlNode::Kind;
using Document = YamlNode::Document;

struct Refused {
    int line, column;
    std::string message;
};

// Builds the document from yaml-cpp's events: unlike its Node tree they carry the marks of keys, aliases and doubled
// keys.
class Builder final : public YAML::EventHandler {
public:
    Builder(Document& document, const YamlLimits& limits) : document_(document), limits_(limits) {}

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, "", anchor, Kind::null); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        refuse(mark, "aliases (*name) are not accepted: write the value out");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        const std::uint32_t index = add(mark, tag, anchor, Kind::scalar);
        auto& node = document_.nodes[index];
        node.text = value;
        node.quoted = tag == "!";
        if (!node.quoted && (value == "null" || value == "~" || value == "Null" || value == "NULL"))
            node.kind = Kind::null;
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, add(mark, tag, anchor, Kind::list));
    }
    void OnSequenceEnd() override { open_.pop_back(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, add(mark, tag, anchor, Kind::map));
    }
    void OnMapEnd() override { open_.pop_back(); }

private:
    [[noreturn]] static void refuse(const YAML::Mark& mark, std::string message) {
        throw Refused{mark.line + 1, mark.column + 1, std::move(message)};
    }

    void open(const YAML::Mark& mark, std::uint32_t index) {
        if (open_.size() >= limits_.depth_max)
            refuse(mark, fmt::format("nested deeper than {} levels", limits_.depth_max));
        open_.push_back(index);
    }

    std::uint32_t add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Kind kind) {
        if (anchor != YAML::NullAnchor) refuse(mark, "anchors (&name) are not accepted: write the value out");
        if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, fmt::format("the tag {} is not accepted", tag));
        if (document_.nodes.size() >= limits_.nodes_max)
            refuse(mark, fmt::format("more than {} values", limits_.nodes_max));
        const auto index = static_cast<std::uint32_t>(document_.nodes.size());
        auto& node = document_.nodes.emplace_back();
        node.kind = kind;
        node.line = mark.line + 1;
        node.column = mark.column + 1;
        if (!open_.empty()) attach(mark, index, kind);
        return index;
    }

    void attach(const YAML::Mark& mark, std::uint32_t index, Kind kind) {
        auto& parent = document_.nodes[open_.back()];
        if (parent.kind == Kind::map && parent.children.size() % 2 == 0 && (kind == Kind::list || kind == Kind::map))
            refuse(mark, "a key must be a word, not a list or a map");
        parent.children.push_back(index);
    }

    Document& document_;
    const YamlLimits& limits_;
    std::vector<std::uint32_t> open_;  // Lists and maps around the next event.
};

void refuse_doubled_keys(const Document& document) {
    for (const auto& node : document.nodes) {
        if (node.kind != Kind::map) continue;
        std::map<std::string_view, int> lines;
        for (std::size_t i = 0; i < node.children.size(); i += 2) {
            const auto& key = document.nodes[node.children[i]];
            const auto [at, is_new] = lines.emplace(key.text, key.line);
            if (!is_new)
                throw Refused{
                    key.line, key.column,
                    fmt::format("key \"{}\" is given twice (first in line {}): keep one", key.text, at->second)};
        }
    }
}

std::string describe(const Document::Node& node) {
    switch (node.kind) {
        case Kind::missing: return "nothing";
        case Kind::null: return "nothing";
        case Kind::list: return "a list";
        case Kind::map: return "a map";
        case Kind::scalar: break;
    }
    return fmt::format("\"{}\"", node.text.size() > 60 ? node.text.substr(0, 60) + "…" : node.text);
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

struct DurationUnit {
    std::string_view name;
    std::int64_t ms;
};
constexpr DurationUnit duration_units[] = {{"y", 365LL * 86'400'000},
                                           {"w", 7LL * 86'400'000},
                                           {"d", 86'400'000},
                                           {"h", 3'600'000},
                                           {"m", 60'000},
                                           {"s", 1000},
                                           {"ms", 1}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    const auto wrong = [&] {
        return fail(ErrorCode::invalid, "expected a duration such as 500ms, 15s, 1h30m or 2d, found \"{}\"", text);
    };
    if (text == "0") return Duration{0};
    if (text.empty()) return wrong();
    std::int64_t total_ms = 0;
    std::size_t unit_next = 0;
    std::string_view rest = text;
    while (!rest.empty()) {
        std::int64_t count = 0;
        const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
        if (code != std::errc{} || rest.front() == '-') return wrong();
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const std::string_view unit = rest.substr(0, rest.starts_with("ms") ? 2 : 1);
        const auto* const found = std::find_if(std::begin(duration_units) + unit_next, std::end(duration_units),
                                               [&](const DurationUnit& each) { return each.name == unit; });
        if (found == std::end(duration_units)) return wrong();
        unit_next = static_cast<std::size_t>(found - std::begin(duration_units)) + 1;
        std::int64_t part_ms = 0;
        if (__builtin_mul_overflow(count, found->ms, &part_ms) || __builtin_add_overflow(total_ms, part_ms, &total_ms))
            return fail(ErrorCode::invalid, "the duration \"{}\" is too long", text);
        rest.remove_prefix(unit.size());
    }
    return Duration{total_ms};
}

std::string format_duration(Duration duration) {
    std::int64_t rest_ms = duration.count();
    if (rest_ms == 0) return "0s";
    std::string text = rest_ms < 0 ? "-" : "";
    rest_ms = std::abs(rest_ms);
    for (const auto& unit : duration_units) {
        // Years and weeks only when they hide nothing: "8d" reads better than "1w1d".
        if ((unit.name == "y" || unit.name == "w") && rest_ms % unit.ms != 0) continue;
        if (rest_ms >= unit.ms) text += fmt::format("{}{}", rest_ms / unit.ms, unit.name);
        rest_ms %= unit.ms;
    }
    return text;
}

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

Result<YamlNode> load_yaml(std::string_view text, std::string_view name, const YamlLimits& limits) {
    if (text.size() > limits.bytes_max)
        return fail(ErrorCode::invalid, "{}: {} bytes, at most {} are read", name, text.size(), limits.bytes_max);
    const auto document = std::make_shared<Document>();
    document->name = name;
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        Builder builder(*document, limits);
        if (parser.HandleNextDocument(builder)) {
            const std::size_t nodes_of_first = document->nodes.size();
            if (parser.HandleNextDocument(builder)) {
                const auto& second =
                    document->nodes.size() > nodes_of_first ? document->nodes[nodes_of_first] : Document::Node{};
                return fail(ErrorCode::invalid, "{}:{}:{}: a second document (---) in one file: split the file", name,
                            std::max(second.line, 1), std::max(second.column, 1));
            }
        }
        refuse_doubled_keys(*document);
    } catch (const Refused& refused) {
        return fail(ErrorCode::invalid, "{}:{}:{}: {}", name, refused.line, refused.column, refused.message);
    } catch (const YAML::Exception& error) {
        return fail(ErrorCode::invalid, "{}:{}:{}: not valid YAML: {}", name, error.mark.line + 1,
                    error.mark.column + 1, error.msg);
    }
    if (document->nodes.empty() || document->nodes[0].kind == Kind::null) {
        document->nodes.assign(1, {});
        document->nodes[0].kind = Kind::map;
        document->nodes[0].line = document->nodes[0].column = 1;
    }
    return YamlNode(document, 0);
}

Result<YamlNode> load_yaml_file(const std::string& path, const YamlLimits& limits) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(ErrorCode::invalid, "{}: cannot be opened: check that it exists and may be read", path);
    std::string text(limits.bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return fail(ErrorCode::unavailable, "{}: cannot be read", path);
    text.resize(static_cast<std::size_t>(file.gcount()));
    return load_yaml(text, path, limits);
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

namespace {

template <class T>
std::optional<T> number(std::string_view text) {
    T value{};
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

}  // namespace

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
