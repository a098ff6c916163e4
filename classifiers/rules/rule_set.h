// Rule files in Prometheus's format: groups of alerting and recording rules. Read and checked completely before any is
// used; an operator's own rules load as they are (also wrapped as a Kubernetes PrometheusRule).
// Evaluated by RuleEngine; read by `medic rules`.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

struct RuleFileText {
    std::string path, text;
};

struct Rule {
    enum class Kind : std::uint8_t { alert, record };
    Kind kind = Kind::alert;
    std::string name;  // The alert's name, or the series that is recorded.
    std::string expression;
    Duration hold{0};                           // `for`
    Duration keep_firing{0};                    // `keep_firing_for`
    std::map<std::string, std::string> labels;  // Templates.
    std::map<std::string, std::string> annotations;
    std::string where;  // file:line:column
};

struct RuleGroup {
    std::string name, file;
    Duration interval{0};  // 0: the engine's default.
    Duration query_offset{0};
    std::size_t limit = 0;  // Series or alerts of one rule; 0: none.
    std::vector<Rule> rules;
};

class RuleSet {
public:
    // All problems of all files in one Error, a line each: "file:line:column: what was expected". `warnings` gets what
    // is odd but works: rules whose results can collide.
    [[nodiscard]] static Result<RuleSet> parse(std::span<const RuleFileText> files,
                                               std::vector<std::string>* warnings = nullptr);
    [[nodiscard]] static Result<RuleSet> load(std::span<const std::string> paths,
                                              std::vector<std::string>* warnings = nullptr);

    [[nodiscard]] const std::vector<RuleGroup>& groups() const { return groups_; }
    [[nodiscard]] std::size_t rules() const;
    [[nodiscard]] const Rule* find(std::string_view name) const;

    // The named groups in this order; others stay before them (promtool's group_eval_order).
    void order_groups(std::span<const std::string> names);

private:
    std::vector<RuleGroup> groups_;
};

}  // namespace medic
