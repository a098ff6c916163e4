// A backtest's outcome as a document.
#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"
#include "agent/backtest/summary.h"

namespace medic::backtest {
namespace {

Json time_json(std::optional<WallTime> at) { return at ? Json(rfc3339(*at)) : Json(nullptr); }

Json proposal_json(const Proposal& proposal) {
    if (proposal.remedy.empty()) return nullptr;
    Json refused = Json::array();
    for (const auto& [guard, why] : proposal.refused) refused.push_back({{"guard", guard}, {"why", why}});
    return {{"remedy", proposal.remedy},        {"plan", proposal.plan},
            {"steps", proposal.steps},          {"mode", proposal.mode},
            {"mode_why", proposal.mode_why},    {"refused", std::move(refused)},
            {"live_facts", proposal.live_facts}};
}

Json case_json(const Case& one, const Outcome& outcome) {
    return {{"cause", one.cause},
            {"cause_group", one.group},
            {"side", one.side},
            {"owner", one.owner},
            {"cluster", one.subject.cluster},
            {"subject", one.subject.kind + "/" + one.subject.name},
            {"since", rfc3339(one.since)},
            {"until", time_json(one.until)},
            {"lasted_seconds", one.lasted(outcome.to).count() / 1'000},
            {"confidence", one.confidence},
            {"summary", one.summary},
            {"evidence", one.evidence},
            {"missing", one.missing},
            {"told", one.incidents.size()},
            {"proposal", proposal_json(one.proposal)}};
}

Json comparison_json(const Comparison& with) {
    Json missed = Json::array();
    for (const SeenAlert& alert : with.missed)
        missed.push_back({{"start", rfc3339(alert.start)}, {"end", rfc3339(alert.end)}, {"labels", alert.labels}});
    return {{"alerts", with.alerts},       {"outside", with.outside}, {"matched", with.matched},
            {"missed", std::move(missed)}, {"extra", with.extra},     {"extra_per_week", with.extra_per_week}};
}

std::string_view name_of(Outcome::Verdict verdict) {
    switch (verdict) {
        case Outcome::Verdict::quiet: return "quiet";
        case Outcome::Verdict::problem: return "problem";
        case Outcome::Verdict::cannot_tell: break;
    }
    return "cannot_tell";
}

}  // namespace

std::string json_of(const Outcome& outcome) {
    Json cases = Json::array(), causes = Json::array(), unheard = Json::array(), gaps = Json::array();
    for (std::size_t i = 0; i < outcome.cases.size(); ++i) {
        cases.push_back(case_json(outcome.cases[i], outcome));
        if (outcome.comparison) cases.back()["alerts"] = outcome.comparison->met[i];
    }
    for (const CauseSummary& line : summary_of(outcome))
        causes.push_back({{"cause", line.cause},
                          {"count", line.count},
                          {"open", line.open},
                          {"median_seconds", line.median.count() / 1'000}});
    for (const Unheard& one : outcome.unheard)
        unheard.push_back({{"kind", one.kind == Unheard::Kind::rule ? "rule" : "analyzer"},
                           {"name", one.name},
                           {"missing", one.missing}});
    for (const Gap& gap : outcome.gaps) gaps.push_back({{"from", rfc3339(gap.from)}, {"to", rfc3339(gap.to)}});
    Json document = {{"schema", 1},
                     {"from", rfc3339(outcome.from)},
                     {"to", rfc3339(outcome.to)},
                     {"step_seconds", static_cast<double>(outcome.step.count()) / 1'000},
                     {"verdict", name_of(outcome.verdict())},
                     {"moments", outcome.moments},
                     {"moments_seen", outcome.moments_seen},
                     {"gaps", std::move(gaps)},
                     {"warnings", outcome.warnings},
                     {"series_refused", outcome.series_refused},
                     {"incidents", std::move(cases)},
                     {"incidents_dropped", outcome.incidents_dropped},
                     {"causes", std::move(causes)},
                     {"rules", outcome.rules},
                     {"analyzers", outcome.analyzers},
                     {"no_data", std::move(unheard)}};
    if (outcome.comparison) document["comparison"] = comparison_json(*outcome.comparison);
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace medic::backtest
