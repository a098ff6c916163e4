#include "agent/backtest/cases.h"

#include <algorithm>

#include "remediations/guards/plan_policy.h"

namespace medic::backtest {
namespace {

constexpr std::size_t lines_max = 8;  // Of evidence, objections and missing facts, for a person.

void add_line(std::vector<std::string>& lines, const std::string& text) {
    if (lines.size() < lines_max && std::ranges::find(lines, text) == lines.end()) lines.push_back(text);
}

// A process is the same by any of its names: the diagnosis of the whole node goes on where that of its task manager
// ended.
std::string place_of(const Diagnosis& diagnosis) {
    for (const char* name : {"node", "taskmanager", "worker", "broker"})
        if (const auto found = diagnosis.facts.find(name); found != diagnosis.facts.end() && !found->second.empty())
            return diagnosis.subject.cluster + "/" + found->second;
    if (diagnosis.subject.kind == "node") return diagnosis.subject.cluster + "/" + diagnosis.subject.name;
    return diagnosis.subject.cluster + "/" + diagnosis.subject.kind + "/" + diagnosis.subject.name;
}

bool for_want_of_a_look(const std::string& why) {
    return why.find("not known") != std::string::npos || why.find("no recent look") != std::string::npos;
}

// "I17": 17.
int number_of(const std::string& id) { return std::atoi(id.c_str() + 1); }

}  // namespace

CaseBook::CaseBook(const Policy& policy, const Planner& planner, CaseOptions options)
    : policy_(policy), planner_(planner), options_(options) {}

void CaseBook::read_plan(Entry& entry, const Incident& incident) const {
    Proposal& proposal = entry.one.proposal;
    const Diagnosis& diagnosis = incident.diagnosis;
    for (const std::string& reason : incident.untried) add_line(entry.untried, reason);
    for (const Refusal& refusal : incident.refusals)
        if (refusal.guard != "mode" && entry.objections.size() < lines_max)
            entry.objections.try_emplace(refusal.guard, refusal.why);
    if (incident.plan && proposal.plan.empty()) {
        proposal.remedy = incident.plan->remedy;
        proposal.plan = incident.plan->summary;
        for (const Step& step : incident.plan->steps) proposal.steps.push_back(step.text);
    }
    if (proposal.remedy.empty() && !diagnosis.remedies.empty()) proposal.remedy = diagnosis.remedies.front();
    if (proposal.remedy.empty()) return;
    const auto level = planner_.level(proposal.remedy, diagnosis.cause);
    const bool has_plan = incident.plan && incident.plan->remedy == proposal.remedy;
    if (!has_plan && !proposal.plan.empty()) return;  // It was said of the plan.
    const PolicyDecision decision = has_plan ? decide_plan(policy_, {*incident.plan, diagnosis, level})
                                             : foresee(policy_, {proposal.remedy, diagnosis, level});
    proposal.mode = to_string(decision.mode);
    proposal.mode_why = decision.why;
}

void CaseBook::take(const std::vector<Incident>& updates) {
    for (const Incident& incident : updates) {
        if (!entries_.contains(incident.id) && entries_.size() >= options_.incidents_max) {
            if (incident.ended()) ++dropped_;
            continue;
        }
        Entry& entry = entries_[incident.id];
        Case& one = entry.one;
        const Diagnosis& diagnosis = incident.diagnosis;
        entry.number = number_of(incident.id);
        const bool other_cause = one.cause != diagnosis.cause;
        if (one.id.empty() || other_cause || diagnosis.confidence >= one.confidence) {
            if (other_cause) one.proposal = {};
            one.id = incident.id;
            one.cause = diagnosis.cause;
            one.group = diagnosis.cause_group;
            one.side = to_string(diagnosis.side);
            one.owner = diagnosis.owner;
            one.subject = diagnosis.subject;
            one.summary = diagnosis.summary;
            one.confidence = diagnosis.confidence;
            one.evidence.clear();
            for (const Evidence& evidence : diagnosis.evidence) add_line(one.evidence, evidence.text);
            one.missing.clear();
            for (const std::string& what : diagnosis.missing) add_line(one.missing, what);
            entry.place = place_of(diagnosis);
        }
        one.since = incident.opened_at;
        if (incident.ended()) one.until = incident.resolved_at;
        read_plan(entry, incident);
    }
}

bool CaseBook::goes_on(const Entry& before, const Entry& after, Duration gap) {
    if (before.place != after.place || before.one.group != after.one.group) return false;
    return !before.one.until || after.one.since - *before.one.until <= gap;
}

std::vector<Case> CaseBook::cases(WallTime from) const {
    std::vector<Entry> all;
    for (const auto& [id, entry] : entries_)
        if (!entry.one.until || *entry.one.until >= from) all.push_back(entry);
    std::ranges::sort(all, [](const Entry& a, const Entry& b) {
        return std::pair(a.one.since, a.number) < std::pair(b.one.since, b.number);
    });
    std::vector<Entry> episodes;
    std::map<std::pair<std::string, std::string>, std::size_t> newest;  // By place and group.
    for (Entry& entry : all) {
        Case& one = entry.one;
        one.incidents = {one.id};
        for (const auto& [guard, why] : entry.objections) {
            if (for_want_of_a_look(why))
                add_line(one.proposal.live_facts, guard + ": " + why);
            else
                one.proposal.refused.emplace_back(guard, why);
        }
        if (one.proposal.plan.empty())
            for (const std::string& reason : entry.untried) add_line(one.proposal.live_facts, reason);
        const auto key = std::pair(entry.place, one.group);
        const auto before = newest.find(key);
        if (before != newest.end() && goes_on(episodes[before->second], entry, options_.gap)) {
            Case& first = episodes[before->second].one;
            first.incidents.push_back(one.id);
            if (first.until) first.until = one.until ? std::optional(std::max(*first.until, *one.until)) : one.until;
            continue;
        }
        newest[key] = episodes.size();
        episodes.push_back(std::move(entry));
    }
    std::vector<Case> result;
    for (Entry& entry : episodes) result.push_back(std::move(entry.one));
    return result;
}

}  // namespace medic::backtest
