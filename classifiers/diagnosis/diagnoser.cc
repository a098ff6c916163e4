#include "classifiers/diagnosis/diagnoser.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <set>

namespace medic {
namespace {

// A clue of this weight or more, seen by an analyzer or a rule, stands on its own; weaker ones only lean.
constexpr double decisive_weight = 2;
// Log-odds at which "something is wrong" turns into "this is wrong" (a decisive finding of weight 4 gives 95 %).
constexpr double bias = 1;
constexpr double nothing_score = 0.4;
// Clocks and looks differ by this much: an effect may seem to precede its cause.
constexpr Duration slack{30'000};
constexpr Duration target_blind_after{30'000};
constexpr std::size_t evidence_max = 16, alternatives_max = 5, missing_max = 8, effects_max = 16;

// A line of a log leans less than what a product itself calls the reason of a failure …
constexpr double log_strength = 0.7;
// … and counts only when it was written about when the trouble began. So many are read at most.
constexpr Duration log_suspect{5 * 60'000};
constexpr std::size_t logs_read_max = 200;

// Which product the exceptions of a subject come from.
Component component_of(const Subject& subject) {
    return subject.kind.starts_with("connector") ? Component::connect : Component::flink;
}

Component component_of(const Event& event) {
    const auto told = event.fields.find("component");
    if (told == event.fields.end()) return component_of(event.subject);
    if (told->second == "kafka") return Component::kafka_broker;
    return told->second == "connect" ? Component::connect : Component::flink;
}

struct Observed {
    Clue::Kind kind = Clue::Kind::finding;
    std::string id;
    Subject subject;
    WallTime since;
    double strength = 1;
    const Finding* finding = nullptr;
    const Symptom* symptom = nullptr;
    const Event* event = nullptr;  // Of an event, or the one whose trace holds the signature.
};

struct Candidate {
    const Cause* cause = nullptr;
    Subject subject;
    double score = 0, confidence = 0;
    WallTime since;
    std::vector<const Observed*> support, against;  // Strongest first.
    std::vector<const Clue*> absent;                // Clues for it that were not seen.
    bool stands = false;                            // A decisive finding or symptom carries it.
    std::vector<std::string> effects;
};

bool is_log(const Observed& observed) { return observed.event != nullptr && observed.event->kind == "log"; }

std::string first_sentence(const std::string& text) {
    const auto end = text.find(". ");
    return end == std::string::npos ? text : text.substr(0, end + 1);
}

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

// The subject of the kind that a cause is about, as an observation names it; nullopt when it names none.
std::optional<Subject> subject_for(const Cause& cause, const Observed& observed) {
    if (cause.subject.empty() || observed.subject.kind == cause.subject) return observed.subject;
    if (cause.subject == "connector-task" && !field(observed, "connector").empty() && !field(observed, "task").empty())
        return Subject{observed.subject.cluster, cause.subject,
                       field(observed, "connector") + "/" + field(observed, "task")};
    if (auto name = field(observed, cause.subject); !name.empty())
        return Subject{observed.subject.cluster, cause.subject, name};
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

bool related(const Topology& topology, const Subject& a, const Subject& b) {
    if (a == b) return true;
    if (a.cluster != b.cluster) return false;
    if (named_within(a, b) || named_within(b, a)) return true;
    for (const std::string_view kind :
         {"runs-on", "hosted-by", "task-of", "reads", "writes", "vertex-of", "replica-on", "leader-on"}) {
        const auto ahead = topology.from(a, kind), behind = topology.from(b, kind);
        if (std::ranges::find(ahead, b) != ahead.end() || std::ranges::find(behind, a) != behind.end()) return true;
    }
    return false;
}

bool concerns(const Topology& topology, const Subject& subject, const Observed& observed) {
    return related(topology, subject, observed.subject) || field(observed, subject.kind) == subject.name;
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

std::vector<std::string> blind_targets(const View& view, const Now& now) {
    std::vector<std::string> blind;
    for (const auto& target : view.series.targets()) {
        if (target.failures_in_a_row == 0 && now.wall - target.last_complete <= target_blind_after) continue;
        if (target.failures_in_a_row == 0 && target.last_complete.unix_ms > 0) continue;  // Asked rarely, not blind.
        blind.push_back(target.target + " gave no complete answer" +
                        (target.last_error.empty() ? "" : ": " + target.last_error));
        if (blind.size() >= missing_max) break;
    }
    return blind;
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

}  // namespace

struct Diagnoser::State {
    Classifier classifier;
    DiagnoserOptions options;
    std::map<std::string, std::vector<std::size_t>> traces;  // Signatures by event id.
    std::deque<std::string> trace_order;

    const std::vector<std::size_t>& signatures_of(const Event& event) {
        const auto known = traces.find(event.id);
        if (known != traces.end() && !event.id.empty()) return known->second;
        if (trace_order.size() >= options.traces_remembered_max) {
            traces.erase(trace_order.front());
            trace_order.pop_front();
        }
        if (known == traces.end()) trace_order.push_back(event.id);
        return traces[event.id] = classifier.signatures_in(event.text, component_of(event));
    }
};

Diagnoser::Diagnoser(std::unique_ptr<State> state) : state_(std::move(state)) {}
Diagnoser::~Diagnoser() = default;
Diagnoser::Diagnoser(Diagnoser&&) noexcept = default;
Diagnoser& Diagnoser::operator=(Diagnoser&&) noexcept = default;

Result<Diagnoser> Diagnoser::make(Catalogue catalogue, DiagnoserOptions options) {
    MEDIC_TRY(auto classifier, Classifier::make(std::move(catalogue)));
    return Diagnoser{std::make_unique<State>(State{std::move(classifier), options, {}, {}})};
}

const Classifier& Diagnoser::classifier() const { return state_->classifier; }

namespace {

const Event* event_with_id(const View& view, const Subject& subject, const std::string& id, WallTime from) {
    for (const auto* event : view.timeline.about(subject, from))
        if (event->id == id) return event;
    return nullptr;
}

std::vector<Candidate> candidates_of(const Catalogue& catalogue, const View& view, const std::vector<Observed>& seen) {
    std::vector<Candidate> all;
    std::set<std::pair<std::string, Subject>> known;
    for (const auto& observed : seen) {
        if (observed.kind == Clue::Kind::event) continue;  // A change alone is no fault.
        // Nor is a line of a log, unless something is wrong with what it is about.
        if (is_log(observed) && std::ranges::none_of(seen, [&](const Observed& other) {
                return (other.finding != nullptr || other.symptom != nullptr) &&
                       related(view.topology, observed.subject, other.subject);
            }))
            continue;
        for (const auto& cause : catalogue.causes()) {
            const bool named = std::ranges::any_of(cause.clues, [&](const Clue& clue) {
                return clue.weight >= leaning_weight && clue.kind == observed.kind && clue.id == observed.id;
            });
            if (!named) continue;
            const auto subject = subject_for(cause, observed);
            if (!subject || !known.emplace(cause.id, *subject).second) continue;
            all.push_back({.cause = &cause,
                           .subject = *subject,
                           .since = observed.since,
                           .support = {},
                           .against = {},
                           .absent = {},
                           .effects = {}});
        }
    }
    for (auto& candidate : all) {
        candidate.score = candidate.cause->prior;
        std::vector<std::pair<double, const Observed*>> weighed;
        auto read_in = Component::unknown;
        for (const auto& clue : candidate.cause->clues) {
            const Observed* best = nullptr;
            for (const auto& observed : seen)
                if (observed.kind == clue.kind && observed.id == clue.id &&
                    concerns(view.topology, candidate.subject, observed) &&
                    (best == nullptr || observed.strength > best->strength))
                    best = &observed;
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
    return all;
}

// What a finding carries stands by itself; readings of one trace compete with each other.
void weigh(std::vector<Candidate>& candidates) {
    for (auto& candidate : candidates) candidate.confidence = 1 / (1 + std::exp(bias - candidate.score));
    for (auto& candidate : candidates) {
        if (candidate.stands) continue;
        double total = std::exp(nothing_score);
        for (const auto& rival : candidates)
            if (!rival.stands && rival.subject == candidate.subject) total += std::exp(std::min(rival.score, 40.0));
        candidate.confidence = std::min(candidate.confidence, std::exp(std::min(candidate.score, 40.0)) / total);
    }
    std::ranges::stable_sort(candidates,
                             [](const Candidate& a, const Candidate& b) { return a.confidence > b.confidence; });
}

// Moves candidates that another one explains into its effects.
std::vector<Candidate> explain_away(const View& view, std::vector<Candidate> candidates, double confidence_min) {
    std::vector<bool> explained(candidates.size(), false);
    for (std::size_t a = 0; a < candidates.size(); ++a) {
        if (candidates[a].confidence < confidence_min) continue;
        for (std::size_t b = 0; b < candidates.size(); ++b) {
            if (a == b || explained[b]) continue;
            const auto& explains = candidates[a].cause->explains;
            if (std::ranges::find(explains, candidates[b].cause->id) == explains.end()) continue;
            if (candidates[a].since > candidates[b].since + slack ||
                !touches(view.topology, candidates[a], candidates[b]))
                continue;
            explained[b] = true;
            if (candidates[b].confidence >= confidence_min && candidates[a].effects.size() < effects_max)
                candidates[a].effects.push_back(candidates[b].cause->id + " of " + to_string(candidates[b].subject));
        }
    }
    std::vector<Candidate> kept;
    for (std::size_t i = 0; i < candidates.size(); ++i)
        if (!explained[i]) kept.push_back(std::move(candidates[i]));
    return kept;
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
    }
    return facts;
}

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
        if (&other == &candidate || other.subject != candidate.subject || out.alternatives.size() >= alternatives_max)
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

// Trouble that no cause accounts for: said, with what would have told.
std::vector<Diagnosis> abstain(const View& view, const std::vector<Candidate>& all, const std::vector<Diagnosis>& told,
                               const std::vector<std::string>& blind) {
    std::vector<Diagnosis> out;
    const auto covered = [&](const Subject& subject) {
        return std::ranges::any_of(told, [&](const Diagnosis& one) {
            if (related(view.topology, one.subject, subject)) return true;
            const auto named = one.facts.find(subject.kind);
            return named != one.facts.end() && named->second == subject.name && one.subject.cluster == subject.cluster;
        });
    };
    const auto add = [&](const Subject& subject, WallTime since, const std::string& what,
                         const std::vector<Evidence>& evidence) {
        if (covered(subject) || std::ranges::any_of(out, [&](const Diagnosis& one) { return one.subject == subject; }))
            return;
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
    };
    for (const auto& finding : view.findings)
        if (finding.id == "first-failure") add(finding.subject, finding.since, finding.summary, finding.evidence);
    for (const auto& symptom : view.symptoms) {
        const auto severity = symptom.labels.find("severity");
        if (severity != symptom.labels.end() && severity->second == "critical")
            add(symptom.subject, symptom.since, symptom.summary.empty() ? symptom.id : symptom.summary, {});
    }
    return out;
}

}  // namespace

std::vector<Diagnosis> Diagnoser::diagnose(const View& view, const Now& now) {
    const auto& catalogue = state_->classifier.catalogue();
    if (view.findings.empty() && view.symptoms.empty()) return {};
    std::vector<Observed> seen;
    WallTime earliest = now.wall;
    for (const auto& finding : view.findings) {
        earliest = std::min(earliest, finding.since);
        seen.push_back({.kind = Clue::Kind::finding,
                        .id = finding.id,
                        .subject = finding.subject,
                        .since = finding.since,
                        .strength = finding.weight,
                        .finding = &finding});
        const auto trace = finding.fields.find("event");
        if (finding.id != "first-failure" || trace == finding.fields.end()) continue;
        const auto* event = event_with_id(view, finding.subject, trace->second, finding.since - Duration{1});
        if (event == nullptr) continue;
        for (const auto signature : state_->signatures_of(*event))
            seen.push_back({.kind = Clue::Kind::signature,
                            .id = catalogue.signatures()[signature].id,
                            .subject = finding.subject,
                            .since = finding.since,
                            .strength = 1,
                            .finding = &finding,
                            .event = event});
    }
    for (const auto& symptom : view.symptoms) {
        earliest = std::min(earliest, symptom.since);
        seen.push_back({.kind = Clue::Kind::symptom,
                        .id = symptom.id,
                        .subject = symptom.subject,
                        .since = symptom.since,
                        .strength = 1,
                        .symptom = &symptom});
    }
    for (const auto* event : view.timeline.since(earliest - state_->options.change_suspect))
        if (event->kind != "exception" && event->kind != "log")
            seen.push_back({.kind = Clue::Kind::event,
                            .id = event->kind,
                            .subject = event->subject,
                            .since = event->at,
                            .strength = 1,
                            .event = event});

    std::size_t logs_read = 0;
    for (const auto* event : view.timeline.since(earliest - log_suspect)) {
        if (event->kind != "log" || ++logs_read > logs_read_max) continue;
        for (const auto signature : state_->signatures_of(*event))
            seen.push_back({.kind = Clue::Kind::signature,
                            .id = catalogue.signatures()[signature].id,
                            .subject = event->subject,
                            .since = event->at,
                            .strength = log_strength,
                            .event = event});
    }

    auto candidates = candidates_of(catalogue, view, seen);
    weigh(candidates);
    candidates = explain_away(view, std::move(candidates), state_->options.confidence_min);
    const auto blind = blind_targets(view, now);
    std::vector<Diagnosis> out;
    std::set<Subject> read;  // Subjects whose trace has been read: one reading each.
    for (const auto& candidate : candidates) {
        if (candidate.confidence < state_->options.confidence_min || out.size() >= state_->options.diagnoses_max)
            continue;
        if (!candidate.stands && !read.insert(candidate.subject).second) continue;
        out.push_back(report(view, candidate, candidates, blind));
    }
    auto unclear = abstain(view, candidates, out, blind);
    out.insert(out.end(), std::make_move_iterator(unclear.begin()), std::make_move_iterator(unclear.end()));
    return out;
}

}  // namespace medic
