#include <algorithm>
#include <cmath>

#include "classifiers/rules/promql/parser.h"
#include "classifiers/rules/script/evaluation_internal.h"
#include "classifiers/rules/script/series_values.h"

namespace medic::script {
namespace {

using Points = std::map<std::int64_t, double>;  // By time in ms.

bool same_value(double expected, double found) {
    constexpr double tolerance = 1e-6;  // As promqltest's.
    if (std::isnan(expected) || std::isnan(found)) return std::isnan(expected) && std::isnan(found);
    if (expected == found) return true;
    const double difference = std::abs(expected - found);
    if (expected == 0 || found == 0) return difference < tolerance * 1e-300 || difference < 1e-14;
    return difference / (std::abs(expected) + std::abs(found)) < tolerance;
}

struct Outcome {
    std::map<Labels, Points> series;
    std::vector<Labels> order;  // Of an instant query's vector.
    std::vector<std::string> warnings, infos;
    std::optional<std::string> text, error;
};

void take(const promql::Value& value, const promql::LabelTable& labels, std::int64_t at_ms, Outcome& outcome) {
    outcome.warnings.insert(outcome.warnings.end(), value.warnings.begin(), value.warnings.end());
    outcome.infos.insert(outcome.infos.end(), value.infos.begin(), value.infos.end());
    if (value.type == promql::ValueType::string) outcome.text = value.text;
    if (value.type == promql::ValueType::scalar) outcome.series[Labels()][at_ms] = value.scalar;
    for (const auto& sample : value.vector) {
        outcome.order.push_back(labels.labels(sample.labels));
        outcome.series[outcome.order.back()][at_ms] = sample.value;
    }
    for (const auto& series : value.matrix)
        for (const auto& sample : series.samples)
            outcome.series[labels.labels(series.labels)][sample.at_ms] = sample.value;
}

Outcome run(const Evaluation& evaluation, const SeriesStore& store) {
    Outcome outcome;
    promql::Engine engine({.annotate = true});
    const auto expression = engine.compile(evaluation.expression);
    if (!expression) {
        outcome.error = expression.error().message;
        return outcome;
    }
    const promql::QueryRange range{evaluation.start_ms, evaluation.end_ms, evaluation.range ? evaluation.step_ms : 0};
    for (std::int64_t at_ms = evaluation.start_ms; at_ms <= evaluation.end_ms; at_ms += evaluation.step_ms) {
        const auto value = engine.evaluate(*expression, store, {at_ms}, range);
        if (!value) {
            outcome.error = value.error().message;
            return outcome;
        }
        take(*value, engine.labels(), at_ms, outcome);
    }
    return outcome;
}

std::string check_remarks(std::string_view kind, const std::vector<Remark>& expected, bool none,
                          const std::vector<std::string>& found) {
    if (none && !found.empty()) return fmt::format("expected no {}, found: {}", kind, found.front());
    if (expected.empty()) return "";
    for (const auto& remark : expected)
        if (std::ranges::none_of(found, [&](const auto& text) { return remark.agrees(text); }))
            return fmt::format("expected a {} {}, found {}", kind, remark.text, found.empty() ? "none" : found.front());
    for (const auto& text : found)
        if (std::ranges::none_of(expected, [&](const auto& remark) { return remark.agrees(text); }))
            return fmt::format("unexpected {}: {}", kind, text);
    return "";
}

std::string check_error(const Evaluation& evaluation, const Outcome& outcome) {
    if (!outcome.error) return evaluation.failures.empty() ? "" : "was expected to fail";
    if (evaluation.failures.empty()) return "fails: " + *outcome.error;
    for (const auto& remark : evaluation.failures)
        if (!remark.agrees(*outcome.error))
            return fmt::format("must fail with {}, fails with {}", remark.text, *outcome.error);
    return "";
}

std::string check_text(const Evaluation& evaluation, const std::string& found) {
    if (!evaluation.text) return "a string was not expected";
    const auto expected = promql::parse(*evaluation.text);
    return expected.root && expected.root->text == found
               ? ""
               : fmt::format("expected {}, found \"{}\"", *evaluation.text, found);
}

std::string describe(const std::map<Labels, Points>& found) {
    constexpr std::size_t shown_max = 400;
    std::string text;
    for (const auto& [labels, values] : found) {
        text += fmt::format("; {} = {}", labels.to_string(), values.begin()->second);
        if (text.size() > shown_max) break;
    }
    return text;
}

std::string compare_series(const SeriesValues& series, const RangeVector& times, const Points& found) {
    std::size_t samples = 0;
    for (std::size_t i = 0; i < series.values.size(); ++i) {
        const auto at = found.find(times.start_ms + static_cast<std::int64_t>(i) * times.step_ms);
        if (series.values[i].has_value() != (at != found.end()))
            return fmt::format("value {} is {}", i, series.values[i] ? "missing" : "not expected");
        if (!series.values[i]) continue;
        ++samples;
        if (!same_value(*series.values[i], at->second)) return fmt::format("value {} is {}", i, at->second);
    }
    if (samples != found.size()) return fmt::format("expected {} values, found {}", samples, found.size());
    return "";
}

std::string compare(const Evaluation& evaluation, const Outcome& outcome) {
    const RangeVector times =
        evaluation.range_vector.value_or(RangeVector{evaluation.start_ms, evaluation.end_ms, evaluation.step_ms});
    std::size_t matched = 0;
    for (const auto& line : evaluation.expected) {
        auto series = parse_series_line(line);
        if (!series) {
            const auto number = promql::parse(line);  // A scalar may be written as an expression: -Inf, 1e3.
            if (!number.root || number.root->kind != promql::Node::Kind::number)
                return "unreadable expectation: " + line;
            series = SeriesValues{{}, {number.root->number}};
        }
        const auto at = outcome.series.find(series->labels);
        if (at == outcome.series.end())
            return fmt::format("{} is missing (found {} series{})", line, outcome.series.size(),
                               describe(outcome.series));
        if (evaluation.ordered && !evaluation.range &&
            (matched >= outcome.order.size() || outcome.order[matched] != series->labels))
            return line + " is not in its place";
        ++matched;
        if (const std::string problem = compare_series(*series, times, at->second); !problem.empty())
            return line + ": " + problem;
    }
    if (matched != outcome.series.size())
        return fmt::format("expected {} series, found {}{}", matched, outcome.series.size(), describe(outcome.series));
    return "";
}

}  // namespace

std::string check(const Evaluation& evaluation, const SeriesStore& store) {
    const Outcome outcome = run(evaluation, store);
    if (outcome.error || !evaluation.failures.empty()) return check_error(evaluation, outcome);
    for (const std::string& problem :
         {check_remarks("warning", evaluation.warnings, evaluation.no_warnings, outcome.warnings),
          check_remarks("info", evaluation.infos, evaluation.no_infos, outcome.infos)})
        if (!problem.empty()) return problem;
    return outcome.text ? check_text(evaluation, *outcome.text) : compare(evaluation, outcome);
}

}  // namespace medic::script
