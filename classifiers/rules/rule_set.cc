#include "classifiers/rules/rule_set.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "agent/base/yaml.h"
#include "classifiers/rules/promql/parser.h"
#include "classifiers/rules/template/template.h"

namespace medic {
namespace {

constexpr std::size_t problems_max = 50;
constexpr std::size_t rules_max = 10'000;

bool is_label_name(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && letter(text[0]) &&
           std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_metric_name(std::string_view text) {
    std::string plain(text);
    std::ranges::replace(plain, ':', '_');
    return is_label_name(plain);
}

// Reads one file; problems are collected, so that a person sees all of them at once.
class Reader {
public:
    Reader(std::vector<std::string>& problems, std::vector<std::string>& warnings)
        : problems_(problems), warnings_(warnings) {}

    void read(const RuleFileText& file, std::vector<RuleGroup>& groups) {
        const auto document = load_yaml(file.text, file.path);
        if (!note(document)) return;
        YamlNode root = *document;
        const YamlNode kind = root.get("kind");
        if (kind && kind.text() == "PrometheusRule") root = root.get("spec");
        if (!note(root.expect_map("a rule file")) || !note(root.expect_keys({"groups", "namespace"}))) return;
        const YamlNode list = root.get("groups");
        if (!list || list.kind() == YamlNode::Kind::null) return;
        if (!note(list.expect_list("groups"))) return;
        std::set<std::string> names;
        for (const auto& node : list.items()) group(node, file.path, names, groups);
    }

private:
    template <class T>
    bool note(const Result<T>& result) {
        if (!result) problem(result.error().message);
        return result.has_value();
    }
    void problem(std::string text) {
        if (problems_.size() < problems_max) problems_.push_back(std::move(text));
    }
    void problem(const YamlNode& node, std::string_view text) { problem(node.error(text).error().message); }

    template <class T>
    void take(const Result<T>& result, T& into) {
        if (note(result)) into = *result;
    }

    void group(const YamlNode& node, const std::string& file, std::set<std::string>& names,
               std::vector<RuleGroup>& groups) {
        if (!note(node.expect_map("a group"))) return;
        note(node.expect_keys(
            {"name", "interval", "query_offset", "limit", "labels", "rules", "partial_response_strategy"}));
        RuleGroup group;
        group.file = file;
        take(node.get("name").as_string(), group.name);
        if (group.name.empty()) problem(node.get("name"), "expected the group's name");
        if (!group.name.empty() && !names.insert(group.name).second)
            problem(node.get("name"), fmt::format("the group \"{}\" is given twice", group.name));
        take(node.duration_or("interval", Duration{0}), group.interval);
        take(node.duration_or("query_offset", Duration{0}), group.query_offset);
        std::int64_t limit = 0;
        take(node.int_or("limit", 0), limit);
        group.limit = static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
        std::map<std::string, std::string> labels;
        texts(node.get("labels"), labels, TextKind::labels, true);
        const YamlNode rules = node.get("rules");
        if (rules && rules.kind() != YamlNode::Kind::null) {
            if (!note(rules.expect_list("rules"))) return;
            for (const auto& each : rules.items()) {
                if (++rules_ > rules_max) return problem(each, fmt::format("more than {} rules", rules_max));
                rule(each, labels, group);
            }
        }
        groups.push_back(std::move(group));
    }

    void rule(const YamlNode& node, const std::map<std::string, std::string>& group_labels, RuleGroup& group) {
        if (!note(node.expect_map("a rule"))) return;
        note(node.expect_keys({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}));
        Rule rule;
        rule.where = node.where();
        const YamlNode record = node.get("record"), alert = node.get("alert");
        if (static_cast<bool>(record) == static_cast<bool>(alert))
            return problem(node, "expected one of alert and record");
        rule.kind = record ? Rule::Kind::record : Rule::Kind::alert;
        take((record ? record : alert).as_string(), rule.name);
        if (record && !is_metric_name(rule.name))
            problem(record, fmt::format("expected the name of a series, found \"{}\"", rule.name));
        if (alert && rule.name.empty()) problem(alert, "expected the alert's name");
        expression(node.get("expr"), node, rule);
        take(node.duration_or("for", Duration{0}), rule.hold);
        take(node.duration_or("keep_firing_for", Duration{0}), rule.keep_firing);
        for (const char* key : {"for", "keep_firing_for", "annotations"})
            if (record && node.get(key)) problem(node.key_node(key), fmt::format("{} is for alerts only", key));
        rule.labels = group_labels;
        texts(node.get("labels"), rule.labels, TextKind::labels, !record);
        texts(node.get("annotations"), rule.annotations, TextKind::annotations, true);
        const auto twin = std::ranges::find_if(seen_, [&](const Rule& other) {
            return other.kind == rule.kind && other.name == rule.name && other.labels == rule.labels;
        });
        if (twin != seen_.end())
            warnings_.push_back(
                fmt::format("{}: {} has the name and labels of the rule at {}: their results can collide", rule.where,
                            rule.name, twin->where));
        else
            seen_.push_back({.kind = rule.kind, .name = rule.name, .labels = rule.labels, .where = rule.where});
        group.rules.push_back(std::move(rule));
    }

    void expression(const YamlNode& node, const YamlNode& rule_node, Rule& rule) {
        if (!node) return problem(rule_node, "expected expr, the rule's expression");
        take(node.as_string(), rule.expression);
        const promql::Parsed parsed = promql::parse(rule.expression);
        if (parsed.root) {
            if (parsed.root->type != promql::ValueType::vector && parsed.root->type != promql::ValueType::scalar)
                problem(node, fmt::format("expected an expression that gives an instant vector or a scalar, found a {}",
                                          to_string(parsed.root->type)));
            return;
        }
        const auto [line, column] = promql::line_and_column(rule.expression, parsed.error.offset);
        // Only where the expression is written on one line as it is, its columns are the file's.
        const bool plain = rule.expression.find('\n') == std::string::npos && !node.quoted();
        if (plain) {
            const std::string where = node.where();
            problem(fmt::format("{}:{}: {}", where.substr(0, where.rfind(':')), node.column() + column - 1,
                                parsed.error.message));
        } else {
            problem(node, fmt::format("in the expression, line {}, column {}: {}", line, column, parsed.error.message));
        }
    }

    enum class TextKind : std::uint8_t { labels, annotations };

    void texts(const YamlNode& node, std::map<std::string, std::string>& into, TextKind kind, bool templates) {
        if (!node || node.kind() == YamlNode::Kind::null || !note(node.expect_map("names and texts"))) return;
        for (const auto& [name, value] : node.entries()) {
            if (!is_label_name(name) || (kind == TextKind::labels && name == "__name__"))
                problem(node.key_node(name), fmt::format("expected a label's name, found \"{}\"", name));
            if (value.kind() == YamlNode::Kind::null) {
                into[name] = "";
                continue;
            }
            take(value.as_string(), into[name]);
            if (!templates) continue;
            if (const auto parsed = Template::parse(into[name]); !parsed)
                problem(value, fmt::format("expected a template, {}", parsed.error().message));
        }
    }

    std::vector<std::string>& problems_;
    std::vector<std::string>& warnings_;
    std::vector<Rule> seen_;  // Name, labels and place of each rule.
    std::size_t rules_ = 0;
};

}  // namespace

Result<RuleSet> RuleSet::parse(std::span<const RuleFileText> files, std::vector<std::string>* warnings) {
    RuleSet set;
    std::vector<std::string> problems, odd;
    for (const auto& file : files) Reader(problems, odd).read(file, set.groups_);
    if (warnings != nullptr) *warnings = std::move(odd);
    if (problems.empty()) return set;
    std::string text;
    for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem;
    return fail(ErrorCode::invalid, "{}", text);
}

Result<RuleSet> RuleSet::load(std::span<const std::string> paths, std::vector<std::string>* warnings) {
    std::vector<RuleFileText> files;
    for (const auto& path : paths) {
        std::error_code error;
        if (std::filesystem::is_directory(path, error))
            return fail(ErrorCode::invalid, "{}: is a directory: give its rule files", path);
        std::ifstream in(path, std::ios::binary);
        if (!in) return fail(ErrorCode::invalid, "{}: cannot be opened: check that it exists and may be read", path);
        std::ostringstream text;
        text << in.rdbuf();
        files.push_back({path, std::move(text).str()});
    }
    return parse(files, warnings);
}

void RuleSet::order_groups(std::span<const std::string> names) {
    const auto place = [&](const RuleGroup& group) {
        const auto at = std::ranges::find(names, group.name);
        return at == names.end() ? 0 : at - names.begin();
    };
    std::ranges::stable_sort(groups_, {}, place);
}

std::size_t RuleSet::rules() const {
    std::size_t count = 0;
    for (const auto& group : groups_) count += group.rules.size();
    return count;
}

const Rule* RuleSet::find(std::string_view name) const {
    for (const auto& group : groups_)
        for (const auto& rule : group.rules)
            if (rule.name == name) return &rule;
    return nullptr;
}

}  // namespace medic
