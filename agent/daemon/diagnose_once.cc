#include "agent/daemon/diagnose_once.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "agent/daemon/brain.h"
#include "agent/daemon/doors.h"
#include "agent/daemon/owners.h"
#include "agent/daemon/watcher.h"
#include "agent/world/real/clock.h"
#include "classifiers/diagnosis/planned.h"
#include "remediations/remedies/remedies.h"

namespace medic {
namespace {

std::string by_itself(const Diagnosis& diagnosis, const Policy& policy, const Planner& planner) {
    if (diagnosis.remedies.empty()) return diagnosis.cause + ": no remedy is known; a person must act";
    const std::string& remedy = diagnosis.remedies.front();
    const PolicyDecision decision = decide(policy, {.remedy = remedy,
                                                    .cause = diagnosis.cause,
                                                    .cluster = diagnosis.subject.cluster,
                                                    .object = diagnosis.subject.kind + ":" + diagnosis.subject.name,
                                                    .level = planner.level(remedy, diagnosis.cause)});
    switch (decision.mode) {
        case Mode::auto_: return remedy + ": the agent would have done it (" + decision.why + ")";
        case Mode::ask: return remedy + ": the agent would have asked first (" + decision.why + ")";
        default: return remedy + ": only proposed (" + decision.why + ")";
    }
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
}

Result<DiagnoseResult> diagnose_once(DiagnoseOptions options) {
    BrainOptions brain_options{
        .rules_directory = options.rules_directory,
        .remedies = {},
        .cluster_default = options.config.clusters.size() == 1 ? options.config.clusters[0].name : "",
        .interval = options.config.intervals.evaluate,
        .planned_grace = options.config.intervals.planned_grace,
        .diagnoser = {.effect_waits_for_cause = Duration{0}}};  // There is no later look that could tell the cause.
    MEDIC_TRY(const auto brain, Brain::make(brain_options));
    const Config& config = options.config;
    Reactor reactor;
    HttpFetcher fetcher(reactor, {.access = access_of(config)});
    Knowledge knowledge(config);
    Worker ingest("ingest", 8'192);
    Watcher watcher({config, reactor, fetcher, ingest, knowledge});
    watcher.prepare();

    DiagnoseResult result;
    reactor.every(config.intervals.evaluate, config.intervals.evaluate, [&] {
        (void)ingest.post([&] {
            const Now now = read_clock();
            knowledge.tick_lateness(0, now.wall);
            result.report = brain->evaluate(knowledge, now);
            name_owners(config, result.report.diagnoses);
            for (Diagnosis& one : result.report.diagnoses)
                if (one.abstains() && one.owner.empty()) one.owner = people_of(config, one);
            // What planned work explains is told with it, not as a symptom that nobody can explain.
            result.symptoms = set_aside_planned(brain->rules().symptoms(), result.report.planned).symptoms;
        });
    });
    watcher.start();
    reactor.after(options.look_for, [&] { reactor.stop(); });
    reactor.run();
    watcher.stop();
    ingest.stop();

    const WallTime end = read_clock().wall;
    note_sight(result, config, knowledge, end);
    const Planner planner(remedies::all_remedies());
    for (const Diagnosis& diagnosis : result.report.diagnoses)
        result.by_itself.push_back(diagnosis.abstains() ? "" : by_itself(diagnosis, options.policy, planner));
    result.verdict = verdict_of(result);
    return result;
}

}  // namespace medic
