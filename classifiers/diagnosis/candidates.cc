#include <algorithm>
#include <cmath>
#include <set>

#include "classifiers/diagnosis/ranking_internal.h"

namespace medic::ranking {
namespace {

// A clue of this weight or more, seen by an analyzer or a rule, stands on its own; weaker ones only lean.
constexpr double decisive_weight = 2;
// Log-odds at which "something is wrong" turns into "this is wrong" (a decisive finding of weight 4 gives 95 %).
constexpr double bias = 1;
constexpr double nothing_score = 0.4;
constexpr double score_max = 40;  // exp() of more is no use.
// Clocks and looks differ by this much: an effect may seem to precede its cause.
constexpr Duration slack{30'000};
constexpr std::size_t effects_max = 16;

// The subject of the kind that a cause is about, as an observation names it; nullopt when it names none.
std::optional<Subject> subject_for(const Cause& cause, const Observed& observed) {
    if (cause.subject.empty() || observed.subject.kind == cause.subject) return observed.subject;
    if (cause.subject == "connector-task" && !field(observed, "connector").empty() && !field(observed, "task").empty())
        return Subject{observed.subject.cluster, cause.subject,
                       field(observed, "connector") + "/" + field(observed, "task")};
    if (auto name = field(observed, cause.subject); !name.empty())
        return Subject{observed.subject.cluster, cause.subject, name};
    // A task names its connector: what is wrong with that (its settings, its credentials) shows in the tasks.
    if (cause.subject == "connector" && observed.subject.kind == "connector-task")
        return Subject{observed.subject.cluster, cause.subject,
                       observed.subject.name.substr(0, observed.subject.name.rfind('/'))};
    if (cause.subject == "cluster") return Subject{observed.subject.cluster, "cluster", observed.subject.cluster};
    return std::nullopt;
}

bool named_within(const Subject& part, const Subject& whole) {
    if (whole.kind == "cluster") return true;
    if (part.kind == "connector-task" && whole.kind == "connector") return part.name.starts_with(whole.name + "/");
    if (part.kind == "log-dir" && whole.kind == "broker") return part.name.starts_with(whole.name + ":");
    if (part.kind == "vertex" && whole.kind == "job") return part.name.starts_with(whole.name + "/");
    return false;
}

bool concerns(const Topology& topology, const Subject& subject, const Observed& observed) {
    // Names are a cluster's own: staging has the connectors that production has.
    return related(topology, subject, observed.subject) ||
           (subject.cluster == observed.subject.cluster && field(observed, subject.kind) == subject.name);
}

bool touches(const Topology& topology, const Candidate& a, const Candidate& b) {
    if (related(topology, a.subject, b.subject)) return true;
    const auto names = [](const Candidate& one, const Subject& other) {
        return std::ranges::any_of(one.support, [&](const Observed* seen) {
            return seen->subject.cluster == other.cluster && field(*seen, other.kind) == other.name;
        });
    };
    return names(a, b.subject) || names(b, a.subject);
}

// A change alone is no fault; nor is a line of a log, unless something is wrong with what it is about.
bool may_begin(const View& view, const Observed& observed, const std::vector<Observed>& seen) {
    if (observed.kind == Clue::Kind::event) return false;
    return !is_log(observed) || std::ranges::any_of(seen, [&](const Observed& other) {
        return (other.finding != nullptr || other.symptom != nullptr) &&
               related(view.topology, observed.subject, other.subject);
    });
}

bool speaks_for(const Cause& cause, const Observed& observed) {
    return std::ranges::any_of(cause.clues, [&](const Clue& clue) {
        return clue.weight >= leaning_weight && clue.kind == observed.kind && clue.id == observed.id;
    });
}

const Observed* strongest(const Clue& clue, const View& view, const Subject& subject,
                          const std::vector<Observed>& seen) {
    const Observed* best = nullptr;
    for (const auto& observed : seen)
        if (observed.kind == clue.kind && observed.id == clue.id && concerns(view.topology, subject, observed) &&
            (best == nullptr || observed.strength > best->strength))
            best = &observed;
    return best;
}

void add_up(Candidate& candidate, const View& view, const std::vector<Observed>& seen) {
    candidate.score = candidate.cause->prior;
    std::vector<std::pair<double, const Observed*>> weighed;
    auto read_in = Component::unknown;
    for (const auto& clue : candidate.cause->clues) {
        const Observed* best = strongest(clue, view, candidate.subject, seen);
        if (best == nullptr) {
            if (clue.weight > 0) candidate.absent.push_back(&clue);
            continue;
        }
        const double weight = clue.weight * best->strength;
        candidate.score += weight;
        if (weight < 0) {
            candidate.against.push_back(best);
            continue;
        }
        weighed.emplace_back(weight, best);
        if (clue.kind == Clue::Kind::signature) read_in = component_of(best->subject);
        if (clue.kind != Clue::Kind::event) candidate.since = std::min(candidate.since, best->since);
        const bool seen_by_us = clue.kind == Clue::Kind::finding || clue.kind == Clue::Kind::symptom;
        candidate.stands = candidate.stands || (seen_by_us && clue.weight >= decisive_weight);
    }
    const auto& components = candidate.cause->components;
    if (read_in != Component::unknown && !components.empty() &&
        std::ranges::find(components, read_in) == components.end())
        candidate.score -= foreign_component_cost;
    std::ranges::stable_sort(weighed, [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [weight, observed] : weighed) candidate.support.push_back(observed);
    std::ranges::stable_sort(candidate.absent, [](const Clue* a, const Clue* b) { return a->weight > b->weight; });
}

// A log directory is hosted by its broker, and the broker by its node.
bool stands_on(const Topology& topology, const Subject& what, const Subject& ground) {
    return std::ranges::any_of(topology.from(what, "hosted-by"), [&](const Subject& host) {
        const auto under = topology.from(host, "hosted-by");
        return std::ranges::find(under, ground) != under.end();
    });
}

}  // namespace

bool is_log(const Observed& observed) { return observed.event != nullptr && observed.event->kind == "log"; }

const std::map<std::string, std::string>* fields_of(const Observed& observed) {
    if (observed.finding != nullptr) return &observed.finding->fields;
    if (observed.symptom != nullptr) return &observed.symptom->labels;
    if (observed.event != nullptr) return &observed.event->fields;
    return nullptr;
}

std::string field(const Observed& observed, const std::string& name) {
    const auto* fields = fields_of(observed);
    if (fields == nullptr) return {};
    const auto found = fields->find(name);
    return found == fields->end() ? std::string{} : found->second;
}

Component component_of(const Subject& subject) {
    return subject.kind.starts_with("connector") ? Component::connect : Component::flink;
}

bool related(const Topology& topology, const Subject& a, const Subject& b) {
    if (a == b) return true;
    if (a.cluster != b.cluster) return false;
    if (named_within(a, b) || named_within(b, a)) return true;
    for (const std::string_view kind :
         {"runs-on", "hosted-by", "task-of", "reads", "writes", "vertex-of", "replica-on", "leader-on"}) {
        const auto ahead = topology.from(a, kind), behind = topology.from(b, kind);
        if (std::ranges::find(ahead, b) != ahead.end() || std::ranges::find(behind, a) != behind.end()) return true;
    }
    return stands_on(topology, a, b) || stands_on(topology, b, a);
}

bool one_trace(const Subject& a, const Subject& b) {
    if (a == b) return true;
    const bool connector = a.kind.starts_with("connector") && b.kind.starts_with("connector");
    return connector && a.cluster == b.cluster && (named_within(a, b) || named_within(b, a));
}

std::vector<Candidate> candidates_of(const Catalogue& catalogue, const View& view, const std::vector<Observed>& seen) {
    std::vector<Candidate> all;
    std::set<std::pair<std::string, Subject>> known;
    for (const auto& observed : seen) {
        if (!may_begin(view, observed, seen)) continue;
        for (const auto& cause : catalogue.causes()) {
            if (!speaks_for(cause, observed)) continue;
            const auto subject = subject_for(cause, observed);
            if (!subject || !known.emplace(cause.id, *subject).second) continue;
            Candidate& candidate = all.emplace_back();
            candidate.cause = &cause;
            candidate.subject = *subject;
            candidate.since = observed.since;
        }
    }
    for (auto& candidate : all) add_up(candidate, view, seen);
    return all;
}

void weigh(std::vector<Candidate>& candidates) {
    for (auto& candidate : candidates) candidate.confidence = 1 / (1 + std::exp(bias - candidate.score));
    for (auto& candidate : candidates) {
        if (candidate.stands) continue;
        double total = std::exp(nothing_score);
        for (const auto& rival : candidates)
            if (!rival.stands && one_trace(rival.subject, candidate.subject))
                total += std::exp(std::min(rival.score, score_max));
        candidate.confidence = std::min(candidate.confidence, std::exp(std::min(candidate.score, score_max)) / total);
    }
    std::ranges::stable_sort(candidates,
                             [](const Candidate& a, const Candidate& b) { return a.confidence > b.confidence; });
}

void explain_away(const View& view, std::vector<Candidate>& candidates, double confidence_min) {
    for (auto& cause : candidates) {
        if (cause.confidence < confidence_min) continue;
        for (auto& effect : candidates) {
            if (&cause == &effect || effect.explained) continue;
            const auto& explains = cause.cause->explains;
            if (std::ranges::find(explains, effect.cause->id) == explains.end()) continue;
            if (cause.since > effect.since + slack || !touches(view.topology, cause, effect)) continue;
            effect.explained = true;
            if (effect.confidence >= confidence_min && cause.effects.size() < effects_max)
                cause.effects.push_back(effect.cause->id + " of " + to_string(effect.subject));
        }
    }
}

}  // namespace medic::ranking
