#include "classifiers/rules/rule_reports.h"

#include <fstream>
#include <functional>
#include <set>

#include "agent/base/yaml.h"
#include "classifiers/rules/promql/parser.h"
#include "classifiers/rules/rule_set.h"

namespace medic {
namespace {

using promql::Node;

void walk(const Node& node, const std::function<void(const Node&)>& visit) {
    visit(node);
    for (const auto& child : node.children) walk(*child, visit);
}

// What loads but is seldom meant.
std::vector<std::string> oddities(const Rule& rule, const Node& root) {
    std::vector<std::string> found;
    bool compares = false, absent = false;
    walk(root, [&](const Node& node) {
        compares = compares || node.kind == Node::Kind::binary;
        absent = absent || (node.kind == Node::Kind::call && node.text.starts_with("absent"));
        if (node.kind != Node::Kind::call || node.children.empty()) return;
        const Node& argument = *node.children[0];
        const bool rate = node.text == "rate" || node.text == "increase" || node.text == "irate";
        constexpr Duration two_default_scrapes{2'000};
        if (rate && argument.kind == Node::Kind::matrix && argument.range < two_default_scrapes)
            found.push_back(
                fmt::format("{} over {} needs two samples in the window", node.text, format_duration(argument.range)));
        if (rate && argument.kind == Node::Kind::subquery) return;
        if (rate && (argument.text.ends_with("_ratio") || argument.text.ends_with("_bytes")))
            found.push_back(fmt::format("{} of {}: does it really only grow? For gauges use deriv or delta", node.text,
                                        argument.text));
    });
    if (rule.kind == Rule::Kind::alert && !compares && !absent)
        found.emplace_back(
            "the expression compares nothing: the alert holds as long as the series is there, whatever its value");
    return found;
}

void explain(const RuleGroup& group, const Rule& rule, std::string& text) {
    const auto parsed = promql::parse(rule.expression);
    if (!parsed.root) return;
    const bool alert = rule.kind == Rule::Kind::alert;
    text +=
        fmt::format("{} ({}, group {}, {})\n", rule.name, alert ? "alert" : "recorded series", group.name, rule.where);
    text += fmt::format("  expression   {}\n", to_string(*parsed.root));
    std::set<std::string> reads, by;
    Duration window{0};
    walk(*parsed.root, [&](const Node& node) {
        if (node.kind == Node::Kind::selector || node.kind == Node::Kind::matrix) reads.insert(to_string(node));
        if (node.kind == Node::Kind::matrix || node.kind == Node::Kind::subquery)
            window = std::max(window, node.range + node.offset);
        if (node.kind == Node::Kind::aggregate && !node.without)
            for (const auto& label : node.grouping) by.insert(label);
    });
    for (const auto& selector : reads) text += fmt::format("  reads        {}\n", selector);
    if (window.count() > 0) text += fmt::format("  looks back   {}\n", format_duration(window));
    for (const auto& label : by) text += fmt::format("  keeps label  {}\n", label);
    if (!alert) return;
    text += rule.hold.count() == 0
                ? "  fires        at once when the expression gives a result\n"
                : fmt::format("  fires        when it gives a result for {}\n", format_duration(rule.hold));
    if (rule.keep_firing.count() > 0)
        text += fmt::format("  ends         {} after it gives none\n", format_duration(rule.keep_firing));
    const auto subject = rule.annotations.find("medic_subject");
    text += fmt::format("  about        {}\n",
                        subject != rule.annotations.end() ? subject->second : "the most specific label that it gives");
    for (const auto& [name, value] : rule.labels) text += fmt::format("  label        {} = {}\n", name, value);
    for (const auto& [name, value] : rule.annotations)
        if (name != "medic_subject") text += fmt::format("  {:<12} {}\n", name, value);
}

// Whoever writes `groups: []` means no rule, as promtool takes it; an empty file is one that was lost on its way.
bool speaks_of_groups(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    for (std::string line; std::getline(in, line);)
        if (const auto at = line.find("groups"); at != std::string::npos && line.find('#') > at) return true;
    return false;
}

}  // namespace

RuleReport check_rules(std::span<const std::string> files) {
    RuleReport report;
    for (const auto& file : files) {
        std::vector<std::string> warnings;
        const auto set = RuleSet::load(std::span(&file, 1), &warnings);
        if (!set) {
            report.ok = false;
            report.text += set.error().message + "\n";
            continue;
        }
        for (const auto& warning : warnings) report.text += "warning: " + warning + "\n";
        if (set->rules() == 0 && !speaks_of_groups(file)) {
            report.ok = false;
            report.text += fmt::format("{}: holds no rule: expected `groups:` with `rules:`\n", file);
            continue;
        }
        for (const auto& group : set->groups())
            for (const auto& rule : group.rules)
                for (const auto& oddity : oddities(rule, *promql::parse(rule.expression).root))
                    report.text += fmt::format("warning: {}: {}: {}\n", rule.where, rule.name, oddity);
        report.text += fmt::format("{}: {} rules in {} groups are fine\n", file, set->rules(), set->groups().size());
    }
    return report;
}

RuleReport explain_rule(const std::string& file, const std::string& name) {
    RuleReport report;
    const auto set = RuleSet::load(std::span(&file, 1));
    if (!set) return {false, set.error().message + "\n"};
    for (const auto& group : set->groups())
        for (const auto& rule : group.rules)
            if (name.empty() || rule.name == name) explain(group, rule, report.text);
    if (!report.text.empty()) return report;
    report.ok = false;
    report.text = fmt::format("{}: no rule is named \"{}\"; there are:", file, name);
    for (const auto& group : set->groups())
        for (const auto& rule : group.rules) report.text += " " + rule.name;
    report.text += "\n";
    return report;
}

}  // namespace medic
