// What expressions need, and texts about it.
#include <algorithm>

#include "agent/doctor/sight.h"
#include "classifiers/rules/promql/parser.h"

namespace medic::doctor {
namespace {

using promql::Node;

struct Walker {
    const Told& told;
    const RuleSet& rules;
    std::set<std::string>& missing;
    int depth = 0;  // Of recorded series that read recorded series.

    bool see(const Node& node);
    bool series(const Node& node);
};

std::string matched(const Node& node, std::string_view label) {
    for (const LabelMatcher& one : node.matchers)
        if (one.label == label && one.op == LabelMatcher::Op::equal) return one.value;
    return "";
}

bool Walker::series(const Node& node) {
    const std::string name = node.text.empty() ? matched(node, "__name__") : node.text;
    if (name.empty()) return true;  // Selects by labels alone: nothing can be said of it.
    constexpr int depth_max = 8;
    if (const Rule* recorded = rules.find(name);
        recorded != nullptr && recorded->kind == Rule::Kind::record && depth < depth_max) {
        const auto parsed = promql::parse(recorded->expression);
        Walker inner{told, rules, missing, depth + 1};
        return parsed.root == nullptr || inner.see(*parsed.root);
    }
    const std::string role = name.starts_with("process_") ? matched(node, "role") : "";
    if (told(name, role)) return true;
    missing.insert(role.empty() ? name : name + "@" + role);
    return false;
}

bool Walker::see(const Node& node) {
    if (node.kind == Node::Kind::selector || node.kind == Node::Kind::matrix) return series(node);
    if (node.kind == Node::Kind::binary && node.op == promql::BinaryOp::logical_or) {
        std::set<std::string> lacking;
        Walker either{told, rules, lacking, depth};
        bool any = false;
        for (const auto& child : node.children) any = either.see(*child) || any;
        if (!any) missing.insert(lacking.begin(), lacking.end());
        return any;
    }
    if (node.kind == Node::Kind::binary && node.op == promql::BinaryOp::unless) return see(*node.children[0]);
    bool all = true;
    for (const auto& child : node.children) all = see(*child) && all;
    return all;
}

}  // namespace

bool can_be_seen(std::string_view expression, const Told& told, const RuleSet& rules, std::set<std::string>& missing) {
    if (expression.empty()) return true;
    const auto parsed = promql::parse(expression);
    return parsed.root == nullptr || Walker{told, rules, missing}.see(*parsed.root);
}

std::string without_templates(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto open = text.find("{{");
        const auto close = open == std::string_view::npos ? open : text.find("}}", open);
        if (close == std::string_view::npos) return out + std::string(text);
        out += text.substr(0, open);
        const std::string_view inside = text.substr(open, close - open);
        const auto label = inside.find("$labels.");
        if (label == std::string_view::npos) {
            out += "N";
        } else {
            for (const char c : inside.substr(label + 8)) {
                if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') break;
                out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
            }
        }
        text.remove_prefix(close + 2);
    }
    return out;
}

std::string first_sentence(std::string_view text) {
    const auto end = text.find(". ");
    std::string sentence(text.substr(0, end == std::string_view::npos ? text.size() : end + 1));
    if (sentence.ends_with('\n')) sentence.pop_back();
    return sentence;
}

std::string page_kind_of(std::string_view page_series) {
    static constexpr std::pair<std::string_view, const char*> kinds[] = {{"kafka_connect_", "connect-worker"},
                                                                         {"kafka_", "kafka-broker"},
                                                                         {"flink_jobmanager_", "flink-jobmanager"},
                                                                         {"flink_taskmanager_", "flink-taskmanager"},
                                                                         {"node_", "host"}};
    for (const auto& [prefix, kind] : kinds)
        if (page_series.starts_with(prefix)) return kind;
    return "";
}

}  // namespace medic::doctor
