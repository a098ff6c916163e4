#include "agent/report/report.h"

#include <algorithm>
#include <set>

#include "agent/loop/incident_codec.h"

namespace medic::report {
namespace {

constexpr std::size_t incidents_max = 100'000;
constexpr std::int64_t day_ms = 24 * 3'600'000;
constexpr std::size_t days_max = 400;

double seconds(WallTime later, WallTime earlier) {
    return std::max(0.0, static_cast<double>((later - earlier).count()) / 1000);
}

Times times_of(std::vector<double> all) {
    if (all.empty()) return {};
    std::ranges::sort(all);
    return {.median = all[all.size() / 2], .worst = all.back(), .count = all.size()};
}

bool happened(WallTime at) { return at.unix_ms != 0; }

struct Gathered {
    CauseLine line;
    std::vector<double> recover;
};

void count_outcome(const Incident& incident, CauseLine& line) {
    ++line.incidents;
    if (incident.outcome == "healed")
        ++line.healed;
    else if (incident.outcome == "went_away")
        ++line.went_away;
    else if (incident.state == IncidentState::escalated || incident.ended())
        ++line.escalated;
    else
        ++line.open;
}

// Only what people judged counts for or against a remedy; what was sent tells how it went.
void count_remedies(const Case& one, std::map<std::string, RemedyLine>& remedies) {
    std::set<std::string> used;
    for (const auto& attempt : one.attempts) {
        auto& line = remedies[attempt.remedy];
        used.insert(attempt.remedy);
        if (attempt.state == "not-sent" || attempt.state == "not-done") continue;
        if (attempt.undo) {
            ++line.undone;
            continue;
        }
        ++line.sent;
        line.failed += attempt.state == "failed";
        line.outcome_unknown += attempt.state == "unknown";
    }
    for (const auto& remedy : used) remedies[remedy].helped += one.incident.outcome == "healed";
    if (one.incident.plan && !one.incident.acted) {
        ++remedies[one.incident.plan->remedy].would;
        used.insert(one.incident.plan->remedy);
    }
    if (!one.right) return;
    for (const auto& remedy : used) ++(*one.right ? remedies[remedy].judged_right : remedies[remedy].judged_wrong);
}

// Of verdict_text(): "one-in-flight: I3 is under way; pause: ann, game day" names two guards.
void count_refusals(const Case& one, std::map<std::string, std::size_t>& refusals) {
    for (const auto& decision : one.decisions) {
        if (decision.kind != "guards" || decision.verdict == "permitted") continue;
        std::string_view rest = decision.verdict;
        while (!rest.empty()) {
            const auto colon = rest.find(": ");
            const std::string_view guard = rest.substr(0, colon);
            if (colon != std::string_view::npos && guard.find(' ') == std::string_view::npos)
                ++refusals[std::string(guard)];
            const auto next = rest.find("; ");
            rest.remove_prefix(next == std::string_view::npos ? rest.size() : next + 2);
        }
    }
}

void count_days(const std::vector<Case>& cases, Report& report) {
    const auto days =
        static_cast<std::size_t>(std::max<std::int64_t>(0, (report.to - report.from).count() - 1) / day_ms);
    report.per_day.assign(std::min(days + 1, days_max), 0);
    for (const auto& one : cases) {
        const auto day = static_cast<std::size_t>((one.incident.opened_at - report.from).count() / day_ms);
        if (day < report.per_day.size()) ++report.per_day[day];
    }
}

}  // namespace

Result<std::vector<Case>> read_cases(const Journal& journal, WallTime from, WallTime to) {
    MEDIC_TRY(const auto rows, journal.incidents(incidents_max));
    MEDIC_TRY(const auto verdicts, journal.verdicts());
    std::map<std::string, bool> right;
    for (const auto& verdict : verdicts) right[verdict.incident] = verdict.right;  // Oldest first: the newest stays.
    std::vector<Case> cases;
    for (const auto& row : rows) {
        if (row.opened_at < from || row.opened_at >= to) continue;
        Case one;
        MEDIC_TRY(one.incident, from_row(row));
        MEDIC_TRY(one.attempts, journal.attempts(row.id));
        MEDIC_TRY(one.decisions, journal.decisions(row.id));
        if (const auto said = right.find(row.id); said != right.end()) one.right = said->second;
        cases.push_back(std::move(one));
    }
    std::ranges::reverse(cases);
    return cases;
}

Report make_report(const std::vector<Case>& cases, WallTime from, WallTime to) {
    Report report;
    report.from = from;
    report.to = to;
    std::map<std::string, Gathered> causes;
    std::map<std::string, RemedyLine> remedies;
    std::map<std::string, std::size_t> refusals;
    std::vector<double> detect, recover;
    CauseLine all;
    for (const auto& one : cases) {
        const Incident& incident = one.incident;
        auto& cause = causes[incident.diagnosis.cause];
        cause.line.cause = incident.diagnosis.cause;
        cause.line.side = std::string(to_string(incident.diagnosis.side));
        count_outcome(incident, all);
        count_outcome(incident, cause.line);
        ++report.by_side[cause.line.side];
        report.abstained += incident.diagnosis.cause.empty();
        if (happened(incident.detected_at)) detect.push_back(seconds(incident.detected_at, incident.opened_at));
        if (happened(incident.healed_at)) {
            recover.push_back(seconds(incident.healed_at, incident.opened_at));
            cause.recover.push_back(recover.back());
        }
        if (one.right) ++(*one.right ? report.verdicts_right : report.verdicts_wrong);
        count_remedies(one, remedies);
        count_refusals(one, refusals);
    }
    report.incidents = all.incidents;
    report.open = all.open;
    report.healed = all.healed;
    report.went_away = all.went_away;
    report.escalated = all.escalated;
    report.detect = times_of(std::move(detect));
    report.recover = times_of(std::move(recover));
    for (auto& [name, gathered] : causes) {
        gathered.line.recover = times_of(std::move(gathered.recover));
        report.causes.push_back(std::move(gathered.line));
    }
    std::ranges::stable_sort(report.causes, std::ranges::greater{}, &CauseLine::incidents);
    for (auto& [name, line] : remedies) {
        line.remedy = name;
        line.promote = line.would > 0 && line.judged_wrong == 0 && line.judged_right >= promotion_verdicts_min;
        report.remedies.push_back(std::move(line));
    }
    report.refusals.assign(refusals.begin(), refusals.end());
    std::ranges::stable_sort(report.refusals, std::ranges::greater{}, [](const auto& one) { return one.second; });
    count_days(cases, report);
    return report;
}

}  // namespace medic::report
