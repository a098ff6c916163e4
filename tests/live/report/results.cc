#include "tests/live/report/results.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/common/rest_internal.h"
#include "engine/drill/scorecard.h"

namespace medic::live {
namespace {

using engine::member;
using engine::drill::seconds_text;
using nlohmann::json;
using Milliseconds = std::optional<Duration>;
using Count = std::optional<std::uint64_t>;

constexpr const char* acted_in_vain = "acted in vain";

json or_null(const Milliseconds& value) { return value ? json(value->count()) : json(nullptr); }
json or_null(const Count& value) { return value ? json(*value) : json(nullptr); }

Milliseconds milliseconds(const json& from, const char* name) {
    const auto found = from.find(name);
    if (found == from.end() || !found->is_number()) return std::nullopt;
    return Duration(found->get<std::int64_t>());
}

Count count(const json& from, const char* name) {
    const auto found = from.find(name);
    if (found == from.end() || !found->is_number()) return std::nullopt;
    return found->get<std::uint64_t>();
}

std::vector<std::string> texts(const json& from, const char* name) {
    std::vector<std::string> list;
    const auto found = from.find(name);
    if (found == from.end() || !found->is_array()) return list;
    for (const json& one : *found)
        if (one.is_string()) list.push_back(one.get<std::string>());
    return list;
}

json to_json(const FaultResult& one) {
    return {{"name", one.name},
            {"engines", one.engines},
            {"told", one.told},
            {"side", one.side},
            {"expected_side", one.expected_side},
            {"cause", one.cause},
            {"expected_cause", one.expected_cause},
            {"outcome", one.outcome},
            {"by_a_person", one.by_a_person},
            {"may_try", one.may_try},
            {"interrupts", one.interrupts},
            {"exactly_once", one.exactly_once},
            {"repeats_max", or_null(one.repeats_max)},
            {"diagnosed_ms", or_null(one.diagnosed)},
            {"recover_ms", or_null(one.recover)},
            {"recover_without_ms", or_null(one.recover_without)},
            {"waited_ms", or_null(one.waited)},
            {"records_checked", or_null(one.records_checked)},
            {"records_lost", or_null(one.records_lost)},
            {"records_doubled", or_null(one.records_doubled)},
            {"records_doubled_without", or_null(one.doubled_without)},
            {"runs", one.runs},
            {"failed_runs", one.failed_runs},
            {"wrongs", one.wrongs},
            {"failures", one.failures()},
            {"notes", one.notes}};
}

FaultResult fault_of(const json& from) {
    return {.name = member(from, "name", std::string()),
            .engines = member(from, "engines", std::string()),
            .told = member(from, "told", std::string()),
            .side = member(from, "side", std::string()),
            .expected_side = member(from, "expected_side", std::string()),
            .cause = member(from, "cause", std::string()),
            .expected_cause = member(from, "expected_cause", std::string()),
            .outcome = member(from, "outcome", std::string()),
            .by_a_person = member(from, "by_a_person", false),
            .may_try = member(from, "may_try", false),
            .interrupts = member(from, "interrupts", true),
            .diagnosed = milliseconds(from, "diagnosed_ms"),
            .recover = milliseconds(from, "recover_ms"),
            .recover_without = milliseconds(from, "recover_without_ms"),
            .waited = milliseconds(from, "waited_ms"),
            .records_checked = count(from, "records_checked"),
            .records_lost = count(from, "records_lost"),
            .records_doubled = count(from, "records_doubled"),
            .doubled_without = count(from, "records_doubled_without"),
            .exactly_once = member(from, "exactly_once", true),
            .repeats_max = count(from, "repeats_max"),
            .runs = count(from, "runs").value_or(1),
            .failed_runs = count(from, "failed_runs").value_or(0),
            .wrongs = texts(from, "wrongs"),
            .notes = texts(from, "notes")};
}

json to_json(const FriendResult& one) {
    return {{"name", one.name}, {"engines", one.engines}, {"told", one.told}, {"actions", or_null(one.actions)},
            {"said", one.said}, {"notes", one.notes}};
}

FriendResult friend_of(const json& from) {
    return {.name = member(from, "name", std::string()),
            .engines = member(from, "engines", std::string()),
            .told = member(from, "told", std::string()),
            .actions = count(from, "actions"),
            .said = texts(from, "said"),
            .notes = texts(from, "notes")};
}

json to_json(const Baseline& one) {
    return {{"name", one.name},
            {"engines", one.engines},
            {"recover_ms", or_null(one.recover)},
            {"waited_ms", one.waited.count()},
            {"records_lost", or_null(one.lost)},
            {"records_doubled", or_null(one.doubled)}};
}

Baseline baseline_of(const json& from) {
    return {.name = member(from, "name", std::string()),
            .engines = member(from, "engines", std::string()),
            .recover = milliseconds(from, "recover_ms"),
            .waited = milliseconds(from, "waited_ms").value_or(Duration(0)),
            .lost = count(from, "records_lost"),
            .doubled = count(from, "records_doubled")};
}

std::string seconds_or(const Milliseconds& duration, const std::string& otherwise) {
    return duration ? seconds_text(*duration) : otherwise;
}

std::string number_or(const Count& value) { return value ? fmt::format("{}", *value) : "**missing**"; }

std::string beside_expected(const std::string& value, const std::string& expected) {
    if (value == expected) return value;
    return fmt::format("**{}** (expected {})", value.empty() ? "nothing" : value, expected);
}

std::string recovered(const FaultResult& one) {
    if (!one.recover) return one.by_a_person ? "a person ends it" : "**never**";
    return one.recover->count() == 0 ? "not interrupted" : seconds_text(*one.recover);
}

std::string without(const FaultResult& one) {
    if (one.recover_without)
        return one.recover_without->count() == 0 ? "not interrupted" : seconds_text(*one.recover_without);
    return one.waited ? "> " + seconds_text(*one.waited) : "**missing**";
}

// One table for each pairing of engines, and for each profile.
std::string fault_table(const Report& report, const std::string& engines) {
    std::string rows;
    int passed = 0, all = 0;
    for (const FaultResult& one : report.faults) {
        if (one.engines != engines) continue;
        ++all;
        passed += one.failures().empty() ? 1 : 0;
        rows +=
            fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", one.name,
                        beside_expected(one.side, one.expected_side), beside_expected(one.cause, one.expected_cause),
                        seconds_or(one.diagnosed, "never"), one.outcome, recovered(one), without(one),
                        number_or(one.records_lost), number_or(one.records_doubled),
                        one.failures().empty() ? "ok" : fmt::format("**fails**: {}", fmt::join(one.failures(), "; ")));
    }
    return fmt::format(
        "## Kafka + Flink {}\n\n{} of {} faults are as they must be.\n\n"
        "| fault | side | cause | named after | outcome | records flow after | without | lost | doubled | |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n{}\n",
        engines, passed, all, rows);
}

template <class T>
Result<std::vector<T>> list_of(const json& document, const char* name, T (*read)(const json&)) {
    std::vector<T> list;
    const auto found = document.find(name);
    if (found == document.end()) return list;
    if (!found->is_array()) return fail(ErrorCode::invalid, "live report: `{}` is no list", name);
    for (const json& one : *found) list.push_back(read(one));
    return list;
}

template <class T>
std::optional<T> median(std::vector<std::optional<T>> values) {
    std::ranges::sort(values, [](const auto& a, const auto& b) {
        if (!a || !b) return a.has_value() && !b.has_value();
        return *a < *b;
    });
    return values[values.size() / 2];
}

// The largest; nullopt as soon as one is missing.
Count worst(const std::vector<FaultResult>& runs, Count FaultResult::* figure) {
    Count result = 0;
    for (const FaultResult& run : runs) {
        if (!(run.*figure)) return std::nullopt;
        result = std::max(*result, *(run.*figure));
    }
    return result;
}

}  // namespace

