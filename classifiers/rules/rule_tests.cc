#include <algorithm>
#include <cmath>
#include <filesystem>

#include "agent/base/yaml.h"
#include "classifiers/rules/promql/engine.h"
#include "classifiers/rules/rule_engine.h"
#include "classifiers/rules/rule_reports.h"
#include "classifiers/rules/script/series_values.h"

namespace medic {
namespace {

constexpr std::size_t evaluations_max = 100'000;  // Of one test: days at a step of a second are a mistake.

using Texts = std::map<std::string, std::string>;

struct Expectation {
    std::int64_t at_ms = 0;
    YamlNode node;
    bool expression = false;  // promql_expr_test; otherwise alert_rule_test.
};

std::string to_text(const Texts& texts) {
    std::string result;
    for (const auto& [name, value] : texts)
        result += fmt::format("{}{}=\"{}\"", result.empty() ? "" : ", ", name, value);
    return "{" + result + "}";
}

Result<Texts> texts_of(const YamlNode& node) {
    Texts result;
    if (!node || node.kind() == YamlNode::Kind::null) return result;
    MEDIC_CHECK(node.expect_map("names and texts"));
    for (const auto& [name, value] : node.entries()) {
        if (value.kind() == YamlNode::Kind::null) {
            result[name] = "";
            continue;
        }
        MEDIC_TRY(result[name], value.as_string());
    }
    return result;
}

bool same_value(double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

// One entry of `tests`.
class RuleTest {
public:
    RuleTest(const RuleSet& rules, Duration evaluation_interval, std::vector<std::string>& failures)
        : evaluation_interval_(evaluation_interval),
          failures_(failures),
          store_(
              {.retention = Duration{1LL << 50}, .samples_per_series_max = 10'000'000, .sample_bytes_max = 1ULL << 32}),
          engine_(rules, {.ignore_intervals = true}) {}

    Status run(const YamlNode& node) {
        MEDIC_CHECK(node.expect_map("a test"));
        MEDIC_CHECK(node.expect_keys({"name", "interval", "input_series", "alert_rule_test", "promql_expr_test",
                                      "external_labels", "external_url"}));
        MEDIC_TRY(name_, node.string_or("name", node.where()));
        MEDIC_TRY(const Duration interval, node.duration_or("interval", evaluation_interval_));
        MEDIC_CHECK(load(node, interval));
        MEDIC_CHECK(expectations(node.get("alert_rule_test"), false));
        MEDIC_CHECK(expectations(node.get("promql_expr_test"), true));
        std::ranges::stable_sort(expectations_, {}, &Expectation::at_ms);
        return play();
    }

private:
    Status load(const YamlNode& node, Duration interval) {
        std::map<std::int64_t, std::vector<std::pair<SeriesId, double>>> samples;
        for (const auto& input : node.get("input_series").items()) {
            MEDIC_CHECK(input.expect_keys({"series", "values"}));
            MEDIC_TRY(const std::string series, input.get("series").as_string());
            MEDIC_TRY(const std::string values, input.get("values").as_string());
            const auto parsed = parse_series_line(series + " " + values);
            if (!parsed) return input.error(parsed.error().message);
            const auto id = store_.intern(parsed->labels);
            for (std::size_t i = 0; i < parsed->values.size() && id; ++i)
                if (parsed->values[i])
                    samples[static_cast<std::int64_t>(i) * interval.count()].emplace_back(*id, *parsed->values[i]);
        }
        for (auto& [at_ms, batch] : samples)
            store_.append({.target = "test",
                           .at = {at_ms},
                           .outcome = ScrapeOutcome::partial,
                           .error = {},
                           .samples = std::move(batch)});
        return {};
    }

    Status expectations(const YamlNode& list, bool expression) {
        for (const auto& item : list.items()) {
            MEDIC_CHECK(expression ? item.expect_keys({"expr", "eval_time", "exp_samples"})
                                   : item.expect_keys({"eval_time", "alertname", "exp_alerts"}));
            MEDIC_TRY(const Duration at, item.get("eval_time").as_duration());
            expectations_.push_back({at.count(), item, expression});
        }
        return {};
    }

    // Rules are evaluated at every multiple of the interval; what is expected at a time sees the evaluation before it.
    Status play() {
        std::int64_t next_ms = 0;
        std::size_t evaluations = 0;
        for (const auto& expectation : expectations_) {
            for (; next_ms <= expectation.at_ms; next_ms += evaluation_interval_.count()) {
                if (++evaluations > evaluations_max)
                    return expectation.node.error(fmt::format("more than {} evaluations", evaluations_max));
                engine_.evaluate(store_, {Instant{Duration{next_ms}}, {next_ms}});
                for (const auto& problem : engine_.problems())
                    failures_.push_back(fmt::format("{}: {} at {}: {}", name_, problem.rule,
                                                    format_duration(Duration{next_ms}), problem.message));
            }
            MEDIC_CHECK(expectation.expression ? check_expression(expectation) : check_alert(expectation));
        }
        return {};
    }

    void failed(const YamlNode& node, std::string_view message) {
        failures_.push_back(node.error(message).error().message);
    }

    Status check_alert(const Expectation& expectation) {
        MEDIC_TRY(const std::string alert, expectation.node.get("alertname").as_string());
        if (engine_.rules().find(alert) == nullptr) {
            failed(expectation.node.get("alertname"), fmt::format("no rule is named \"{}\"", alert));
            return {};
        }
        std::vector<std::pair<Texts, Texts>> found;
        for (const auto& active : engine_.alerts()) {
            if (active.rule->name != alert || active.state != ActiveAlert::State::firing) continue;
            Texts labels(active.labels.pairs().begin(), active.labels.pairs().end());
            labels.erase("alertname");
            found.emplace_back(std::move(labels), active.annotations);
        }
        for (const auto& item : expectation.node.get("exp_alerts").items()) {
            MEDIC_CHECK(item.expect_keys({"exp_labels", "exp_annotations"}));
            MEDIC_TRY(Texts labels, texts_of(item.get("exp_labels")));
            MEDIC_TRY(const Texts annotations, texts_of(item.get("exp_annotations")));
            labels.erase("alertname");
            const auto match = std::ranges::find(found, labels, &std::pair<Texts, Texts>::first);
            if (match == found.end()) {
                failed(item, fmt::format("{} does not fire with {}{}", alert, to_text(labels), firing(found)));
                continue;
            }
            if (match->second != annotations)
                failed(item, fmt::format("{}: expected the annotations {}, found {}", alert, to_text(annotations),
                                         to_text(match->second)));
            found.erase(match);
        }
        for (const auto& [labels, annotations] : found)
            failed(expectation.node, fmt::format("{} fires unexpectedly with {}", alert, to_text(labels)));
        return {};
    }

    static std::string firing(const std::vector<std::pair<Texts, Texts>>& found) {
        std::string text = found.empty() ? "; nothing of it fires" : "; firing:";
        for (const auto& [labels, annotations] : found) text += " " + to_text(labels);
        return text;
    }

    Status check_expression(const Expectation& expectation) {
        MEDIC_TRY(const std::string text, expectation.node.get("expr").as_string());
        const auto expression = expressions_.compile(text);
        if (!expression) return expectation.node.get("expr").error(expression.error().message);
        const auto value = expressions_.evaluate(*expression, store_, {expectation.at_ms});
        if (!value) {
            failed(expectation.node.get("expr"), value.error().message);
            return {};
        }
        std::map<Labels, double> found;
        if (value->type == promql::ValueType::scalar) found[Labels()] = value->scalar;
        for (const auto& sample : value->vector) found[expressions_.labels().labels(sample.labels)] = sample.value;
        std::size_t matched = 0;
        for (const auto& item : expectation.node.get("exp_samples").items()) {
            MEDIC_CHECK(item.expect_keys({"labels", "value"}));
            MEDIC_TRY(const double expected, item.get("value").as_double());
            MEDIC_TRY(const std::string series, item.string_or("labels", "{}"));
            Labels labels;
            if (series.find_first_not_of("{} ") != std::string::npos) {
                MEDIC_TRY(labels, promql::parse_series(series));
            }
            const auto match = found.find(labels);
            if (match == found.end()) {
                failed(item, fmt::format("{} gives nothing for {}", text, labels.to_string()));
                continue;
            }
            ++matched;
            if (!same_value(match->second, expected))
                failed(item, fmt::format("{}: expected {}, found {}", labels.to_string(), expected, match->second));
        }
        if (matched < found.size())
            failed(expectation.node, fmt::format("{} gives {} series, {} were expected", text, found.size(), matched));
        return {};
    }

    Duration evaluation_interval_;
    std::vector<std::string>& failures_;
    SeriesStore store_;
    RuleEngine engine_;
    promql::Engine expressions_;
    std::string name_;
    std::vector<Expectation> expectations_;
};

struct Outcome {
    std::size_t tests = 0;
    std::vector<std::string> failures;
};

Result<Outcome> run_file(const std::string& file) {
    MEDIC_TRY(const YamlNode root, load_yaml_file(file));
    MEDIC_CHECK(root.expect_map("a file of rule tests"));
    MEDIC_CHECK(root.expect_keys({"rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"}));
    MEDIC_TRY(const std::vector<std::string> names, root.get("rule_files").as_strings());
    std::vector<std::string> paths;
    for (const auto& name : names) paths.push_back((std::filesystem::path(file).parent_path() / name).string());
    MEDIC_TRY(const RuleSet rules, RuleSet::load(paths));
    MEDIC_TRY(const Duration interval, root.duration_or("evaluation_interval", Duration{60'000}));
    if (interval.count() <= 0) return root.get("evaluation_interval").error("expected a duration greater than 0");
    Outcome outcome;
    for (const auto& test : root.get("tests").items()) {
        ++outcome.tests;
        MEDIC_CHECK(RuleTest(rules, interval, outcome.failures).run(test));
    }
    if (outcome.tests == 0) return root.error("no tests: nothing was shown");
    return outcome;
}

}  // namespace

RuleReport test_rules(std::span<const std::string> files) {
    RuleReport report;
    for (const auto& file : files) {
        const auto outcome = run_file(file);
        if (!outcome) {
            report.ok = false;
            report.text += outcome.error().message + "\n";
            continue;
        }
        for (const auto& failure : outcome->failures) report.text += failure + "\n";
        report.ok = report.ok && outcome->failures.empty();
        report.text += outcome->failures.empty() ? fmt::format("{}: {} tests passed\n", file, outcome->tests)
                                                 : fmt::format("{}: {} expectations failed in {} tests\n", file,
                                                               outcome->failures.size(), outcome->tests);
    }
    return report;
}

}  // namespace medic
