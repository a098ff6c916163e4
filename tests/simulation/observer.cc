#include "tests/simulation/observer.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "agent/loop/loop.h"
#include "agent/store/kafka_words.h"
#include "tests/simulation/setting.h"

namespace medic::simulation {
namespace {

constexpr Duration conclusive_after{2'000};
constexpr Duration transaction_max{15 * 60'000};  // Kafka's default: transaction.max.timeout.ms.

Diagnosis diagnosis(std::string cause, Subject subject, std::vector<std::string> remedies,
                    std::map<std::string, std::string> facts) {
    Diagnosis result;
    result.cause = std::move(cause);
    result.side = Side::system;
    result.owner = "platform";
    result.subject = std::move(subject);
    result.confidence = 0.95;
    result.summary = result.cause + " of " + result.subject.name;
    result.remedies = std::move(remedies);
    result.facts = std::move(facts);
    return result;
}

// The others' first: what is known of them is known before this cluster's turn.
std::vector<Diagnosis> with_other_clusters(std::vector<Diagnosis> here) {
    std::vector<Diagnosis> all;
    for (const char* cluster : {"east", "west"})
        for (const Diagnosis& diagnosis : here) {
            all.push_back(diagnosis);
            all.back().subject.cluster = cluster;
        }
    std::ranges::move(here, std::back_inserter(all));
    return all;
}

}  // namespace

void Observer::suspect(Diagnosis suspected, WallTime now, std::vector<Diagnosis>& out) {
    const auto key = suspected.cause + to_string(suspected.subject);
    seen_now_.insert(key);
    const WallTime since = first_seen_.try_emplace(key, now).first->second;
    suspected.since = since;
    if (now - since >= conclusive_after) out.push_back(std::move(suspected));
}

DiagnosisReport Observer::report(WallTime now) {
    DiagnosisReport report;
    report.at = now;
    report.targets_total = 8;
    if (blind) {
        report.blind_targets = {"flink", "connect", "broker-1", "broker-2", "broker-3", "tm-1"};
        return report;
    }
    seen_now_.clear();
    for (const auto& [name, node] : cluster_.nodes) {
        if (node.spare || (node.up && !node.frozen)) continue;
        const std::map<std::string, std::string> facts{{"node", name}, {"taskmanager", name}, {"job", "fleet"}};
        const Subject subject{"lab", "taskmanager", name};
        if (!node.up)
            suspect(diagnosis("flink.taskmanager-lost", subject, {"flink.replace-taskmanager"}, facts), now,
                    report.diagnoses);
        else
            suspect(diagnosis("flink.taskmanager-frozen", subject, {"flink.replace-taskmanager"}, facts), now,
                    report.diagnoses);
    }
    for (const auto& [name, node] : cluster_.nodes) {
        if (node.spare || !node.up || node.frozen || !node.faulty) continue;
        suspect(diagnosis("node.many-faults", {"lab", "node", name}, {"flink.replace-taskmanager", "node.start-again"},
                          {{"node", name},
                           {"role", "taskmanager"},
                           {"serves", "true"},
                           {"taskmanager", name},
                           {"job", "fleet"},
                           {"faults", "6"},
                           {"restarts", "0"}}),
                now, report.diagnoses);
    }
    for (const auto& [name, broker] : cluster_.brokers) {
        if (broker.serves() || broker.stopped_in_order) continue;  // The latter is recognised as planned work.
        const std::string id = name.substr(name.find('-') + 1);
        suspect(diagnosis(broker.up ? "kafka.broker-frozen" : "kafka.broker-lost", {"lab", "broker", id},
                          {"node.start-again"}, {{"node", name}, {"broker", id}}),
                now, report.diagnoses);
    }
    report_connect(now, report.diagnoses);
    if (!cluster_.settings.good() && cluster_.worker.answers())
        suspect(diagnosis("connect.option-invalid", {"lab", "connector", "orders"}, {"connect.roll-back-configuration"},
                          {{"connector", "orders"}}),
                now, report.diagnoses);
    const Subject job{"lab", "job", "fleet"};
    const auto& truth = cluster_.job;
    if (!truth.blocked_by.empty())
        suspect(diagnosis("flink.connector-blocks-restart", job, {"flink.kill-blocking-taskmanager"},
                          {{"node", truth.blocked_by}, {"job", "fleet"}}),
                now, report.diagnoses);
    if (truth.version == "v2" && truth.state != "CANCELED") {
        std::map<std::string, std::string> facts{
            {"job", "fleet"}, {"job_id", truth.id}, {"version", "v2"}, {"first_failure", "NullPointerException"}};
        if (has_good_version) facts["last_good_version"] = "v1";
        suspect(diagnosis("flink.null-dereference", job,
                          {std::string(start_bad_version_remedy), "flink.roll-back", "flink.pause-crash-loop"},
                          std::move(facts)),
                now, report.diagnoses);
    }
    if (cluster_.disk.used > 0.8 * cluster_.disk.total)
        suspect(diagnosis("kafka.disk-nearly-full", {"lab", "log-dir", "2:/data"},
                          {std::string(drop_data_remedy), "kafka.move-replicas", "kafka.grow-storage"},
                          {{"broker", "2"}, {"log_dir", "/data"}, {"node", "broker-2"}, {"topic", "events"}}),
                now, report.diagnoses);
    if (cluster_.leaders.displaced > 0 && cluster_.leaders.out_of_sync == 0 && cluster_.brokers.at("broker-3").in_sync)
        suspect(diagnosis("kafka.leaders-displaced", {"lab", "cluster", "lab"}, {"kafka.elect-preferred-leaders"},
                          {{"brokers", "3"}}),
                now, report.diagnoses);
    // As the collector tells it: not before it is older than any transaction may get.
    if (cluster_.hanging && cluster_.hanging->silent > transaction_max)
        suspect(diagnosis("kafka.hanging-transaction", {"lab", "topic", std::string(named_topic)},
                          {"kafka.abort-hanging-transaction"},
                          {{"topic", std::string(named_topic)},
                           {"transactions", fmt::format("0/7/0/{}/-1", cluster_.hanging->start_offset)}}),
                now, report.diagnoses);
    report_load(now, report.diagnoses);
    report_entries(now, report.diagnoses);
    report_coordinator(now, report.diagnoses);
    report_noise(now, report.diagnoses);
    report_slowness(now, report.diagnoses);
    if (!cluster_.shipments.takes_writes())
        suspect(diagnosis("kafka.writes-refused", {"lab", "topic", std::string(sim::shipments_topic)},
                          {"kafka.restore-configuration"}, {{"topic", std::string(sim::shipments_topic)}}),
                now, report.diagnoses);
    if (everywhere) report.diagnoses = with_other_clusters(std::move(report.diagnoses));
    std::erase_if(first_seen_, [&](const auto& item) { return !seen_now_.contains(item.first); });
    return report;
}

// As the analyzer tells it: of a job that runs, with all that its group is offered.
void Observer::report_load(WallTime now, std::vector<Diagnosis>& out) {
    const auto& truth = cluster_.job;
    if (cluster_.load.fits() || truth.state != "RUNNING" || truth.version == "v2") return;
    suspect(diagnosis("flink.configuration-does-not-fit-load", {"lab", "job", "fleet"}, {"flink.change-configuration"},
                      {{"job", "fleet"},
                       {"job_id", truth.id},
                       {"version", truth.version},
                       {"parallelism_wanted", std::to_string(cluster_.load.needed)},
                       {"group", std::string(sim::job_group)},
                       {"offered_per_second", fmt::format("{:.0f}", cluster_.load.offered())}}),
            now, out);
}

// As the analyzer tells it: a minute after the disk was given up, with the replica that has got furthest.
void Observer::report_entries(WallTime now, std::vector<Diagnosis>& out) {
    constexpr Duration dir_gone_after{60'000};
    const auto& truth = cluster_.entries;
    const auto serving = cluster_.entries_served_by();
    if (!truth.lost_at || now - *truth.lost_at < dir_gone_after || serving.empty()) return;
    const int heir = *std::ranges::max_element(serving, {}, [&](int id) { return truth.end_of(id); });
    const std::string topic(sim::entries_topic);
    suspect(diagnosis("kafka.in-sync-replicas-gone", {"lab", "topic", topic}, {"kafka.elect-unclean"},
                      {{"topic", topic},
                       {"lost_partitions", fmt::format("0/{}/{:.0f}/1=disk", heir, truth.end_of(heir))},
                       {"loss_estimate",
                        fmt::format("partition 0: about {:.0f} records", truth.end_of(1) - truth.end_of(heir))}}),
            now, out);
}

// As the analyzer tells it: after a minute, and only while its broker does all else and nobody moves replicas.
void Observer::report_coordinator(WallTime now, std::vector<Diagnosis>& out) {
    constexpr Duration silent_for{60'000};
    const auto& truth = cluster_.coordinator;
    const int id = truth.leader;
    if (!truth.hangs() || now - truth.hangs_since < silent_for || cluster_.shipments.moving > 0) return;
    const auto& broker = cluster_.brokers.at(fmt::format("broker-{}", id));
    if (!broker.serves() || !broker.in_sync || cluster_.shipments.keeps_waiting(id)) return;
    if (id == 1 && cluster_.producers().idle() < 0.3) return;
    std::string peers;
    for (const int other : truth.replicas)
        if (other != id) peers += (peers.empty() ? "" : ",") + std::to_string(other);
    suspect(diagnosis("kafka.coordinator-stuck",
                      {"lab", "partition", fmt::format("{}-{}", coordinators_topic, truth.partition)},
                      {"kafka.move-group-coordinator"},
                      {{"broker", std::to_string(id)},
                       {"offsets_partition", std::to_string(truth.partition)},
                       {"groups", "audit,billing"},
                       {"peers", peers}}),
            now, out);
}

void Observer::report_connect(WallTime now, std::vector<Diagnosis>& out) {
    const std::map<std::string, std::string> of_worker{{"worker", "connect-1"}, {"node", "connect-1"}};
    if (!cluster_.worker.answers()) {
        auto facts = of_worker;
        facts["sink_tasks"] = "orders/0,orders/1";
        return suspect(diagnosis(cluster_.worker.up ? "connect.worker-frozen" : "connect.worker-lost",
                                 {"lab", "worker", "connect-1"}, {"node.start-again"}, std::move(facts)),
                       now, out);
    }
    // As the analyzer tells it: not while a worker comes or goes.
    if (cluster_.flapping.storms())
        suspect(diagnosis("connect.rebalance-storm", {"lab", "connector", std::string(sim::flapping_connector)},
                          {"connect.isolate-rebalance-storm"},
                          {{"connector", std::string(sim::flapping_connector)},
                           {"rebalances", "8"},
                           {"others", "orders"},
                           {"can_be_stopped", cluster_.flapping.knows_stop ? "true" : "false"}}),
                now, out);
    if (cluster_.sink.stopped) return;
    for (const auto& [number, task] : cluster_.tasks) {
        if (!task.stuck && task.state != "FAILED") continue;
        const auto text = std::to_string(number);
        auto facts = of_worker;
        facts.merge(std::map<std::string, std::string>{{"connector", "orders"}, {"task", text}});
        const Subject subject{"lab", "connector-task", "orders/" + text};
        if (!task.stuck && !cluster_.settings.good()) continue;  // Told of the connector.
        if (task.stuck) {
            suspect(diagnosis("connect.task-stuck", subject, {"connect.replace-stuck-task", "connect.kill-stuck-task"},
                              facts),
                    now, out);
        } else if (number == 0 && cluster_.sink.poison) {
            facts.merge(std::map<std::string, std::string>{{"failing_topic", "events"},
                                                           {"failing_partition", "0"},
                                                           {"failing_offset", std::to_string(*cluster_.sink.poison)},
                                                           {"failing_in", "put"},
                                                           {"failing_records", "1"}});
            suspect(diagnosis("connect.poison-record", subject,
                              {"connect.set-aside-bad-records", "connect.skip-record"}, facts),
                    now, out);
        } else {
            suspect(diagnosis("connect.task-failed", subject, {"connect.restart-task"}, facts), now, out);
        }
    }
}

void Observer::report_noise(WallTime now, std::vector<Diagnosis>& out) {
    constexpr double idle_healthy = 0.3;  // Kafka's documentation of RequestHandlerAvgIdlePercent.
    const sim::SimProducers truth = cluster_.producers();
    if (truth.idle() >= idle_healthy) return;
    suspect(diagnosis("kafka.noisy-client", {"lab", "broker", "1"}, {"kafka.throttle-client"},
                      {{"client", std::string(sim::noisy_client)},
                       {"broker", "1"},
                       {"busy_percent", fmt::format("{:.0f}", 100 * (1 - truth.idle()))},
                       {"bytes_per_second", fmt::format("{:.0f}", truth.taken())},
                       {"broker_bytes_per_second", fmt::format("{:.0f}", truth.taken() + sim::SimProducers::others)},
                       {"producers", std::to_string(sim::SimProducers::count)},
                       {"brokers", "1"}}),
            now, out);
}

// As the analyzer tells it: of one that leads something, with what the others carry.
void Observer::report_slowness(WallTime now, std::vector<Diagnosis>& out) {
    std::vector<int> slow;
    for (const int id : {1, 2, 3})
        if (cluster_.shipments.keeps_waiting(id) && cluster_.brokers.at(fmt::format("broker-{}", id)).serves())
            slow.push_back(id);
    for (const int id : slow) {
        std::string peers, busy;
        for (const int other : {1, 2, 3}) {
            if (other == id) continue;
            peers += (peers.empty() ? "" : ",") + std::to_string(other);
            busy += (busy.empty() ? "" : ",") +
                    (other == 1 ? fmt::format("{:.0f}", 100 * (1 - cluster_.producers().idle())) : std::string("20"));
        }
        suspect(diagnosis("kafka.broker-slow", {"lab", "broker", std::to_string(id)}, {"kafka.demote-slow-broker"},
                          {{"broker", std::to_string(id)},
                           {"measure", "kafka_broker_produce_local_seconds"},
                           {"peers", peers},
                           {"peers_busy_percent", busy},
                           {"moved_busy_percent", "20"},
                           {"others_slow", std::to_string(slow.size() - 1)}}),
                now, out);
    }
}

Facts Observer::answer(const std::vector<FactKey>& keys, WallTime now) {
    Facts facts;
    facts.facts.reserve(keys.size());
    for (const auto& key : keys) {
        if (key == pause_file_key()) {
            facts.facts.push_back({key.subject, key.name, paused_by_file ? 1.0 : 0.0, {}, now});
        } else if (dark) {
            facts.facts.push_back({key.subject, key.name, {}, {}, now});
        } else if (frozen && last_.contains(key)) {
            facts.facts.push_back(last_[key]);
        } else {
            facts.facts.push_back(last_[key] = cluster_.look_up(key, now));
        }
    }
    return facts;
}

OperationsUnderWay Observer::under_way(WallTime now) const {
    OperationsUnderWay result{now, {}};
    if (somebody_at_work) result.operations.push_back({{"lab", "job", "fleet"}, "savepoint", "ann", now});
    ClusterSilences& silences = result.silences.emplace_back();
    silences.cluster = "lab";
    silences.read_at = now;
    if (silenced)
        silences.active.push_back({.kind = Silence::Kind::silence,
                                   .id = "s1",
                                   .by = "ann",
                                   .comment = "new disks",
                                   .since = now,
                                   .until = std::nullopt,
                                   .matchers = {{"cluster", LabelMatcher::Op::equal, "lab"}}});
    return result;
}

ActingAgents Observer::acting_agents() const {
    ActingAgent acting{.ours = agent == Acting::ours};
    if (agent == Acting::another) acting.holder = "the other";
    if (agent == Acting::unknown) acting.problem = "the lease can't be asked for";
    return {{{"lab", acting}}};
}

void Observer::shift(Duration by) {
    for (auto& [key, at] : first_seen_) at = at + by;
    last_.clear();
}

}  // namespace medic::simulation