std::vector<std::string> FaultResult::failures(Demands demands) const {
    std::vector<std::string> list;
    if (side != expected_side) list.emplace_back(side.empty() ? "not diagnosed" : "wrong side");
    if (!side.empty() && cause != expected_cause) list.emplace_back("wrong cause");
    if (!by_a_person && interrupts && !recover) list.emplace_back("records do not flow again");
    const bool as_allowed = outcome == "advised" || (may_try && outcome == acted_in_vain);
    if (by_a_person && !as_allowed) list.push_back("expected to be advised, was " + outcome);
    if (!by_a_person && outcome != "healed") list.push_back("expected to be healed, was " + outcome);
    if (!waited && demands == Demands::everything) list.emplace_back("not measured without the agent");
    if (!records_lost || !records_doubled || records_checked.value_or(0) == 0) list.emplace_back("records not counted");
    if (records_lost.value_or(0) > 0) list.push_back(fmt::format("{} records lost", *records_lost));
    const std::uint64_t doubled_may_be =
        exactly_once ? 0 : std::max(doubled_without.value_or(0), repeats_max.value_or(0));
    if (records_doubled.value_or(0) > doubled_may_be)
        list.push_back(fmt::format("{} records doubled", *records_doubled));
    list.insert(list.end(), wrongs.begin(), wrongs.end());
    if (runs > 1 && failed_runs > 0) list.push_back(fmt::format("{} of {} runs failed", failed_runs, runs));
    return list;
}

