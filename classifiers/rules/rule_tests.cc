#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include <glob.h>

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

// A number, or one of YAML's and Prometheus's words for those that are none.
Result<double> sample_value(const YamlNode& node) {
    std::string text = node.text();
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.erase(0, 1);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (const std::string_view word : {".inf", ".Inf", ".INF", "Inf", "inf"})
        if (text == word) return negative ? -infinity : infinity;
    for (const std::string_view word : {".nan", ".NaN", ".NAN", "NaN", "nan"})
        if (text == word) return std::numeric_limits<double>::quiet_NaN();
    return node.as_double();
}

// What holds for all tests of a file.
struct Settings {
    Duration evaluation_interval{60'000};
    bool closed_windows = false;
    bool fuzzy_compare = false;  // Values may differ by 1e-6 of themselves (promtool's fuzzy_compare).
};

bool same_value(double a, double b, bool fuzzy) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    constexpr double tolerance = 1e-6;
    return a == b || (fuzzy && std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b)));
}

// One entry of `tests`.
class RuleTest {
public:
    RuleTest(const Settings& settings, std::vector<std::string>& failures, std::vector<std::string>& remarks)
        : settings_(settings),
          failures_(failures),
          remarks_(remarks),
          store_(
              {.retention = Duration{1LL << 50}, .samples_per_series_max = 10'000'000, .sample_bytes_max = 1ULL << 32}),
          expressions_({.windows = settings.closed_windows ? promql::Windows::closed : promql::Windows::left_open}) {}

    Status run(const RuleSet& rules, const YamlNode& node) {
        MEDIC_CHECK(node.expect_map("a test"));
        MEDIC_CHECK(node.expect_keys({"name", "interval", "input_series", "alert_rule_test", "promql_expr_test",
                                      "external_labels", "external_url"}));
        MEDIC_TRY(name_, node.string_or("name", node.where()));
        MEDIC_TRY(const Duration interval, node.duration_or("interval", settings_.evaluation_interval));
        MEDIC_CHECK(make_engine(rules, node));
        MEDIC_CHECK(load(node, interval));
        MEDIC_CHECK(expectations(node.get("alert_rule_test"), false));
        MEDIC_CHECK(expectations(node.get("promql_expr_test"), true));
        std::ranges::stable_sort(expectations_, {}, &Expectation::at_ms);
        return play();
    }

private:
    Status make_engine(const RuleSet& rules, const YamlNode& node) {
        RuleEngineOptions options{
            .ignore_intervals = true, .alerts_as_series = true, .closed_windows = settings_.closed_windows};
        MEDIC_TRY(const Texts external, texts_of(node.get("external_labels")));
        options.external_labels = Labels({}, {external.begin(), external.end()});
        MEDIC_TRY(options.external_url, node.string_or("external_url", ""));
        engine_.emplace(rules, std::move(options));
        return {};
    }

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
            for (; next_ms <= expectation.at_ms; next_ms += settings_.evaluation_interval.count()) {
                if (++evaluations > evaluations_max)
                    return expectation.node.error(fmt::format("more than {} evaluations", evaluations_max));
                engine_->evaluate(store_, {Instant{Duration{next_ms}}, {next_ms}});
                for (const auto& problem : engine_->problems())
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
        if (engine_->rules().find(alert) == nullptr) {
            const YamlNode name = expectation.node.get("alertname");
            const std::string unknown = fmt::format("no rule is named \"{}\"", alert);
            // promtool lets this pass when nothing is expected of the alert: a test that shows nothing.
            if (expectation.node.get("exp_alerts").items().empty())
                remarks_.push_back("warning: " + name.error(unknown).error().message);
            else
                failed(name, unknown);
            return {};
        }
        std::vector<std::pair<Texts, Texts>> found;
        for (const auto& active : engine_->alerts()) {
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
            MEDIC_TRY(const double expected, sample_value(item.get("value")));
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
            if (!same_value(match->second, expected, settings_.fuzzy_compare))
                failed(item, fmt::format("{}: expected {}, found {}", labels.to_string(), expected, match->second));
        }
        if (matched < found.size())
            failed(expectation.node, fmt::format("{} gives {} series, {} were expected", text, found.size(), matched));
        return {};
    }

    const Settings& settings_;
    std::vector<std::string>&failures_, &remarks_;
    SeriesStore store_;
    std::optional<RuleEngine> engine_;
    promql::Engine expressions_;
    std::string name_;
    std::vector<Expectation> expectations_;
};

struct Outcome {
    std::size_t tests = 0;
    std::vector<std::string> failures, remarks;
};

// The files that the patterns (with *, ? and […]) name, relative to the test's own folder.
Result<std::vector<std::string>> rule_paths(const std::string& file, const YamlNode& node,
                                            std::vector<std::string>& remarks) {
    std::vector<std::string> paths;
    if (!node) return paths;
    MEDIC_TRY(const std::vector<std::string> names, node.as_strings());
    for (const auto& name : names) {
        const std::string pattern = (std::filesystem::path(file).parent_path() / name).string();
        glob_t found{};
        if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
            paths.insert(paths.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
        else
            remarks.push_back("warning: " + node.error(fmt::format("no file matches {}", pattern)).error().message);
        ::globfree(&found);
    }
    return paths;
}

Result<Outcome> run_file(const std::string& file, const RuleTestOptions& options) {
    MEDIC_TRY(const YamlNode root, load_yaml_file(file));
    MEDIC_CHECK(root.expect_map("a file of rule tests"));
    MEDIC_CHECK(root.expect_keys({"rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"}));
    Outcome outcome;
    MEDIC_TRY(const std::vector<std::string> paths, rule_paths(file, root.get("rule_files"), outcome.remarks));
    MEDIC_TRY(RuleSet rules, RuleSet::load(paths));
    if (const YamlNode order = root.get("group_eval_order")) {
        MEDIC_TRY(const std::vector<std::string> names, order.as_strings());
        rules.order_groups(names);
    }
    Settings settings{.closed_windows = options.prometheus2};
    MEDIC_TRY(settings.evaluation_interval, root.duration_or("evaluation_interval", settings.evaluation_interval));
    if (settings.evaluation_interval.count() <= 0)
        return root.get("evaluation_interval").error("expected a duration greater than 0");
    MEDIC_TRY(settings.fuzzy_compare, root.bool_or("fuzzy_compare", false));
    for (const auto& test : root.get("tests").items()) {
        ++outcome.tests;
        MEDIC_CHECK(RuleTest(settings, outcome.failures, outcome.remarks).run(rules, test));
    }
    if (outcome.tests == 0) return root.error("no tests: nothing was shown");
    return outcome;
}

}  // namespace

RuleReport test_rules(std::span<const std::string> files, const RuleTestOptions& options) {
    RuleReport report;
    for (const auto& file : files) {
        const auto outcome = run_file(file, options);
        if (!outcome) {
            report.ok = false;
            report.text += outcome.error().message + "\n";
            continue;
        }
        for (const auto& remark : outcome->remarks) report.text += remark + "\n";
        for (const auto& failure : outcome->failures) report.text += failure + "\n";
        report.ok = report.ok && outcome->failures.empty();
        report.text += outcome->failures.empty() ? fmt::format("{}: {} tests passed\n", file, outcome->tests)
                                                 : fmt::format("{}: {} expectations failed in {} tests\n", file,
                                                               outcome->failures.size(), outcome->tests);
    }
    return report;
}

}  // namespace medic
