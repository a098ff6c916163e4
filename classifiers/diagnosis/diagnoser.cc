#include "classifiers/diagnosis/diagnoser.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "classifiers/diagnosis/planned.h"
#include "classifiers/diagnosis/ranking_internal.h"

namespace medic {
namespace {

using ranking::Candidate;
using ranking::Observed;

constexpr Duration target_blind_after{30'000};
constexpr std::size_t missing_max = 8;

// A line of a log leans less than what a product itself calls the reason of a failure …
constexpr double log_strength = 0.7;
// … and counts only when it was written about when the trouble began. So many are read at most.
constexpr Duration log_suspect{5 * 60'000};
constexpr std::size_t logs_read_max = 200;

Component component_of(const Event& event) {
    const auto told = event.fields.find("component");
    if (told == event.fields.end()) return ranking::component_of(event.subject);
    if (told->second == "kafka") return Component::kafka_broker;
    return told->second == "connect" ? Component::connect : Component::flink;
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

bool reads_a_trace(const Candidate& candidate) {
    return std::ranges::any_of(candidate.support,
                               [](const Observed* seen) { return seen->kind == Clue::Kind::signature; });
}

const Event* event_with_id(const View& view, const Subject& subject, const std::string& id, WallTime from) {
    for (const auto* event : view.timeline.about(subject, from))
        if (event->id == id) return event;
    return nullptr;
}

}  // namespace

struct Diagnoser::State {
    Classifier classifier;
    DiagnoserOptions options;
    std::map<std::string, std::vector<std::size_t>> traces;  // Signatures by event id.
    std::deque<std::string> trace_order;
    std::map<std::pair<std::string, Subject>, WallTime> explained;  // By cause and subject: when it last was.

    std::map<std::string, BrokerWork> broker_work;  // By cluster.

    // Marks those, too, that were explained until a moment ago, and those whose cause may still show.
    void remember_explained(std::vector<ranking::Candidate>& candidates, const Now& now);
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

    // What the text of `event` shows, as observations about `subject`.
    void read(const Event& event, const Subject& subject, const Finding* finding, WallTime since, double strength,
              std::vector<Observed>& seen) {
        for (const auto signature : signatures_of(event))
            seen.push_back({.kind = Clue::Kind::signature,
                            .id = classifier.catalogue().signatures()[signature].id,
                            .subject = subject,
                            .since = since,
                            .strength = strength,
                            .finding = finding,
                            .event = &event});
    }
    [[nodiscard]] std::vector<Observed> observe(const View& view, const Now& now);
};

Diagnoser::~Diagnoser() = default;
Diagnoser::Diagnoser(Diagnoser&&) noexcept = default;
Diagnoser& Diagnoser::operator=(Diagnoser&&) noexcept = default;

Diagnoser::Diagnoser(Catalogue catalogue, DiagnoserOptions options)
    : state_(std::make_unique<State>(State{Classifier{std::move(catalogue)}, options, {}, {}, {}, {}})) {}

void Diagnoser::State::remember_explained(std::vector<ranking::Candidate>& candidates, const Now& now) {
    std::erase_if(explained, [&](const auto& one) { return now.wall - one.second > options.effect_outlives_cause; });
    for (auto& candidate : candidates) {
        const std::pair key{candidate.cause->id, candidate.subject};
        if (candidate.explained) {
            if (explained.size() < options.effects_remembered_max || explained.contains(key)) explained[key] = now.wall;
        } else if (const auto known = explained.find(key); known != explained.end()) {
            candidate.explained = candidate.since <= known->second;
        }
        if (candidate.cause->usually_an_effect && now.wall - candidate.since < options.effect_waits_for_cause)
            candidate.explained = true;
    }
}

const Classifier& Diagnoser::classifier() const { return state_->classifier; }

std::vector<Observed> Diagnoser::State::observe(const View& view, const Now& now) {
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
        if (event != nullptr) read(*event, finding.subject, &finding, finding.since, 1, seen);
    }
    for (const auto& symptom : view.symptoms) {
        earliest = std::min(earliest, symptom.since);
        seen.push_back({.kind = Clue::Kind::symptom,
                        .id = symptom.id,
                        .subject = symptom.subject,
                        .since = symptom.since,
                        .symptom = &symptom});
    }
    for (const auto* event : view.timeline.since(earliest - options.change_suspect))
        if (event->kind != "exception" && event->kind != "log")
            seen.push_back({.kind = Clue::Kind::event,
                            .id = event->kind,
                            .subject = event->subject,
                            .since = event->at,
                            .event = event});
    std::size_t logs_read = 0;
    for (const auto* event : view.timeline.since(earliest - log_suspect))
        if (event->kind == "log" && ++logs_read <= logs_read_max)
            read(*event, event->subject, nullptr, event->at, log_strength, seen);
    return seen;
}

std::vector<Diagnosis> Diagnoser::diagnose(const View& whole, const Now& now) {
    const Unplanned unplanned = set_aside_planned(whole.symptoms, whole.findings);
    View view{.series = whole.series,
              .timeline = whole.timeline,
              .topology = whole.topology,
              .symptoms = unplanned.symptoms,
              .findings = unplanned.findings,
              .planned_grace = whole.planned_grace};
    remember_broker_work(whole.findings, now, state_->broker_work);
    if (view.findings.empty() && view.symptoms.empty()) return {};
    const DiagnoserOptions& options = state_->options;
    const std::vector<Observed> seen = state_->observe(view, now);
    auto candidates = ranking::candidates_of(state_->classifier.catalogue(), view, seen);
    ranking::weigh(candidates);
    ranking::explain_away(view, candidates, options.confidence_min);
    state_->remember_explained(candidates, now);
    for (auto& candidate : candidates)
        if (comes_of_broker_work(candidate.cause->id, candidate.subject, candidate.since, now, state_->broker_work))
            candidate.explained = true;
    std::set<Subject> explained;
    for (const auto& candidate : candidates)
        if (candidate.explained && candidate.confidence >= options.confidence_min) explained.insert(candidate.subject);
    std::erase_if(candidates, [](const auto& candidate) { return candidate.explained; });
    const auto blind = blind_targets(view, now);
    std::vector<Diagnosis> out;
    std::vector<Subject> read;  // Subjects whose trace has been read: one reading each.
    for (const auto& candidate : candidates) {
        if (candidate.confidence < options.confidence_min || out.size() >= options.diagnoses_max) continue;
        const bool known =
            std::ranges::any_of(read, [&](const Subject& one) { return ranking::one_trace(one, candidate.subject); });
        if (!candidate.stands && known) continue;
        if (!known && (!candidate.stands || reads_a_trace(candidate))) read.push_back(candidate.subject);
        out.push_back(ranking::report(view, candidate, candidates, blind));
    }
    auto unclear = ranking::abstain(state_->classifier.catalogue(), view, candidates, out, explained, blind);
    out.insert(out.end(), std::make_move_iterator(unclear.begin()), std::make_move_iterator(unclear.end()));
    hint_at_planned(whole, out);
    return out;
}

}  // namespace medic
