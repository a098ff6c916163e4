#include "tests/simulation/planned_hour.h"

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

#include "agent/daemon/brain.h"
#include "agent/loop/loop.h"
#include "agent/world/sim/seeded.h"

namespace medic::simulation {
namespace {

constexpr int hour_s = 3'600, look_every_s = 2, warm_up_s = 60;
constexpr int session_s = 9;  // Kafka's default: broker.session.timeout.ms.
constexpr int brokers = 3, managers = 3, workers = 2;

struct Node {
    bool up = true, clean = true;
    int gone_at = 0;
    std::optional<int> back_at;
    // The cluster still counts it as a member.
    [[nodiscard]] bool counted(int s) const { return up || (!clean && s - gone_at < session_s); }
};

class Hour {
public:
    explicit Hour(const PlannedHourOptions& options) : given_(options), chance_(options.seed), knowledge_(config()) {
        auto brain = Brain::make({.rules_directory = {}, .remedies = {}, .cluster_default = "lab"});
        if (!brain) throw std::runtime_error(brain.error().message);
        brain_ = *std::move(brain);
        knowledge_.expect("lab/all", "lab", Duration{look_every_s * 1'000});
    }
    PlannedHourResult play() {
        Loop loop({}, {});
        for (int s = 0; s < hour_s; s += look_every_s) {
            operate(s);
            knowledge_.apply(look(s));
            const Now now{Instant{Duration{s * 1'000}}, at(s)};
            auto report = brain_->evaluate(knowledge_, now);
            if (!report.planned.empty()) ++result_.recognised;
            const Input inputs[] = {knowledge_.operations(now.wall), std::move(report)};
            static_cast<void>(loop.tick(now, inputs));
        }
        for (const auto& incident : loop.incidents()) {
            ++result_.incidents;
            result_.story +=
                fmt::format("{} {} at {} s: {}\n", incident.diagnosis.cause, to_string(incident.diagnosis.subject),
                            (incident.opened_at - at(0)).count() / 1'000, incident.diagnosis.summary);
        }
        return std::move(result_);
    }

private:
    static const Config& config() {
        static const Config made = [] {
            Config config;
            config.clusters.emplace_back().name = "lab";
            return config;
        }();
        return made;
    }
    static WallTime at(int s) { return {1'700'000'000'000 + s * std::int64_t{1'000}}; }
    void operate(int s);
    void begin(int s);
    void stop(const std::string& name, int s, int away);
    Observation look(int s);
    void look_at_kafka(Observation& seen, int s);
    void look_at_flink(Observation& seen);
    void look_at_connect(Observation& seen, int s);

    PlannedHourOptions given_;
    sim::Seeded chance_;
    Knowledge knowledge_;
    std::unique_ptr<Brain> brain_;
    PlannedHourResult result_;
    std::map<std::string, Node> nodes_;
    std::set<std::string> left_;  // Taken out for good.
    std::vector<Event> events_;
    std::string job_ = "RUNNING", connector_ = "RUNNING";
    int job_back_at_ = 0, connector_back_at_ = 0, next_at_ = warm_up_s, rolling_ = 0;
    bool killed_ = false;
};

void Hour::stop(const std::string& name, int s, int away) {
    Node& node = nodes_[name];
    node = {.up = false, .clean = true, .gone_at = s, .back_at = s + away};
    events_.push_back({.at = at(s),
                       .subject = {"lab", "node", name},
                       .kind = "clean-stop",
                       .text = "RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.",
                       .fields = {{"node", name}},
                       .id = fmt::format("{}/{}", name, s)});
}

void Hour::begin(int s) {
    const auto away = static_cast<int>(chance_.between(10, 120));
    const auto kind = chance_.between(0, 5);
    const char* names[] = {"roll",       "restart-taskmanager", "restart-worker",
                           "deployment", "pause-connector",     "scale-down"};
    if (kind == 5 && !left_.empty()) return;
    ++result_.work[names[kind]];
    if (kind == 0) {
        rolling_ = brokers;
    } else if (kind == 1) {
        stop(fmt::format("tm-{}", chance_.between(1, managers - 1)), s, away);
    } else if (kind == 2) {
        stop(fmt::format("w-{}", chance_.between(1, workers)), s, away);
    } else if (kind == 3) {
        job_ = chance_.chance(50) ? "FINISHED" : "CANCELED";
        job_back_at_ = s + away;
    } else if (kind == 4) {
        connector_ = "PAUSED";
        connector_back_at_ = s + away;
    } else {  // For good, so it is told beforehand.
        const auto name = fmt::format("tm-{}", managers);
        events_.push_back({.at = at(s),
                           .subject = {"lab", "node", name},
                           .kind = "maintenance",
                           .text = "fewer task managers",
                           .fields = {{"until_ms", std::to_string(at(2 * hour_s).unix_ms)}, {"by", "ann"}},
                           .id = "scale-down"});
        stop(name, s, 2 * hour_s);
        left_.insert(name);
    }
}

void Hour::operate(int s) {
    bool busy = rolling_ > 0 || job_ != "RUNNING" || connector_ != "RUNNING";
    for (auto& [name, node] : nodes_) {
        if (!node.up && node.back_at && s >= *node.back_at) {
            node.up = true;
            next_at_ = s + static_cast<int>(chance_.between(4, 90));
        }
        busy = busy || (!node.up && !left_.contains(name));
    }
    if (job_ != "RUNNING" && s >= job_back_at_) job_ = "RUNNING";
    if (connector_ != "RUNNING" && s >= connector_back_at_) connector_ = "RUNNING";
    if (given_.kill && !killed_ && s >= hour_s / 2 && !busy) {
        killed_ = true;
        nodes_["broker-2"] = {.up = false, .clean = false, .gone_at = s, .back_at = s + 120};
        return;
    }
    if (s < next_at_ || s > hour_s - 600) return;
    const bool away =
        std::ranges::any_of(nodes_, [&](const auto& one) { return !one.second.up && !left_.contains(one.first); });
    if (away) return;
    if (rolling_ > 0)
        stop(fmt::format("broker-{}", rolling_--), s, static_cast<int>(chance_.between(10, 120)));
    else if (!busy)
        begin(s), next_at_ = s + static_cast<int>(chance_.between(4, 90));
}

void Hour::look_at_kafka(Observation& seen, int s) {
    for (int i = 1; i <= brokers; ++i) {
        const auto id = std::to_string(i), name = "broker-" + id;
        const Node& node = nodes_[name];
        const std::vector<LabelPair> broker{{"cluster", "lab"}, {"broker", id}};
        seen.sample("kafka_broker_up", broker, node.counted(s) ? 1 : 0);
        seen.sample("kafka_broker_reachable", broker, node.up ? 1 : 0);
        seen.sample("kafka_broker_partitions", broker, 3);
        seen.sample("kafka_broker_leaders", broker, node.counted(s) ? 1 : 0);
        seen.relations.push_back({{"lab", "broker", id}, "hosted-by", {"lab", "node", name}});
        const std::vector<LabelPair> partition{{"cluster", "lab"}, {"topic", "orders"}, {"partition", id}};
        seen.sample("kafka_partition_leader", partition, node.counted(s) ? i : i % brokers + 1);
        seen.sample("kafka_partition_replicas", partition, brokers);
        int in_sync = 0;
        for (int k = 1; k <= brokers; ++k) in_sync += nodes_[fmt::format("broker-{}", k)].counted(s) ? 1 : 0;
        seen.sample("kafka_partition_in_sync_replicas", partition, in_sync);
    }
    seen.attributes[{"lab", "topic", "orders"}]["min.insync.replicas"] = "2";
}

void Hour::look_at_flink(Observation& seen) {
    seen.sample("flink_jobmanager_reachable", {{"cluster", "lab"}}, 1);
    for (int i = 1; i <= managers; ++i) {
        const auto name = fmt::format("tm-{}", i);
        seen.sample("flink_taskmanager_registered", {{"cluster", "lab"}, {"taskmanager", name}},
                    nodes_[name].up ? 1 : 0);
    }
    for (const char* state : {"RUNNING", "FINISHED", "CANCELED"})
        seen.sample("flink_job_state", {{"cluster", "lab"}, {"job", "fleet"}, {"state", state}}, job_ == state ? 1 : 0);
}

void Hour::look_at_connect(Observation& seen, int s) {
    for (int i = 1; i <= workers; ++i) {
        const auto id = std::to_string(i), name = "w-" + id;
        seen.sample("connect_worker_reachable", {{"cluster", "lab"}, {"worker", name}}, nodes_[name].up ? 1 : 0);
        const bool runs = nodes_[name].counted(s);
        for (const char* state : {"RUNNING", "UNASSIGNED", "PAUSED"}) {
            const bool is = state == std::string(!runs ? "UNASSIGNED" : connector_ == "RUNNING" ? "RUNNING" : "PAUSED");
            seen.sample("connect_task_state",
                        {{"cluster", "lab"}, {"connector", "pump"}, {"task", id}, {"state", state}, {"worker", name}},
                        is ? 1 : 0);
        }
    }
    for (const char* state : {"RUNNING", "PAUSED"})
        seen.sample("connect_connector_state",
                    {{"cluster", "lab"}, {"connector", "pump"}, {"state", state}, {"worker", "w-1"}},
                    connector_ == state ? 1 : 0);
}

Observation Hour::look(int s) {
    Observation seen;
    seen.target = "lab/all";
    seen.at = at(s);
    look_at_kafka(seen, s);
    look_at_flink(seen);
    look_at_connect(seen, s);
    const auto process = [&](const std::string& name, const char* role) {
        seen.sample("process_up", {{"cluster", "lab"}, {"node", name}, {"role", role}}, nodes_[name].up ? 1 : 0);
        seen.attributes[{"lab", "node", name}] = {{"role", role}, {"spare", "false"}};
    };
    for (int i = 1; i <= brokers; ++i) process(fmt::format("broker-{}", i), "broker");
    for (int i = 1; i <= managers; ++i) process(fmt::format("tm-{}", i), "taskmanager");
    for (int i = 1; i <= workers; ++i) process(fmt::format("w-{}", i), "connect-worker");
    seen.events = std::exchange(events_, {});
    return seen;
}

}  // namespace

PlannedHourResult planned_hour(const PlannedHourOptions& options) { return Hour(options).play(); }

}  // namespace medic::simulation
