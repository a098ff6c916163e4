#include "agent/world/sim/cluster.h"

#include <algorithm>
#include <array>

#include "agent/base/flink_state.h"
#include "agent/store/kafka_words.h"

namespace medic::sim {
namespace {

// Topics whose leaders go by the order of their replicas.
bool is_ordered(const std::string& topic) { return topic == shipments_topic || topic == coordinators_topic; }

constexpr int free_slots = 8;             // More than any job of a run asks for.
constexpr int task_managers_needed = 2;   // The job's slots fill two of them.
constexpr Duration restart_delay{1'000};  // Flink's default: restart-strategy.fixed-delay.delay.
constexpr double records_per_second = 1'000;
constexpr double idle_healthy = 0.3;       // Kafka's documentation of RequestHandlerAvgIdlePercent.
constexpr Duration broker_session{9'000};  // Kafka's default: broker.session.timeout.ms.
constexpr Duration catches_up_in{8'000};
constexpr std::int64_t in_sync_min = 2;
constexpr std::string_view leaders_of = "broker-3";

template <class... Fs>
struct Overload : Fs... {
    using Fs::operator()...;
};

}  // namespace

std::string_view to_string(Passage passage) {
    constexpr std::array names{"passage-fine",    "reply-lost",    "reply-late",  "reply-doubled",
                               "outcome-unknown", "never-arrives", "unavailable", "says-done-does-nothing"};
    return names[static_cast<std::size_t>(passage)];
}

SimCluster::SimCluster(std::uint64_t seed) : chance_(seed), slowness_(seed ^ 0x736C6F77) {
    for (const char* name : {"tm-1", "tm-2"}) nodes[name] = {};
    for (const char* name : {"tm-3", "tm-4"}) nodes[name] = {.spare = true};
    for (const char* name : {"broker-1", "broker-2", "broker-3"}) brokers[name] = {};
    tasks[0] = tasks[1] = {};
}

void SimCluster::send(Operation operation) {
    if (!keys_.insert(operation.key).second) return;
    Passage passage = Passage::fine;
    if (chance_.chance(bad_passage_percent)) passage = static_cast<Passage>(chance_.between(1, 7));
    ++passages[std::string(to_string(passage))];
    due_.push_back({now_ + Duration{chance_.between(50, 2'000)}, std::move(operation), passage, now_});
}

int SimCluster::active_nodes() const {
    return static_cast<int>(std::ranges::count_if(
        nodes, [](const auto& item) { return item.second.up && !item.second.frozen && !item.second.spare; }));
}

// The job's slots are dealt out to it as to any other, and what gets one there fails.
bool SimCluster::node_fails_tasks() const {
    return std::ranges::any_of(nodes, [](const auto& item) {
        return item.second.up && !item.second.frozen && !item.second.spare && item.second.faulty;
    });
}

bool SimCluster::healthy() const {
    const bool tasks_fine = std::ranges::all_of(
        tasks, [](const auto& item) { return item.second.state == "RUNNING" && !item.second.stuck; });
    const bool job_fine = job.ended_by_person_at || (job.state == "RUNNING" && job.version != "v2");
    const bool brokers_fine =
        std::ranges::all_of(brokers, [](const auto& item) { return item.second.serves() && item.second.in_sync; });
    return tasks_fine && settings.good() && job_fine && brokers_fine && disk.used < 0.8 * disk.total &&
           leaders.displaced == 0 && worker.answers() && !sink.stopped && !sink.poison && flapping.state == "RUNNING" &&
           !flapping.storms() && producers().idle() >= idle_healthy && !hanging && shipments.takes_writes() &&
           entries.leader >= 0 && !coordinator.hangs() && load.fits() &&
           std::ranges::none_of(std::array{1, 2, 3}, [&](int id) { return shipments.keeps_waiting(id); });
}

SimProducers SimCluster::producers() const {
    SimProducers now{.offered = noise};
    const auto quota = quotas.find(quota_key({"", "client", std::string(noisy_client)}, "producer_byte_rate"));
    if (quota != quotas.end()) now.quota = quota->second;
    return now;
}

double SimProducers::taken() const {
    const double allowed = quota > 0 ? std::min(offered, quota) : offered;
    return std::min(allowed, bearable - others);
}

void SimCluster::restart_broker(Duration catches_up_for) {
    leaders.displaced = leaders.out_of_sync = leaders.preferred;
    leaders.in_sync_at = now_ + catches_up_for;
}

void SimCluster::leave_transaction_open(Duration silent) {
    if (!hanging) hanging = {payments_end++, silent};
}

bool SimCluster::can_spare(const std::string& broker) const {
    if (!brokers.at(broker).in_sync) return true;
    return std::ranges::count_if(
               brokers, [&](const auto& item) { return item.first != broker && item.second.in_sync; }) >= in_sync_min;
}

// Who is away for a session's length, or signs off, falls out of sync; who is back is in sync once it has caught up.
void SimCluster::replicate(Duration by) {
    for (auto& [name, broker] : brokers) {
        const bool settled = broker.serves() == broker.in_sync;
        broker.lasts = settled ? Duration{0} : broker.lasts + by;
        if (settled) continue;
        if (broker.serves() ? broker.lasts >= catches_up_in : broker.stopped_in_order || broker.lasts >= broker_session)
            broker.in_sync = broker.serves();
    }
}

bool SimCluster::end_job(WallTime now) {
    if (is_terminal_job_state(job.state)) return false;
    job.state = "CANCELED";
    job.live = 0;
    job.ended_by_person_at = now;
    return true;
}

void SimCluster::start_job_again() {
    if (!job.ended_by_person_at) return;
    job.ended_by_person_at.reset();
    if (!is_terminal_job_state(job.state)) return;
    const bool being_started = std::ranges::any_of(
        due_, [](const Due& due) { return std::holds_alternative<StartDeployment>(due.operation.body); });
    if (being_started && !drivers_look) return;
    job.state = "RUNNING";
    job.live = 1;
    job.id = "j" + std::to_string(++job.started);
}

void SimCluster::live_on(Duration by) {
    const double seconds = static_cast<double>(by.count()) / 1000;
    connector_lives_on(seconds);
    replicate(by);
    lead_shipments();
    entries_live_on(seconds);
    coordinator_lives_on();
    if (shipments.takes_writes()) shipments.end_offset += seconds;
    disk.used = std::min(disk.total, disk.used + disk.growth_per_second * seconds);
    if (now_ >= leaders.in_sync_at) leaders.out_of_sync = 0;
    if (hanging) hanging->silent += by;
    if (job.state != "RUNNING") job.savepoint_ends.reset();  // It failed with the job.
    if (job.savepoint_ends && now_ >= *job.savepoint_ends) end_with_savepoint();
    if (is_terminal_job_state(job.state)) return;
    const bool can_run = active_nodes() >= task_managers_needed && job.blocked_by.empty() && !node_fails_tasks();
    if (job.state == "RUNNING" && (!can_run || job.version == "v2")) {
        job.state = "RESTARTING";
        job.restart_at = now_ + restart_delay;
        ++job.restarts;
    } else if (job.state == "RESTARTING" && can_run && now_ >= job.restart_at) {
        if (job.version != "v2") {
            job.state = "RUNNING";
        } else {  // It fails again on its first record.
            ++job.restarts;
            job.restart_at = now_ + restart_delay;
        }
    } else if (job.state == "RUNNING") {
        job.records += records_per_second * seconds * job.live;
        load.committed += load.carried() * seconds;
    }
}

void SimCluster::set_clock(Duration by) {
    if (now_.unix_ms != 0) now_ = now_ + by;
    for (auto& due : due_) due.at = due.at + by, due.sent_at = due.sent_at + by;
    for (auto& answer : replies_) answer.at = answer.at + by;
    job.restart_at = job.restart_at + by;
    leaders.in_sync_at = leaders.in_sync_at + by;
    settings.changed_at = settings.changed_at + by;
    shipments.changed_at = shipments.changed_at + by;
    worker.session_ends = worker.session_ends + by;
    coordinator.hangs_since = coordinator.hangs_since + by;
    if (coordinator.ends_at) coordinator.ends_at = *coordinator.ends_at + by;
    if (entries.lost_at) entries.lost_at = *entries.lost_at + by;
    if (entries.comes_back_at) entries.comes_back_at = *entries.comes_back_at + by;
    if (job.ended_by_person_at) job.ended_by_person_at = *job.ended_by_person_at + by;
    if (job.savepoint_ends) job.savepoint_ends = *job.savepoint_ends + by;
}

std::vector<OperationReply> SimCluster::advance(WallTime now) {
    const Duration by = now - now_;
    const bool begins = now_.unix_ms == 0;
    now_ = now;
    if (!begins) live_on(by);
    std::vector<Due> ready;
    std::erase_if(due_, [&](const Due& due) { return due.at <= now_ && (ready.push_back(due), true); });
    for (const auto& due : ready) carry_out(due);
    std::vector<OperationReply> arrived;
    std::erase_if(replies_,
                  [&](const Answer& answer) { return answer.at <= now_ && (arrived.push_back(answer.reply), true); });
    return arrived;
}

void SimCluster::carry_out(const Due& due) {
    const std::string& key = due.operation.key;
    // Who is asked and does nothing has no answer that could be told from a lie.
    const bool asked = std::holds_alternative<VerifyDeployment>(due.operation.body);
    const bool effect = due.passage != Passage::never_arrives && due.passage != Passage::unavailable &&
                        (asked || due.passage != Passage::says_done_does_nothing);
    Result<std::string> outcome = effect ? apply(due.operation.body) : Result<std::string>("done");
    executed.push_back({key, due.operation.body, due.sent_at, now_, effect});
    const auto answer = [&](Duration after, Result<std::string> detail) {
        replies_.push_back({now_ + after, {key, std::move(detail)}});
    };
    switch (due.passage) {
        case Passage::reply_lost: return;
        case Passage::never_arrives: return;
        case Passage::unavailable: return answer(Duration{0}, fail(ErrorCode::unavailable, "connection refused"));
        case Passage::outcome_unknown: return answer(Duration{0}, fail(ErrorCode::outcome_unknown, "time-out"));
        case Passage::reply_late: return answer(Duration{30'000}, std::move(outcome));
        case Passage::reply_doubled: answer(Duration{500}, outcome); [[fallthrough]];
        default: return answer(Duration{0}, std::move(outcome));
    }
}

// One in eight writes so much state that the request is over long before it.
Result<std::string> SimCluster::stop_job(const StopJobWithSavepoint& op) {
    if (job.savepoint_ends) ++job.stops_during_savepoint;
    if (op.job_id != job.id || job.state != "RUNNING" || job.savepoint_ends)
        return fail(ErrorCode::invalid, "not running");
    job.savepoint_to = op.target_directory + "/savepoint-" + job.id;
    if (slowness_.chance(12)) {
        job.savepoint_ends = now_ + Duration{slowness_.between(70'000, 200'000)};
        ++passages["savepoint-outlasts-request"];
        return fail(ErrorCode::outcome_unknown, "the savepoint was not complete in time");
    }
    end_with_savepoint();
    return job.savepoint;
}

void SimCluster::end_with_savepoint() {
    job.savepoint_ends.reset();
    job.state = "FINISHED", job.live = 0;
    job.savepoint = job.savepoint_to;
}

Result<std::string> SimCluster::apply(const OperationBody& body) {
    if (auto applied = apply_to_worker(body)) return *std::move(applied);
    if (auto applied = apply_to_connect(body)) return *std::move(applied);
    return std::visit(
        Overload{[&](const KillNode& op) -> Result<std::string> {
                     if (const auto broker = brokers.find(op.node); broker != brokers.end()) {
                         broker->second.up = broker->second.frozen = broker->second.stopped_in_order = false;
                         return "killed";
                     }
                     SimNode& node = nodes[op.node];
                     node.up = node.frozen = node.faulty = false;
                     if (job.blocked_by == op.node) job.blocked_by.clear();
                     return "killed";
                 },
                 [&](const StopNode& op) -> Result<std::string> {
                     if (const auto broker = brokers.find(op.node); broker != brokers.end()) {
                         if (broker->second.frozen) return fail(ErrorCode::outcome_unknown, "it does not stop");
                         broker->second.stopped_in_order = broker->second.up;
                         broker->second.up = false;
                         return "stopped";
                     }
                     SimNode& node = nodes[op.node];
                     if (node.frozen) return fail(ErrorCode::outcome_unknown, "it does not stop");
                     node.up = node.faulty = false;
                     if (job.blocked_by == op.node) job.blocked_by.clear();
                     return "stopped";
                 },
                 [&](const StartNode& op) -> Result<std::string> {
                     if (const auto broker = brokers.find(op.node); broker != brokers.end()) {
                         if (!broker->second.up) broker->second.up = true, broker->second.frozen = false;
                         broker->second.stopped_in_order = false;
                         return "started";
                     }
                     SimNode& node = nodes[op.node];
                     node.spare = op.as_spare;
                     if (!node.up) node.up = true, node.frozen = false;
                     return "started";
                 },
                 [&](const CancelJob& op) -> Result<std::string> {
                     if (op.job_id != job.id) return fail(ErrorCode::invalid, "no such job");
                     if (!is_terminal_job_state(job.state)) job.state = "CANCELED", job.live = 0;
                     return "cancelled";
                 },
                 [&](const StopJobWithSavepoint& op) { return stop_job(op); },
                 [&](const StartDeployment& op) -> Result<std::string> {
                     if (op.restore_from.empty()) return fail(ErrorCode::invalid, "would start empty");
                     if (drivers_look && job.live > 0) return fail(ErrorCode::not_ready, "it runs already");
                     ++job.live;
                     job.id = "j" + std::to_string(++job.started);
                     job.version = op.version;
                     job.state = "RUNNING";
                     load.parallelism = op.parallelism > 0 ? op.parallelism : SimLoad::usual;
                     job.restarts = 0;
                     job.ended_by_person_at.reset();
                     return job.id;
                 },
                 [](const VerifyDeployment& op) -> Result<std::string> {
                     if (op.version == unloadable_version) return fail(ErrorCode::invalid, "it does not load");
                     return "plan: it loads\nstate: it takes all";
                 },
                 [&](const GrowStorage& op) -> Result<std::string> {
                     disk.total = std::max(disk.total, static_cast<double>(op.bytes));
                     return "grown";
                 },
                 [&](const AlterReassignments& op) -> Result<std::string> {
                     if (!op.moves.empty() && is_ordered(op.moves.front().topic)) return reorder(op);
                     if (!op.moves.empty() && op.moves.front().topic == entries_topic) return reorder_entries(op);
                     disk.used /= 2;  // Half of its replicas go where there is room.
                     return "moved";
                 },
                 [&](const ElectLeaders& op) -> Result<std::string> {
                     if (!op.partitions.empty() && is_ordered(op.partitions.front().topic))
                         return elect_for_shipments(op);
                     if (leaders.out_of_sync > 0 || !brokers.at(std::string(leaders_of)).in_sync)
                         return fail(ErrorCode::unavailable, "PREFERRED_LEADER_NOT_AVAILABLE");
                     leaders.displaced = std::max(0, leaders.displaced - static_cast<int>(op.partitions.size()));
                     return "elected";
                 },
                 [&](const AlterClientQuota& op) -> Result<std::string> {
                     if (op.client_id.empty() == op.user.empty())
                         return fail(ErrorCode::invalid, "INVALID_REQUEST: one client or one user");
                     const Subject whose{"", op.user.empty() ? "client" : "user", op.client_id + op.user};
                     for (const auto& [key, value] : op.set) {
                         if (value)
                             quotas[quota_key(whose, key)] = *value;
                         else
                             quotas.erase(quota_key(whose, key));
                     }
                     return "changed";
                 },
                 [&](const AlterConfigs& op) -> Result<std::string> { return set_topic(op); },
                 [&](const ElectUncleanLeader& op) { return elect_unclean(op); },
                 [&](const RescaleJob& op) { return rescale(op); },
                 [&](const AbortTransaction& op) -> Result<std::string> {
                     if (!hanging || hanging->start_offset != op.start_offset)
                         return fail(ErrorCode::outdated, "it is not open any more");
                     hanging.reset();
                     return "aborted";
                 },
                 [](const auto&) -> Result<std::string> { return fail(ErrorCode::invalid, "not simulated"); }},
        body);
}

Fact SimCluster::look_up_broker(Fact fact) const {
    const bool of_node = fact.subject.kind == "node";
    const std::string node = of_node ? fact.subject.name : "broker-" + fact.subject.name;
    const auto found = brokers.find(node);
    if (found == brokers.end()) return fact;
    const SimBroker& broker = found->second;
    if (of_node) {
        if (fact.name == "process_up") fact.value = broker.up ? 1 : 0;
        if (fact.name == "broker") fact.text = node.substr(node.find('-') + 1);
        return fact;
    }
    if (fact.name == "kafka_broker_reachable") fact.value = broker.serves() ? 1 : 0;
    if (fact.name == "kafka_broker_request_handler_idle_ratio" && node == "broker-1") fact.value = producers().idle();
    const bool leads = node == leaders_of;
    if (fact.name == "kafka_broker_replicas_out_of_sync")
        fact.value = (broker.in_sync ? 0 : 1) + (leads ? leaders.out_of_sync : 0);
    // Displaced are those that it could lead.
    const int displaced = leads && broker.in_sync && leaders.out_of_sync == 0 ? leaders.displaced : 0;
    if (fact.name == "kafka_broker_leaders_displaced" && leads) fact.value = displaced;
    for (int i = 0; fact.name == "displaced_partitions" && i < displaced; ++i)
        fact.text += (i == 0 ? "events:" : ",") + std::to_string(i);
    if (fact.name == "kafka_broker_needed_by")
        fact.text = can_spare(node) ? std::string(needed_by_nothing) : "below min.insync.replicas without it: t-0";
    return look_up_shipments(node.back() - '0', std::move(fact));
}

Fact SimCluster::look_up_payments(Fact fact) const {
    const Subject partition = partition_subject(fact.subject.cluster, "payments", 0);
    if (fact.subject == partition && fact.name == last_stable_offset)
        fact.value = static_cast<double>(hanging ? hanging->start_offset : payments_end);
    if (hanging && fact.subject == transaction_subject(partition, 7, 0, hanging->start_offset) &&
        fact.name == "kafka_partition_hanging_transaction_seconds")
        fact.value = static_cast<double>(hanging->silent.count()) / 1'000;
    return fact;
}

Fact SimCluster::look_up(const FactKey& key, WallTime now) const {
    Fact fact{key.subject, key.name, {}, {}, now};
    const std::string& kind = key.subject.kind;
    if (key.name.starts_with(quota_prefix)) {
        const auto set = quotas.find({{"", kind, key.subject.name}, key.name});
        fact.text = no_quota;
        if (set != quotas.end()) fact.value = set->second, fact.text = fmt::format("{}", set->second);
        return fact;
    }
    if (kind == "group" && key.subject.name == job_group) {
        if (key.name == "kafka_group_committed_offset") fact.value = load.committed;
        return fact;
    }
    if (kind == "connector" || kind == "connector-task" || kind == "worker" || kind == "group" ||
        (kind == "node" && key.subject.name == worker_name))
        return look_up_connect(std::move(fact));
    if (kind == "client" && key.name == "kafka_client_produce_bytes_per_second") {
        fact.value = producers().taken();
    } else if (kind == "node" || kind == "taskmanager") {
        const auto node = nodes.find(key.subject.name);
        if (node == nodes.end()) return look_up_broker(std::move(fact));
        if (key.name == "process_up") fact.value = node->second.up ? 1 : 0;
        if (key.name == "spare") fact.value = node->second.spare ? 1 : 0;
        if (key.name == "taskmanager") fact.text = node->first;
        if (key.name == "flink_taskmanager_registered") fact.value = node->second.up && !node->second.frozen ? 1 : 0;
    } else if (kind == "broker") {
        return look_up_broker(std::move(fact));
    } else if (kind == "replica" ||
               key.subject == partition_subject(key.subject.cluster, std::string(entries_topic), 0) ||
               (kind == "topic" && key.subject.name == entries_topic)) {
        return look_up_entries(std::move(fact));
    } else if (kind == "partition" && key.subject.name.starts_with(coordinators_topic)) {
        return look_up_coordinator(std::move(fact));
    } else if (kind == "partition" && key.subject.name.starts_with(shipments_topic)) {
        return look_up_order(std::move(fact));
    } else if (kind == "topic" && key.subject.name == shipments_topic) {
        return look_up_settings(std::move(fact));
    } else if (kind == "partition" || kind == "transaction") {
        return look_up_payments(std::move(fact));
    } else if (kind == "cluster" && key.name == "kafka_cluster_partitions_reassigning") {
        fact.value = shipments.moving;
    } else if (kind == "cluster" && key.name == "kafka_quorum_leader") {
        fact.value = 1;
    } else if (kind == "cluster" && key.name == "flink_jobmanager_reachable") {
        fact.value = 1;
    } else if (kind == "cluster" && key.name == "flink_taskmanager_free_slots") {
        fact.value = free_slots;
    } else if (kind == "job") {
        return look_up_job(std::move(fact));
    } else if (kind == "log-dir") {
        if (key.name == "kafka_log_dir_total_bytes") fact.value = disk.total;
        if (key.name == "kafka_log_dir_usable_bytes") fact.value = disk.total - disk.used;
    }
    return fact;
}

}  // namespace medic::sim
