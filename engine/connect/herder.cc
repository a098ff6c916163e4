#include "engine/connect/herder.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "engine/common/log.h"
#include "engine/connect/herder_internal.h"
#include "engine/connect/plugin.h"

namespace medic::engine::connect {
namespace {

std::unexpected<Refusal> refuse(int status, std::string message) {
    return std::unexpected(Refusal{status, std::move(message)});
}

Refusal invalid_config(const std::vector<std::string>& errors) {
    std::string text =
        fmt::format("Connector configuration is invalid and contains the following {} error(s):", errors.size());
    for (const auto& error : errors) text += "\n" + error;
    text +=
        "\nYou can also find the above list of errors at the endpoint "
        "`/connector-plugins/{connectorType}/config/validate`";
    return {400, text};
}

}  // namespace

Herder::Herder(HerderOptions options)
    : options_(std::move(options)), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Herder::~Herder() { close(wake_fd_); }

void Herder::wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake_fd_, &one, sizeof one);
}

Status Herder::load() {
    MEDIC_TRY(const auto stored, load_connectors(options_.data_dir));
    const std::lock_guard lock(mutex_);
    for (const auto& [name, entry] : stored) {
        Connector& connector = connectors_[name];
        connector.stored = entry;
        spread_tasks(name, connector);
    }
    ++rebalances_;  // It joins its group.
    return {};
}

// Makes slots match the configuration and the target state; every task that should run is (re)started.
void Herder::spread_tasks(const std::string& name, Connector& connector) {
    ++connector_starts_;
    const Plugin* plugin = find_plugin(text_option(connector.stored.config, "connector.class"));
    if (!plugin) {  // Only after an upgrade that dropped a connector: REST refuses unknown classes.
        ++connector_start_failures_;
        connector.state = State::failed;
        connector.trace =
            "org.apache.kafka.connect.errors.ConnectException: Failed to find any class that implements Connector and "
            "which name matches " +
            text_option(connector.stored.config, "connector.class") + "\n";
        return;
    }
    connector.type = plugin->type;
    connector.state = connector.stored.target;
    connector.trace.clear();
    const int count = connector.stored.target == State::stopped ? 0 : task_count(*plugin, connector.stored.config);
    retire(connector.tasks, count);
    for (int task = 0; task < count; ++task) {
        TaskSlot& slot = connector.tasks[task];
        slot.key = {name, task};
        want(slot, State::unassigned);
    }
}

// The group of one worker: it completes at once. Eagerly, all that runs is stopped for it and started again.
void Herder::rebalance(const std::string& because_of) {
    ++rebalances_;
    if (options_.protocol != Protocol::eager) return;
    for (auto& [name, connector] : connectors_)
        if (name != because_of && connector.stored.target != State::stopped) spread_tasks(name, connector);
}

void Herder::want(TaskSlot& slot, State restart_state) {
    slot.wanted = ++wishes_;
    if (!slot.process) slot.state = restart_state;
    wake();
}

// Takes the tasks from number `first` on out of their connector; the supervisor stops them.
void Herder::retire(std::map<int, TaskSlot>& tasks, int first) {
    while (!tasks.empty() && tasks.rbegin()->first >= first) {
        auto last = std::prev(tasks.end());
        last->second.should_run = false;
        last->second.wanted = ++wishes_;
        retired_.push_back(std::move(last->second));
        tasks.erase(last);
    }
    wake();
}

Answer<void> Herder::save() {
    std::map<std::string, StoredConnector> stored;
    for (const auto& [name, connector] : connectors_) stored[name] = connector.stored;
    if (const auto saved = save_connectors(options_.data_dir, stored); !saved)
        return refuse(500, saved.error().message);
    return {};
}

std::vector<std::string> Herder::connectors() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, connector] : connectors_) names.push_back(name);
    return names;
}

Answer<ConnectorInfo> Herder::info(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = connectors_.find(name);
    if (found == connectors_.end()) return refuse(404, "Connector " + name + " not found");
    ConnectorInfo info{name, found->second.stored.config, {}, found->second.type};
    for (const auto& [task, slot] : found->second.tasks) info.tasks.push_back(task);
    return info;
}

ConnectorStatus Herder::status_of(const std::string& name, const Connector& connector) const {
    ConnectorStatus status{name, connector.state, connector.trace, {}, connector.type};
    for (const auto& [task, slot] : connector.tasks)
        status.tasks.push_back({task, slot.state, slot.trace, slot.process ? slot.process->id.pid : 0});
    return status;
}

Answer<ConnectorStatus> Herder::status(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = connectors_.find(name);
    if (found == connectors_.end()) return refuse(404, "No status found for connector " + name);
    return status_of(name, found->second);
}

Answer<std::vector<std::string>> Herder::topics(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = connectors_.find(name);
    if (found == connectors_.end()) return refuse(404, "Connector " + name + " not found");
    std::set<std::string> topics;
    for (const auto& [task, slot] : found->second.tasks) topics.insert(slot.topics.begin(), slot.topics.end());
    return std::vector<std::string>(topics.begin(), topics.end());
}

