#include "engine/drill/scorecard.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace medic::engine::drill {
namespace {

std::string seconds_or(const std::optional<Duration>& duration, const std::string& otherwise) {
    return duration ? seconds_text(*duration) : otherwise;
}

nlohmann::json milliseconds_or_null(const std::optional<Duration>& duration) {
    return duration ? nlohmann::json(duration->count()) : nlohmann::json(nullptr);
}

// The value, or what was expected beside it when they differ.
std::string beside_expected(const std::string& value, const std::string& expected) {
    if (value == expected) return value;
    return fmt::format("{} (expected {})", value.empty() ? "none" : value, expected);
}

std::optional<Duration> median(std::vector<std::optional<Duration>> values) {
    std::ranges::sort(values, [](const auto& a, const auto& b) {  // "Never" sorts last.
        if (!a || !b) return a.has_value() && !b.has_value();
        return *a < *b;
    });
    return values.empty() ? std::nullopt : values[values.size() / 2];
}

std::string median_lines(const std::vector<DrillResult>& results) {
    std::map<std::string, std::vector<const DrillResult*>> by_name;
    for (const auto& result : results) by_name[result.name].push_back(&result);
    std::string text;
    for (const auto& [name, runs] : by_name) {
        if (runs.size() < 2) continue;
        std::vector<std::optional<Duration>> detect, recover;
        for (const auto* run : runs) {
            detect.push_back(run->detect);
            recover.push_back(run->recover);
        }
        text += fmt::format("median of {} × {}: detected {}, recovered {}\n", runs.size(), name,
                            seconds_or(median(detect), "never"), seconds_or(median(recover), "never"));
    }
    return text;
}

std::string notes_of(const DrillResult& result) {
    std::string text;
    for (const auto& note : result.notes) text += fmt::format("  {}: {}\n", result.name, note);
    return text;
}

}  // namespace

std::string seconds_text(Duration duration) {
    return fmt::format("{:.1f} s", static_cast<double>(duration.count()) / 1000.0);
}

bool DrillResult::passed() const {
    return healed && side == expected_side && cause == expected_cause && remedy == expected_remedy &&
           records_lost == 0 && (records_doubled == 0 || at_least_once);
}

bool Scorecard::passed() const { return !results.empty() && std::ranges::all_of(results, &DrillResult::passed); }

std::string render_text(const Scorecard& scorecard) {
    std::string text = fmt::format("{:<22} {:<7} {:>9} {:>10} {:>14}  {:>5} {:>7}  {}\n", "drill", "result", "detected",
                                   "recovered", "without medic", "lost", "doubled", "side · cause · remedy");
    for (const auto& result : scorecard.results) {
        text += fmt::format(
            "{:<22} {:<7} {:>9} {:>10} {:>14}  {:>5} {:>7}  {} · {} · {}\n", result.name,
            !result.passed()        ? "FAILED"
            : result.left_to_person ? "paused"
                                    : "healed",
            seconds_or(result.detect, "never"), seconds_or(result.recover, "never"),
            seconds_or(result.recover_without, result.waited.count() == 0 ? "–" : "> " + seconds_text(result.waited)),
            result.records_lost, result.records_doubled, beside_expected(result.side, result.expected_side),
            beside_expected(result.cause, result.expected_cause),
            beside_expected(result.remedy, result.expected_remedy));
    }
    text += median_lines(scorecard.results);
    std::string notes;
    for (const auto& result : scorecard.results) notes += notes_of(result);
    if (!notes.empty()) text += "notes\n" + notes;
    if (!scorecard.profile.empty()) text += "profile of both arms: " + scorecard.profile + "\n";
    return text;
}

std::string render_json(const Scorecard& scorecard) {
    nlohmann::json drills = nlohmann::json::array();
    for (const auto& result : scorecard.results) {
        drills.push_back({{"name", result.name},
                          {"healed", result.healed},
                          {"passed", result.passed()},
                          {"side", result.side},
                          {"expected_side", result.expected_side},
                          {"cause", result.cause},
                          {"expected_cause", result.expected_cause},
                          {"remedy", result.remedy},
                          {"expected_remedy", result.expected_remedy},
                          {"detect_ms", milliseconds_or_null(result.detect)},
                          {"recover_ms", milliseconds_or_null(result.recover)},
                          {"recover_without_ms", milliseconds_or_null(result.recover_without)},
                          {"waited_ms", result.waited.count()},
                          {"records_checked", result.records_checked},
                          {"records_lost", result.records_lost},
                          {"records_doubled", result.records_doubled},
                          {"left_to_person", result.left_to_person},
                          {"at_least_once", result.at_least_once},
                          {"notes", result.notes}});
    }
    const nlohmann::json document = {{"schema", 1}, {"profile", scorecard.profile}, {"drills", drills}};
    return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace medic::engine::drill
