// The simulated Connect: one worker, one sink connector, its group.
#include <algorithm>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/base/connector_settings.h"
#include "agent/store/connect_words.h"
#include "agent/world/sim/cluster.h"

namespace medic::sim {
namespace {

constexpr double records_per_second = 1'000;
constexpr Duration consumer_session{45'000};  // Kafka's default: session.timeout.ms.
constexpr Duration longest_poll{5 * 60'000};  // Kafka's default: max.poll.interval.ms.
const PartitionName partition{.topic = "events", .partition = 0};

ConnectorSettings settings_of(const std::string& hash) {
    ConnectorSettings settings{.kept = {{"name", "orders"}, {"topics", "events"}}};
    if (hash == SimSettings::one_by_one()) settings.kept["consumer.override.max.poll.records"] = "1";
    return settings;
}

std::string hash_with(const std::map<std::string, std::string>& more) {
    ConnectorSettings settings{.kept = {{"name", "orders"}, {"topics", "events"}}};
    settings.kept.insert(more.begin(), more.end());
    return hash_of(settings);
}

}  // namespace

const std::string& SimSettings::in_batches() {
    static const std::string hash = hash_with({});
    return hash;
}

const std::string& SimSettings::one_by_one() {
    static const std::string hash = hash_with({{"consumer.override.max.poll.records", "1"}});
    return hash;
}

void SimCluster::change_settings(WallTime now) {
    settings = {
        .now = "bad-" + std::to_string(settings.changes + 1), .changes = settings.changes + 1, .changed_at = now};
}

void SimCluster::poison_record(std::int64_t ahead) {
    if (!sink.poison) sink.poison = sink.committed + ahead;
}

bool SimCluster::worker_is_well() const {
    return worker.answers() && std::ranges::none_of(tasks, [](const auto& task) { return task.second.stuck; });
}

void SimCluster::lose_worker() {
    if (worker.up) worker.dead_members = static_cast<int>(tasks.size()), worker.session_ends = now_ + consumer_session;
    worker.up = worker.frozen = false;
}

// As Connect does: a task that does not end is left behind, and the next one starts beside it.
void SimCluster::restart(SimTask& task) {
    if (task.stuck) {
        if (task.in_group) ++worker.dead_members, worker.session_ends = now_ + longest_poll;
        task.stuck = task.stuck_again;
    }
    task.state = "RUNNING";
    task.in_group = true;
}

// Of the dead all; of the living those that the request names. Who lives and does not hang joins again at once.
void SimCluster::remove_members(const RemoveGroupMembers& removal) {
    worker.dead_members = 0;
    for (auto& [number, task] : tasks)
        for (const GroupMembers& one : removal.of)
            if (std::ranges::find(one.client_ids, fmt::format("connector-consumer-orders-{}", number)) !=
                one.client_ids.end())
                task.in_group = !task.stuck;
}

void SimCluster::connector_lives_on(double seconds) {
    if (now_ >= worker.session_ends) worker.dead_members = 0;
    if (!worker.answers() || sink.stopped || flapping.storms()) return;
    for (auto& [number, task] : tasks) {
        if (!settings.good() && !task.stuck) task.state = "FAILED";
        if (task.state != "RUNNING" || task.stuck || worker.dead_members > 0) continue;
        if (number == 0 && sink.poison && *sink.poison >= sink.committed) {
            // What came in its batch is not committed; read record by record, all before it is.
            if (settings.now == SimSettings::one_by_one()) sink.committed = *sink.poison;
            task.state = "FAILED";
            continue;
        }
        task.records += records_per_second * seconds;
        if (number != 0) continue;
        sink.poison.reset();
        sink.committed += static_cast<std::int64_t>(records_per_second * seconds);
    }
}

Result<std::string> SimCluster::change_back(const ChangeConnectorConfiguration& op) {
    if (settings.now == op.to) return "it has these settings already";
    if (settings.now != op.from) return fail(ErrorCode::not_ready, "it has other settings");
    settings.now = op.to;
    return "changed";
}

Result<std::string> SimCluster::alter(const AlterConnectorOffset& op) {
    if (!sink.stopped) return fail(ErrorCode::invalid, "HTTP status 400: it must be in the STOPPED state");
    if (tasks[0].stuck || worker.dead_members > 0)
        return fail(ErrorCode::outcome_unknown, "HTTP status 500: its tasks have not stopped completely");
    if (sink.committed == op.to) return "it stands there already";
    if (sink.committed != op.from) return fail(ErrorCode::not_ready, "its group stands elsewhere");
    sink.committed = op.to;
    return "altered";
}

Result<std::string> SimCluster::resume() {
    if (sink.stopped)
        for (auto& [number, task] : tasks)
            if (!task.stuck) task.state = "RUNNING";
    sink.stopped = false;
    return "accepted";
}

// nullopt: it is not about that connector.
std::optional<Result<std::string>> SimCluster::apply_to_flapping(const OperationBody& body) {
    const auto* stop = std::get_if<StopConnector>(&body);
    const auto* pause = std::get_if<PauseConnector>(&body);
    const auto* go_on = std::get_if<ResumeConnector>(&body);
    const std::string& name = stop != nullptr    ? stop->connector
                              : pause != nullptr ? pause->connector
                              : go_on != nullptr ? go_on->connector
                                                 : std::string();
    if (name != flapping_connector) return std::nullopt;
    if (!worker.answers()) return fail(ErrorCode::unavailable, "connection refused");
    if (stop != nullptr && !flapping.knows_stop) return fail(ErrorCode::invalid, "HTTP status 404");
    flapping.state = stop != nullptr ? "STOPPED" : pause != nullptr ? "PAUSED" : "RUNNING";
    return "accepted";
}

// nullopt: it is nothing of Connect's REST API.
std::optional<Result<std::string>> SimCluster::apply_to_connect(const OperationBody& body) {
    if (auto applied = apply_to_flapping(body)) return *std::move(applied);
    const auto* kill = std::get_if<KillConnectorTask>(&body);
    const auto* task = std::get_if<RestartConnectorTask>(&body);
    const auto* all = std::get_if<RestartConnector>(&body);
    const auto* change = std::get_if<ChangeConnectorConfiguration>(&body);
    const auto* offset = std::get_if<AlterConnectorOffset>(&body);
    const bool stop = std::holds_alternative<StopConnector>(body),
               go_on = std::holds_alternative<ResumeConnector>(body);
    if (kill == nullptr && task == nullptr && all == nullptr && change == nullptr && offset == nullptr && !stop &&
        !go_on)
        return std::nullopt;
    if (!worker.answers()) return fail(ErrorCode::unavailable, "connection refused");
    if (sink.stopped && (kill != nullptr || task != nullptr))
        return fail(ErrorCode::invalid, "HTTP status 404: no such task");
    if (kill != nullptr) tasks[kill->task] = {.state = "FAILED", .records = tasks[kill->task].records};
    if (task != nullptr) restart(tasks[task->task]);
    if (all != nullptr)
        for (auto& [number, one] : tasks)
            if (all->include_tasks && one.state == "FAILED" && !sink.stopped) one.state = "RUNNING";
    if (change != nullptr) return change_back(*change);
    if (offset != nullptr) return alter(*offset);
    if (stop) sink.stopped = true;
    if (go_on) return resume();
    return "accepted";
}

// nullopt: it is not about the worker's node or its group.
std::optional<Result<std::string>> SimCluster::apply_to_worker(const OperationBody& body) {
    if (const auto* kill = std::get_if<KillNode>(&body); kill != nullptr && kill->node == worker_name) {
        lose_worker();
        return "killed";
    }
    if (const auto* start = std::get_if<StartNode>(&body); start != nullptr && start->node == worker_name) {
        if (!worker.up)
            for (auto& [number, task] : tasks) task = {};
        worker.up = true;
        return "started";
    }
    if (const auto* removal = std::get_if<RemoveGroupMembers>(&body); removal != nullptr) {
        remove_members(*removal);
        return "removed";
    }
    return std::nullopt;
}

Fact SimCluster::look_up_connect(Fact fact) const {
    const std::string& kind = fact.subject.kind;
    if (kind == "node") {
        if (fact.name == "process_up") fact.value = worker.up ? 1 : 0;
        if (fact.name == "spare") fact.value = 0;
    } else if (kind == "worker") {
        if (fact.name == "connect_worker_reachable") fact.value = worker.answers() ? 1 : 0;
    } else if (kind == "group") {
        const auto members = std::ranges::count_if(tasks, [](const auto& task) { return task.second.in_group; });
        const bool there = worker.frozen || (worker.answers() && !sink.stopped);
        if (fact.name == "kafka_group_members")
            fact.value = static_cast<double>(there ? members : 0) + worker.dead_members;
        if (fact.name == "kafka_group_lag_records") fact.value = records_per_second;
    } else if (kind == "connector-task" && fact.name == runs_on) {
        if (!worker.answers())
            fact.text = no_worker_answers;
        else if (!sink.stopped)
            fact.text = worker_name;
    } else if (!worker.answers()) {
        return fact;
    } else if (kind == "connector") {
        return look_up_connector(std::move(fact));
    } else if (!sink.stopped) {
        const auto& task = tasks.at(fact.subject.name == "orders/0" ? 0 : 1);
        if (fact.name == "connect_task_state") fact.value = 1, fact.text = task.state;
        if (fact.name == "connect_task_records_total") fact.value = task.records;
    }
    return fact;
}

Fact SimCluster::look_up_connector(Fact fact) const {
    if (fact.subject.name == flapping_connector) {
        if (fact.name == "connect_connector_state") fact.value = 1, fact.text = flapping.state;
        return fact;
    }
    const bool failed = std::ranges::any_of(tasks, [](const auto& task) { return task.second.state == "FAILED"; });
    if (fact.name == "type") fact.text = "sink";
    if (fact.name == "configuration") fact.text = settings.now;
    if (fact.name == "settings" && failed && settings.good()) {
        const ConnectorSettings now = settings_of(settings.now);
        fact.text = nlohmann::json{{"kept", now.kept}, {"withheld", now.withheld}}.dump();
    }
    if (fact.name == "connect_connector_state") fact.value = 1, fact.text = sink.stopped ? "STOPPED" : "RUNNING";
    if (fact.name == "state_of_all")
        fact.text = sink.stopped ? "no tasks" : failed ? "FAILED" : flapping.storms() ? "UNASSIGNED" : "RUNNING";
    if (fact.name == committed_key({}, partition).name)
        fact.value = static_cast<double>(sink.committed), fact.text = std::to_string(sink.committed);
    if (fact.name == "settings_change" && !settings.good())
        fact.text = R"({"from":")" + settings.now + R"(","to":")" + SimSettings::in_batches() +
                    R"(","back":{"topics":"a"},"forth":{"topics":"b"},)" +
                    R"("tasks":2,"changes":1,"worked":true,"withheld":[],"withheld_known":true,"changed_at":)" +
                    std::to_string(settings.changed_at.unix_ms) + "}";
    return fact;
}

}  // namespace medic::sim
