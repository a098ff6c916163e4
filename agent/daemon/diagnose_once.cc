#include "agent/daemon/diagnose_once.h"

#include <algorithm>
#include <chrono>
#include <future>

#include "agent/daemon/brain.h"
#include "agent/daemon/doors.h"
#include "agent/daemon/owners.h"
#include "agent/daemon/watcher.h"
#include "agent/world/real/clock.h"
#include "classifiers/diagnosis/planned.h"
#include "remediations/guards/plan_policy.h"
#include "remediations/remedies/remedies.h"

namespace medic {
namespace {

// Of the plan that the agent would make: it may reach more than the diagnosis names.
PolicyDecision decision_on(const Diagnosis& diagnosis, const std::string& remedy, const Policy& policy,
                           const Planner& planner, const PlanningView* known) {
    const auto level = planner.level(remedy, diagnosis.cause);
    if (known == nullptr) return foresee(policy, {remedy, diagnosis, level});
    PlanningView view = *known;
    view.floors = floors(policy, {.remedy = remedy,
                                  .cause = diagnosis.cause,
                                  .cluster = diagnosis.subject.cluster,
                                  .object = {},
                                  .level = level});
    const auto plan = planner.plan(remedy, diagnosis, view);
    return plan ? decide_plan(policy, {*plan, diagnosis, level}) : foresee(policy, {remedy, diagnosis, level});
}

std::string by_itself(const Diagnosis& diagnosis, const Policy& policy, const Planner& planner,
                      const PlanningView* known) {
    if (diagnosis.remedies.empty()) return diagnosis.cause + ": no remedy is known; a person must act";
    const std::string& remedy = diagnosis.remedies.front();
    const PolicyDecision decision = decision_on(diagnosis, remedy, policy, planner, known);
    switch (decision.mode) {
        case Mode::auto_: return remedy + ": the agent would have done it (" + decision.why + ")";
        case Mode::ask: return remedy + ": the agent would have asked first (" + decision.why + ")";
        default: return remedy + ": only proposed (" + decision.why + ")";
    }
}

// What the first remedy of the diagnosis may know, as far as a look tells.
PlanningView view_of(const Diagnosis& diagnosis, const Planner& planner, const std::vector<ClusterInfo>& clusters,
                     const Knowledge& knowledge, WallTime now) {
    PlanningView view;
    view.now = now;
    const auto cluster = std::ranges::find(clusters, diagnosis.subject.cluster, &ClusterInfo::name);
    if (cluster != clusters.end()) view.cluster = *cluster;
    if (diagnosis.remedies.empty()) return view;
    for (const FactKey& key : planner.needs(diagnosis.remedies.front(), diagnosis, view))
        view.facts.push_back(knowledge.fact(key, now));
    return view;
}

// What stays hidden while a target is blind, where its name does not say it.
std::string hidden_by(const Config& config, const std::string& target) {
    for (const ClusterConfig& cluster : config.clusters)
        if (target == cluster.name + "/kafka")
            return "; meanwhile lag, full disks and lost brokers can't be seen, and a fault of Kafka looks like one of "
                   "its clients";
    return "";
}

}  // namespace

DiagnoseResult::Verdict verdict_of(const DiagnoseResult& result) {
    using Verdict = DiagnoseResult::Verdict;
    const auto named = [](const Diagnosis& one) { return !one.abstains(); };
    if (std::ranges::any_of(result.report.diagnoses, named)) return Verdict::problem;
    // An escalated one waits for a person, whether or not its cause was found.
    const auto ails = [&](const OpenIncident& one) {
        return one.state == "escalated" || (one.state != "healed" && named(one.diagnosis));
    };
    if (std::ranges::any_of(result.incidents, ails)) return Verdict::problem;
    // Something is wrong and no cause stands out, or too little was seen to call it healthy.
    if (!result.report.diagnoses.empty() || !result.symptoms.empty() || !result.blind.empty() || result.targets == 0)
        return Verdict::cannot_tell;
    return Verdict::healthy;
}

std::vector<std::string> unobserved(const Config& config) {
    std::vector<std::string> dark;
    for (const ClusterConfig& cluster : config.clusters) {
        const auto say = [&](const std::string& text) { dark.push_back(cluster.name + ": " + text); };
        const auto page = [&](std::string_view kind) {
            return std::ranges::any_of(cluster.pages, [&](const PageConfig& one) { return one.kind == kind; });
        };
        if (!cluster.kafka.bootstrap.empty() && !page("kafka-broker") && cluster.prometheus.url.empty())
            say("brokers' pages are not scraped: an overloaded broker would not be seen; add metrics: {kind: "
                "kafka-broker}");
        if (!cluster.connect_urls.empty() && !page("connect-worker") && cluster.prometheus.url.empty())
            say("the worker's page is not scraped: a task that is RUNNING and moves nothing would not be seen; add "
                "metrics: {kind: connect-worker}");
        if (cluster.kafka.bootstrap.empty())
            say("Kafka is not watched: lag, full disks and lost brokers would not be seen, and a fault of Kafka looks "
                "like one of its clients; add kafka: {bootstrap: [\"HOST:9092\"]}");
        if (cluster.nodes.empty())
            say("no processes are watched: dead and frozen ones can't be told apart; add nodes: […] with drivers");
    }
    return dark;
}

void note_sight(DiagnoseResult& result, const Config& config, const Knowledge& knowledge, WallTime now) {
    for (const std::string& target : knowledge.blind_targets(now))
        result.blind.push_back({target, knowledge.problem(target) + hidden_by(config, target)});
    for (const ClusterConfig& cluster : config.clusters) {
        const std::string target = cluster.name + "/prometheus";
        const bool blind = std::ranges::find(result.blind, target, &BlindSpot::target) != result.blind.end();
        if (const std::string lacks = blind ? "" : knowledge.problem(target); !lacks.empty())
            result.blind.push_back({target, lacks});
    }
    result.targets = knowledge.targets();
    result.unobserved = unobserved(config);
    for (const ClusterSilences& one : knowledge.silences())
        if (!one.problem.empty())
            result.unobserved.push_back(one.cluster + ": Alertmanager can't be read (" + one.problem +
                                        "): it is not known what is silenced, and the agent acts on nothing there");
}

DiagnoseResult result_of(DiagnosisReport report, const std::vector<Symptom>& symptoms, const Config& config,
                         const Knowledge& knowledge, WallTime now) {
    DiagnoseResult result;
    result.report = std::move(report);
    name_owners(config, result.report.diagnoses);
    for (Diagnosis& one : result.report.diagnoses)
        if (one.abstains() && one.owner.empty()) one.owner = people_of(config, one);
    // What planned work explains is told with it, not as a symptom that nobody can explain.
    result.symptoms = set_aside_planned(symptoms, result.report.planned).symptoms;
    note_sight(result, config, knowledge, now);
    const Planner planner(remedies::all_remedies());
    const auto clusters = clusters_of(config);
    for (const Diagnosis& one : result.report.diagnoses)
        result.views.push_back(view_of(one, planner, clusters, knowledge, now));
    return result;
}

void say_by_itself(DiagnoseResult& result, const Policy& policy) {
    const Planner planner(remedies::all_remedies());
    result.by_itself.clear();
    for (std::size_t i = 0; i < result.report.diagnoses.size(); ++i) {
        const Diagnosis& one = result.report.diagnoses[i];
        const PlanningView* known = i < result.views.size() ? &result.views[i] : nullptr;
        const bool told =
            std::ranges::any_of(result.incidents, [&](const OpenIncident& incident) { return incident.is_of(one); });
        result.by_itself.push_back(one.abstains() || told ? "" : by_itself(one, policy, planner, known));
    }
}

struct Look::State {
    explicit State(DiagnoseOptions options_in)
        : options(std::move(options_in)), fetcher(reactor, {.access = access_of(options.config)}) {}

