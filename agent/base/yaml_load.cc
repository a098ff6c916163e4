#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "agent/base/yaml.h"
#include "agent/base/yaml_document_internal.h"

namespace medic {
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

}  // namespace

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

}  // namespace medic