Result<Report> parse_report(const std::string& document_text) {
    const json document = json::parse(document_text, nullptr, false);
    if (!document.is_object() || document.value("schema", 0) != 1)
        return fail(ErrorCode::invalid, "expected a live report of schema 1");
    Report report;
    MEDIC_TRY(report.faults, list_of<FaultResult>(document, "faults", fault_of));
    MEDIC_TRY(report.friends, list_of<FriendResult>(document, "false_friends", friend_of));
    MEDIC_TRY(report.baselines, list_of<Baseline>(document, "without_agent", baseline_of));
    return report;
}

std::string render_report(const Report& report) {
    json faults = json::array(), friends = json::array(), baselines = json::array();
    for (const auto& one : report.faults) faults.push_back(to_json(one));
    for (const auto& one : report.friends) friends.push_back(to_json(one));
    for (const auto& one : report.baselines) baselines.push_back(to_json(one));
    const json document = {{"schema", 1}, {"faults", faults}, {"false_friends", friends}, {"without_agent", baselines}};
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string render_markdown(const Report& report) {
    std::string page =
        "# Faults on the real products\n\n"
        "Generated by `make live-report` from `build/live-report.json`; edit neither. Each fault is made on real "
        "Kafka, Connect and\n"
        "Flink, and judged from outside: *records flow* when at least 80 % of the former rate comes out again. "
        "*Without* is the\n"
        "same fault without the agent (`>`: given up after that time). Lost and doubled are counted record by "
        "record.\n"
        "The job's path is exactly once: nothing may be doubled. Connect's sinks are at least once: whoever kills a "
        "worker, agent or\n"
        "operator, gets what it had delivered since its last commit (at most 5 s here) once more.\n"
        "The time-outs are the defaults that ship; *tuned*: the profile of docs/real-clusters.md.\n\n";
    std::vector<std::string> engines;
    for (const auto& one : report.faults)
        if (std::ranges::find(engines, one.engines) == engines.end()) engines.push_back(one.engines);
    for (const std::string& each : engines) page += fault_table(report, each);
    page +=
        "## False friends\n\nNothing is wrong, and the agent must not act.\n\n| what | actions | what the agent said "
        "|\n"
        "|---|---|---|\n";
    for (const auto& one : report.friends)
        page +=
            fmt::format("| {} | {} | {} |\n", one.told, one.actions ? fmt::format("{}", *one.actions) : "**missing**",
                        one.said.empty() ? "nothing" : fmt::format("{}", fmt::join(one.said, ", ")));
    return page;
}

std::string outcome_of(bool acted, bool agent_says_healed, bool recovered) {
    if (!acted) return "advised";
    return agent_says_healed && recovered ? "healed" : acted_in_vain;
}

FaultResult middle_of(std::vector<FaultResult> runs, Demands demands) {
    // The one that failed most speaks for what was said; times are medians.
    const auto speaks =
        std::ranges::max_element(runs, {}, [&](const FaultResult& run) { return run.failures(demands).size(); });
    FaultResult result = *speaks;
    std::vector<Milliseconds> diagnosed, recover;
    for (const FaultResult& run : runs) {
        diagnosed.push_back(run.diagnosed);
        recover.push_back(run.recover);
    }
    result.diagnosed = median(diagnosed);
    result.recover = median(recover);
    result.records_lost = worst(runs, &FaultResult::records_lost);
    result.records_doubled = worst(runs, &FaultResult::records_doubled);
    result.runs = runs.size();
    result.failed_runs = static_cast<std::uint64_t>(
        std::ranges::count_if(runs, [&](const FaultResult& run) { return !run.failures(demands).empty(); }));
    if (runs.size() > 1) result.notes.push_back(fmt::format("median of {} runs", runs.size()));
    return result;
}

}  // namespace medic::live