WorkerSnapshot Herder::snapshot() const {
    const std::lock_guard lock(mutex_);
    WorkerSnapshot snapshot;
    snapshot.connectors = static_cast<int>(connectors_.size());
    snapshot.connector_starts = connector_starts_;
    snapshot.connector_start_failures = connector_start_failures_;
    snapshot.task_starts = task_starts_;
    snapshot.task_start_failures = task_start_failures_;
    snapshot.rebalances = rebalances_;
    for (const auto& [name, connector] : connectors_)
        for (const auto& [task, slot] : connector.tasks) snapshot.tasks.push_back({slot.key, slot.state, slot.metrics});
    return snapshot;
}

Answer<Herder::Put> Herder::put(const std::string& name, Config config, IfThere if_there, State target) {
    config["name"] = name;
    if (const auto errors = validate(config); !errors.empty()) return std::unexpected(invalid_config(errors));
    const std::lock_guard lock(mutex_);
    const bool there = connectors_.contains(name);
    if (there && if_there == IfThere::refuse) return refuse(409, "Connector " + name + " already exists");
    const std::optional<StoredConnector> before = there ? std::optional(connectors_[name].stored) : std::nullopt;
    Connector& connector = connectors_[name];
    connector.stored.config = std::move(config);
    if (!there) connector.stored.target = target;
    if (auto saved = save(); !saved) {
        if (before)
            connector.stored = *before;
        else
            connectors_.erase(name);
        return std::unexpected(saved.error());
    }
    spread_tasks(name, connector);
    // Its tasks have other configurations now; a stopped one has no tasks, and of it nobody hears.
    const bool changed = !before || before->config != connector.stored.config;
    if (changed && connector.stored.target != State::stopped) rebalance(name);
    return there ? Put::updated : Put::created;
}

Answer<void> Herder::remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = connectors_.find(name);
    if (found == connectors_.end()) return refuse(404, "Connector " + name + " not found");
    retire(found->second.tasks, 0);
    connectors_.erase(found);
    rebalance(name);
    return save();
}

Answer<void> Herder::set_target(const std::string& name, State target) {
    const std::lock_guard lock(mutex_);
    const auto found = connectors_.find(name);
    if (found == connectors_.end()) return refuse(404, "Unknown connector " + name);
    Connector& connector = found->second;
    const State before = connector.stored.target;
    connector.stored.target = target;
    if (auto saved = save(); !saved) {
        connector.stored.target = before;
        return saved;
    }
    if (before == State::stopped || target == State::stopped) {
        if (before == target) return {};
        spread_tasks(name, connector);
        rebalance(name);
        return {};
    }
    if (connector.state != State::failed) connector.state = target;
    for (auto& [task, slot] : connector.tasks)
        if (slot.process && slot.process->link_open)
            slot.process->link->send(target == State::paused ? R"({"t":"pause"})" : R"({"t":"resume"})");
    return {};
}

Answer<void> Herder::restart_task(const TaskKey& key) {
    std::unique_lock lock(mutex_);
    const auto found = connectors_.find(key.connector);
    if (found == connectors_.end()) return refuse(404, "Unknown connector: " + key.connector);
    const auto task = found->second.tasks.find(key.task);
    if (task == found->second.tasks.end()) return refuse(404, "Unknown task: " + to_string(key));
    want(task->second, State::restarting);
    const std::uint64_t wish = task->second.wanted;
    // Looked up each time: the connector may be removed meanwhile.
    const auto is_settled = [&] {
        if (stopping_) return true;
        const auto connector = connectors_.find(key.connector);
        if (connector == connectors_.end()) return true;
        const auto slot = connector->second.tasks.find(key.task);
        if (slot == connector->second.tasks.end()) return true;
        return slot->second.settled >= wish;
    };
    if (!settled_.wait_for(lock, options_.graceful + Duration{5'000}, is_settled))
        return refuse(500, "Request timed out");
    if (stopping_) return refuse(503, "Worker is stopping");
    return {};
}

Answer<ConnectorStatus> Herder::restart_connector(const std::string& name, const Restart& what) {
    const std::lock_guard lock(mutex_);
    const auto found = connectors_.find(name);
    if (found == connectors_.end()) return refuse(404, "Unknown connector: " + name);
    Connector& connector = found->second;
    ConnectorStatus status = status_of(name, connector);
    if (!what.only_failed || connector.state == State::failed) {
        ++connector_starts_;
        connector.state = connector.stored.target;
        status.state = State::restarting;
    }
    for (auto& [task, slot] : connector.tasks) {
        if (!what.include_tasks || (what.only_failed && slot.state != State::failed)) continue;
        want(slot, State::restarting);
        for (auto& entry : status.tasks)
            if (entry.id == task) entry.state = State::restarting;
    }
    return status;
}

}  // namespace medic::engine::connect