    DiagnoseOptions options;
    std::unique_ptr<Brain> brain;
    Reactor reactor;
    HttpFetcher fetcher;
    Knowledge knowledge{options.config};
    Worker ingest{"ingest", 8'192};
    Watcher watcher{{options.config, reactor, fetcher, ingest, knowledge}};
    Worker io{"io", 1};
    DiagnosisReport report;  // The ingest thread's.
    WallTime since;
    std::promise<void> looked;
    std::shared_future<void> has_looked = looked.get_future().share();
};

Look::Look(std::unique_ptr<State> state) : state_(std::move(state)) {}

Look::~Look() {
    state_->reactor.stop();
    state_->io.stop();
    state_->watcher.stop();
    state_->ingest.stop();
}

Result<std::unique_ptr<Look>> Look::start(DiagnoseOptions options) {
    auto made = std::make_unique<State>(std::move(options));
    State& state = *made;
    const Config& config = state.options.config;
    BrainOptions brain_options = brain_options_of(config, state.options.rules_directory);
    // There may be no later look that could tell the cause.
    brain_options.diagnoser.effect_waits_for_cause = Duration{0};
    MEDIC_TRY(state.brain, Brain::make(brain_options));
    state.watcher.prepare();
    state.reactor.every(config.intervals.evaluate, config.intervals.evaluate, [&state] {
        (void)state.ingest.post([&state] {
            const Now now = read_clock();
            state.knowledge.tick_lateness(0, now.wall);
            state.report = state.brain->evaluate(state.knowledge, now);
        });
    });
    constexpr Duration forget_every{60'000};
    state.reactor.every(forget_every, forget_every,
                        [&state] { (void)state.ingest.post([&state] { state.knowledge.forget(read_clock().wall); }); });
    state.since = read_clock().wall;
    state.watcher.start();
    state.reactor.after(state.options.look_for, [&state] { state.looked.set_value(); });
    (void)state.io.post([&state] { state.reactor.run(); });
    return std::unique_ptr<Look>(new Look(std::move(made)));
}

bool Look::has_looked() const {
    return state_->has_looked.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void Look::wait_until_looked() const { state_->has_looked.wait(); }

DiagnoseResult Look::result() {
    State& state = *state_;
    std::promise<DiagnoseResult> made;
    auto ready = made.get_future();
    state.ingest.post_waiting([&] {
        DiagnoseResult result = result_of(state.report, state.brain->rules().symptoms(), state.options.config,
                                          state.knowledge, read_clock().wall);
        result.seen_by.since = state.since;
        made.set_value(std::move(result));
    });
    DiagnoseResult result = ready.get();
    say_by_itself(result, state.options.policy);
    result.verdict = verdict_of(result);
    return result;
}

Snapshot Look::snapshot(const SnapshotOptions& bounds) {
    std::promise<Snapshot> made;
    auto ready = made.get_future();
    state_->ingest.post_waiting([&] { made.set_value(snapshot_of(state_->knowledge, read_clock().wall, bounds)); });
    return ready.get();
}

Result<DiagnoseResult> diagnose_once(DiagnoseOptions options) {
    MEDIC_TRY(const auto look, Look::start(std::move(options)));
    look->wait_until_looked();
    return look->result();
}

}  // namespace medic
