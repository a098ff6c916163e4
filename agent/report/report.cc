#include "agent/report/report.h"

#include <algorithm>
#include <set>

#include "agent/loop/incident_codec.h"
#include "remediations/guards/guards.h"

namespace medic::report {
namespace {

constexpr std::size_t incidents_max = 100'000;
constexpr std::int64_t day_ms = 24 * 3'600'000;

double seconds(WallTime later, WallTime earlier) {
    return std::max(0.0, static_cast<double>((later - earlier).count()) / 1000);
}

Times times_of(std::vector<double> all) {
    if (all.empty()) return {};
    std::ranges::sort(all);
    const std::size_t upper = all.size() / 2, lower = (all.size() - 1) / 2;
    return {.median = (all[lower] + all[upper]) / 2, .worst = all.back(), .count = all.size()};
}

bool happened(WallTime at) { return at.unix_ms != 0; }

struct Gathered {
    CauseLine line;
    std::vector<double> recover;
};

void count_outcome(const Incident& incident, CauseLine& line) {
    ++line.incidents;
    if (incident.outcome == "healed") return void(++line.healed);
    if (incident.outcome == "went_away") return void(++line.went_away);
    if (!incident.ended() && incident.state != IncidentState::escalated) return void(++line.open);
    ++line.escalated;
    line.escalated_open += !incident.ended();
}

bool has_left(const AttemptRow& attempt) { return attempt.state != "not-sent" && attempt.state != "not-done"; }

void count_attempt(const AttemptRow& attempt, RemedyLine& line) {
    if (!has_left(attempt)) return;
    if (attempt.undo) return void(++line.undone);
    ++line.sent;
    line.failed += attempt.state == "failed";
    line.outcome_unknown += attempt.state == "unknown";
}

// Something of it left, and not to take it back.
bool was_sent(const Case& one, const std::string& remedy) {
    return std::ranges::any_of(one.attempts, [&](const AttemptRow& attempt) {
        return attempt.remedy == remedy && !attempt.undo && has_left(attempt);
    });
}

// An incident's outcome, and what people said of it, count for the plan that it had at last: what was tried before it
// did not help, and what never left did nothing.
void count_remedies(const Case& one, std::map<std::string, RemedyLine>& remedies) {
    for (const auto& attempt : one.attempts) count_attempt(attempt, remedies[attempt.remedy]);
    if (!one.incident.plan) return;
    const std::string& remedy = one.incident.plan->remedy;
    const bool shadow = !one.incident.acted, sent = was_sent(one, remedy);
    if (!shadow && !sent) return;
    RemedyLine& line = remedies[remedy];
    line.would += shadow;
    line.helped += sent && one.incident.outcome == "healed";
    if (!one.right) return;
    ++(*one.right ? line.judged_right : line.judged_wrong);
    if (shadow) ++(*one.right ? line.would_right : line.would_wrong);
}

bool is_guard(std::string_view name) {
    static const std::vector<Guard> all = guards::all_guards();
    return std::ranges::find(all, name, &Guard::name) != all.end();
}

// Of verdict_text(): "one-in-flight: I3 is under way; pause: ann, game day" names two guards. Reasons are people's
// words too, with colons and semicolons of their own.
std::set<std::string> guards_named(std::string_view verdict) {
    std::set<std::string> named;
    while (!verdict.empty()) {
        const auto colon = verdict.find(": ");
        const std::string_view name = verdict.substr(0, colon);
        if (colon != std::string_view::npos && is_guard(name)) named.insert(std::string(name));
        const auto next = verdict.find("; ");
        verdict.remove_prefix(next == std::string_view::npos ? verdict.size() : next + 2);
    }
    return named;
}

void count_refusals(const Case& one, std::map<std::string, std::size_t>& refusals) {
    for (const auto& decision : one.decisions) {
        if (decision.kind != "guards" || decision.verdict == "permitted") continue;
        for (const std::string& guard : guards_named(decision.verdict)) ++refusals[guard];
    }
}

RequestLine request_line(const Incident& of) {
    return {.id = of.id,
            .cluster = of.cluster,
            .cause = of.diagnosis.cause,
            .by = of.requested_by,
            .outcome = of.outcome.empty() ? std::string(to_string(of.state)) : of.outcome,
            .summary = of.diagnosis.summary,
            .at = of.opened_at};
}

void count_days(const std::vector<const Incident*>& incidents, Report& report) {
    const auto days =
        1 + static_cast<std::size_t>(std::max<std::int64_t>(0, (report.to - report.from).count() - 1) / day_ms);
    const std::size_t kept = std::min(days, days_max);
    report.per_day.assign(kept, 0);
    report.per_day_from = report.from + Duration{static_cast<std::int64_t>(days - kept) * day_ms};
    for (const Incident* one : incidents) {
        if (one->opened_at < report.per_day_from) continue;
        const auto day = static_cast<std::size_t>((one->opened_at - report.per_day_from).count() / day_ms);
        if (day < kept) ++report.per_day[day];
    }
}

// What is gathered on the way to a Report.
struct Counting {
    std::map<std::string, Gathered> causes;
    std::map<std::string, RemedyLine> remedies;
    std::map<std::string, std::size_t> refusals;
    std::vector<double> detect, recover, over;
    std::vector<const Incident*> incidents;
    CauseLine all;
};

void count(const Case& one, Counting& so_far, Report& report) {
    const Incident& incident = one.incident;
    so_far.incidents.push_back(&incident);
    auto& cause = so_far.causes[incident.diagnosis.cause];
    cause.line.cause = incident.diagnosis.cause;
    cause.line.side = std::string(to_string(incident.diagnosis.side));
    count_outcome(incident, so_far.all);
    count_outcome(incident, cause.line);
    ++report.by_side[cause.line.side];
    report.abstained += incident.diagnosis.cause.empty();
    if (happened(incident.detected_at)) so_far.detect.push_back(seconds(incident.detected_at, incident.opened_at));
    if (happened(incident.healed_at)) {
        so_far.recover.push_back(seconds(incident.healed_at, incident.opened_at));
        cause.recover.push_back(so_far.recover.back());
    }
    if (happened(incident.resolved_at)) so_far.over.push_back(seconds(incident.resolved_at, incident.opened_at));
    if (one.right) ++(*one.right ? report.verdicts_right : report.verdicts_wrong);
    count_remedies(one, so_far.remedies);
    count_refusals(one, so_far.refusals);
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
    Counting so_far;
    for (const auto& one : cases) {
        if (one.incident.requested_by.empty())
            count(one, so_far, report);
        else
            report.requests.push_back(request_line(one.incident));
    }
    report.incidents = so_far.all.incidents;
    report.open = so_far.all.open;
    report.healed = so_far.all.healed;
    report.went_away = so_far.all.went_away;
    report.escalated = so_far.all.escalated;
    report.escalated_open = so_far.all.escalated_open;
    report.detect = times_of(std::move(so_far.detect));
    report.recover = times_of(std::move(so_far.recover));
    report.over = times_of(std::move(so_far.over));
    for (auto& [name, gathered] : so_far.causes) {
        gathered.line.recover = times_of(std::move(gathered.recover));
        report.causes.push_back(std::move(gathered.line));
    }
    std::ranges::stable_sort(report.causes, std::ranges::greater{}, &CauseLine::incidents);
    for (auto& [name, line] : so_far.remedies) {
        line.remedy = name;
        line.promote = line.would_right >= promotion_verdicts_min && line.judged_wrong == 0;
        report.remedies.push_back(std::move(line));
    }
    report.refusals.assign(so_far.refusals.begin(), so_far.refusals.end());
    std::ranges::stable_sort(report.refusals, std::ranges::greater{}, [](const auto& one) { return one.second; });
    count_days(so_far.incidents, report);
    return report;
}

}  // namespace medic::report
