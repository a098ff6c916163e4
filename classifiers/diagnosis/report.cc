#include <algorithm>

#include "classifiers/diagnosis/ranking_internal.h"

namespace medic::ranking {
namespace {

constexpr std::size_t evidence_max = 16, alternatives_max = 5, effects_max = 16;

std::string first_sentence(const std::string& text) {
    const auto end = text.find(". ");
    return end == std::string::npos ? text : text.substr(0, end + 1);
}

Evidence evidence_of(const Observed& observed) {
    if (observed.symptom != nullptr)
        return {"metric", "symptom:" + observed.id,
                observed.symptom->summary.empty() ? observed.id : observed.symptom->summary, observed.symptom->value,
                observed.since};
    if (is_log(observed))
        return {"log", observed.event->id, observed.event->text.substr(0, 1'000), 0, observed.event->at};
    if (observed.kind == Clue::Kind::signature)
        return {"trace", "signature:" + observed.id, "the first failure's text shows " + observed.id, 0,
                observed.since};
    if (observed.event != nullptr)
        return {"event", observed.event->id, observed.event->kind + " of " + to_string(observed.event->subject), 0,
                observed.event->at};
    return {"event", "finding:" + observed.id, observed.finding != nullptr ? observed.finding->summary : observed.id,
            observed.strength, observed.since};
}

// What was thrown and where, in one line: without it a signature's name says little to a person.
std::optional<Evidence> thrown(const View& view, const Candidate& candidate) {
    const bool from_text = std::ranges::any_of(
        candidate.support, [](const Observed* seen) { return seen->kind == Clue::Kind::signature; });
    const auto first = std::ranges::find_if(view.findings, [&](const Finding& finding) {
        return finding.id == "first-failure" && finding.subject == candidate.subject;
    });
    if (!from_text || first == view.findings.end()) return std::nullopt;
    const auto has = [&](const char* name) {
        const auto found = first->fields.find(name);
        return found == first->fields.end() ? std::string() : found->second;
    };
    std::string text = has("exception");
    if (const auto message = has("message"); !message.empty()) text += ": " + message.substr(0, message.find('\n'));
    if (const auto frame = has("frame"); !frame.empty()) text += " at " + frame + " (" + has("location") + ")";
    return Evidence{"trace", has("event"), std::move(text), 0, first->since};
}

std::string why_not(const Candidate& chosen, const Candidate& other) {
    for (const auto& alike : other.cause->look_alikes)
        if (alike.cause == chosen.cause->id) return alike.told_apart_by;
    for (const auto& alike : chosen.cause->look_alikes)
        if (alike.cause == other.cause->id) return alike.told_apart_by;
    if (!other.against.empty()) return "against it: " + other.against.front()->id;
    if (!other.absent.empty()) return "not seen: " + other.absent.front()->id;
    return "less evidence";
}

std::map<std::string, std::string> facts_of(const View& view, const Candidate& candidate) {
    std::map<std::string, std::string> facts;
    for (const auto* observed : candidate.support)
        if (const auto* fields = fields_of(*observed); fields != nullptr && observed->kind != Clue::Kind::event)
            facts.insert(fields->begin(), fields->end());
    for (const auto& finding : view.findings)
        if (finding.subject == candidate.subject) facts.insert(finding.fields.begin(), finding.fields.end());
    const auto& subject = candidate.subject;
    if (subject.kind == "connector-task") {
        const auto slash = subject.name.rfind('/');
        facts.emplace("connector", subject.name.substr(0, slash));
        facts.emplace("task", subject.name.substr(slash + 1));
        if (const auto worker = view.topology.attribute(subject, "worker")) facts.emplace("worker", *worker);
    } else if (subject.kind == "log-dir") {
        const auto colon = subject.name.find(':');
        facts.emplace("broker", subject.name.substr(0, colon));
        facts.emplace("log_dir", subject.name.substr(colon + 1));
    } else {
        facts.emplace(subject.kind, subject.name);
    }
    if (const auto job = facts.find("job"); job != facts.end()) {
        const Subject about{subject.cluster, "job", job->second};
        if (const auto id = view.topology.attribute(about, "id")) facts["job_id"] = *id;
        if (const auto version = view.topology.attribute(about, "version")) facts.emplace("version", *version);
        if (const auto flink = view.topology.attribute(about, "flink")) facts.emplace("flink", *flink);
        if (const auto good = view.topology.attribute(about, "last_good_version"))
            facts.emplace("last_good_version", *good);
    }
    return facts;
}

// Causes that a symptom speaks for, however weakly: what to look for first where nothing else tells.
void add_suspects(const Catalogue& catalogue, const std::string& symptom, std::vector<Alternative>& out) {
    std::vector<std::pair<double, const Cause*>> suspects;
    for (const Cause& cause : catalogue.causes())
        for (const Clue& clue : cause.clues)
            if (clue.kind == Clue::Kind::symptom && clue.id == symptom && clue.weight > 0)
                suspects.emplace_back(clue.weight, &cause);
    std::ranges::stable_sort(suspects, [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [weight, cause] : suspects) {
        const bool known = std::ranges::any_of(out, [&](const Alternative& one) { return one.cause == cause->id; });
        if (!known && out.size() < alternatives_max)
            out.push_back({cause->id, cause->side, 0, "often so; nothing tells here"});
    }
}

}  // namespace

Diagnosis report(const View& view, const Candidate& candidate, const std::vector<Candidate>& all,
                 const std::vector<std::string>& blind) {
    Diagnosis out{.cause = candidate.cause->id,
                  .cause_group = candidate.cause->group,
                  .side = candidate.cause->side,
                  .owner = candidate.cause->owner,
                  .subject = candidate.subject,
                  .since = candidate.since,
                  .confidence = candidate.confidence,
                  .summary = "",
                  .evidence = {},
                  .alternatives = {},
                  .effects = candidate.effects,
                  .missing = {},
                  .remedies = candidate.cause->remedies,
                  .facts = facts_of(view, candidate)};
    out.summary = first_sentence(candidate.cause->explain);
    for (const auto* observed : candidate.support) {
        if (observed->finding != nullptr && observed->kind == Clue::Kind::finding) {
            out.summary = observed->finding->summary;
            break;
        }
    }
    if (auto trace = thrown(view, candidate)) out.evidence.push_back(*std::move(trace));
    for (const auto* observed : candidate.support) {
        if (observed->kind == Clue::Kind::finding)
            for (const auto& evidence : observed->finding->evidence)
                if (out.evidence.size() < evidence_max) out.evidence.push_back(evidence);
        if (observed->kind != Clue::Kind::finding && out.evidence.size() < evidence_max)
            out.evidence.push_back(evidence_of(*observed));
    }
    for (const auto& other : all) {
        if (&other == &candidate || !one_trace(other.subject, candidate.subject) ||
            out.alternatives.size() >= alternatives_max)
            continue;
        out.alternatives.push_back({other.cause->id, other.cause->side, other.confidence, why_not(candidate, other)});
    }
    for (const auto& symptom : view.symptoms)
        if (out.effects.size() < effects_max && related(view.topology, symptom.subject, candidate.subject) &&
            std::ranges::none_of(candidate.support, [&](const Observed* seen) { return seen->symptom == &symptom; }))
            out.effects.push_back(symptom.id + " of " + to_string(symptom.subject));
    out.missing = blind;
    return out;
}

std::vector<Diagnosis> abstain(const Catalogue& catalogue, const View& view, const std::vector<Candidate>& all,
                               const std::vector<Diagnosis>& told, const std::set<Subject>& explained,
                               const std::vector<std::string>& blind) {
    std::vector<Diagnosis> out;
    const auto covered = [&](const Subject& subject) {
        return explained.contains(subject) || std::ranges::any_of(told, [&](const Diagnosis& one) {
                   if (related(view.topology, one.subject, subject)) return true;
                   const auto named = one.facts.find(subject.kind);
                   return named != one.facts.end() && named->second == subject.name &&
                          one.subject.cluster == subject.cluster;
               });
    };
    const auto add = [&](const Subject& subject, WallTime since, const std::string& what,
                         const std::vector<Evidence>& evidence) {
        if (covered(subject) || std::ranges::any_of(out, [&](const Diagnosis& one) { return one.subject == subject; }))
            return false;
        Diagnosis one{.cause = "",
                      .cause_group = "",
                      .side = Side::unknown,
                      .owner = "",
                      .subject = subject,
                      .since = since,
                      .confidence = 0,
                      .summary = "cannot tell why: " + what,
                      .evidence = evidence,
                      .alternatives = {},
                      .effects = {},
                      .missing = blind,
                      .remedies = {},
                      .facts = {}};
        for (const auto& other : all)
            if (other.subject == subject && one.alternatives.size() < alternatives_max)
                one.alternatives.push_back(
                    {other.cause->id, other.cause->side, other.confidence,
                     other.absent.empty() ? "too little evidence" : "not seen: " + other.absent.front()->id});
        if (one.missing.empty()) one.missing.push_back("no rule, finding or trace singles out one cause");
        out.push_back(std::move(one));
        return true;
    };
    for (const auto& finding : view.findings)
        if (finding.id == "first-failure") add(finding.subject, finding.since, finding.summary, finding.evidence);
    for (const auto& symptom : view.symptoms) {
        const auto severity = symptom.labels.find("severity");
        if (severity == symptom.labels.end() || severity->second != "critical") continue;
        if (add(symptom.subject, symptom.since, symptom.summary.empty() ? symptom.id : symptom.summary, {}))
            add_suspects(catalogue, symptom.id, out.back().alternatives);
    }
    return out;
}

}  // namespace medic::ranking
