#include "agent/collectors/process/process.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "agent/base/due.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/collectors/json_internal.h"
#include "agent/collectors/process/proc_internal.h"

namespace medic {

using namespace json_read;

// One line of /proc/PID/stat, in the units of the series.
struct ProcessCollector::Stat {
    char state = '?';
    double cpu_seconds = 0, start_ticks = 0, resident_bytes = 0;
};

namespace {

// Two clocks are compared (the kernel's ticks since boot and the driver's): differences below this are rounding.
constexpr double start_time_tolerance_s = 2.5;
constexpr Duration host_every{5'000};
// Who ends for want of room is to be told so before he is started again in vain: broker_silence waits for two seconds.
constexpr Duration disks_every{1'000};
// Nobody waits for longer for the driver's word of how a process ended: it takes a fraction of a second as a rule.
constexpr Duration end_awaited_max{3'000};

std::vector<LabelPair> node_labels(const std::string& cluster, const WatchedNode& node) {
    return {{"cluster", cluster}, {"node", node.name}, {"role", node.role}};
}

}  // namespace

ProcessCollectorOptions process_options_of(const ClusterConfig& cluster) {
    ProcessCollectorOptions options{.cluster = cluster.name, .target = cluster.name + "/process", .nodes = {}};
    options.ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    options.page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
    for (const NodeConfig& node : cluster.nodes) {
        if (node.driver.kind == NodeDriverConfig::Kind::agent) continue;
        const auto status = node.driver.commands.find("status");
        options.nodes.push_back({node.name, node.role, node.zone, node.spare,
                                 status == node.driver.commands.end() ? std::vector<std::string>{} : status->second,
                                 node.driver.timeout, node.disks});
    }
    return options;
}

ProcessCollector::ProcessCollector(ProcessCollectorOptions options) : options_(std::move(options)) {
    boot_time_ = proc_read::boot_time(options_.proc).value_or(0);
}

std::optional<ProcessCollector::Stat> ProcessCollector::read_stat(int pid) const {
    const auto fields = proc_read::stat_fields(options_.proc, pid);
    if (!fields) return std::nullopt;
    Stat stat;
    stat.state = fields->state;
    stat.cpu_seconds = (fields->user_ticks + fields->system_ticks) / options_.ticks_per_second;
    stat.start_ticks = fields->start_ticks;
    stat.resident_bytes = fields->resident_pages * options_.page_bytes;
    // A zombie is an entry in a table, not a process that could do anything.
    if (stat.state == 'Z' || stat.state == 'X') return std::nullopt;
    return stat;
}

// By the wall clock; nullopt: it is another process than the one that the driver speaks of. The kernel tells ticks
// since the boot, and when that was by the present clock. A driver may go by the clock as it was before it was set.
std::optional<double> ProcessCollector::started(const Stat& stat, const std::optional<double>& said) const {
    const double since_boot = stat.start_ticks / options_.ticks_per_second;
    const double booted = proc_read::boot_time(options_.proc).value_or(boot_time_);
    if (!said || *said <= 0) return booted + since_boot;
    for (const double boot_time : {booted, boot_time_})
        if (std::abs(boot_time + since_boot - *said) <= start_time_tolerance_s) return boot_time + since_boot;
    return std::nullopt;
}

void ProcessCollector::note_end(Known& known, WallTime at) const {
    if (known.pid == 0) return;
    const auto stat = read_stat(known.pid);
    if (stat && stat->start_ticks == known.start_ticks) return;
    known.pid = 0;
    known.stopped_in_order.reset();  // What was said while it ran.
    known.asked_at = {};             // Ask the driver at once: it may have been restarted under another pid.
    known.ended_at = at;
    known.ports.clear();
}

std::vector<StatusAsk> ProcessCollector::due(WallTime at) {
    std::vector<StatusAsk> asks;
    for (const WatchedNode& node : options_.nodes) {
        if (node.status_command.empty()) continue;
        Known& known = known_[node.name];
        note_end(known, at);  // How it ended is asked in the same look that finds it gone.
        if (known.asked) continue;
        const Duration wait = known.pid != 0 ? options_.status_every : options_.status_retry;
        if (!is_due(known.asked_at, wait, at)) continue;
        known.asked = true;
        known.asked_at = at;
        asks.push_back({node.name, node.status_command, node.status_timeout});
    }
    return asks;
}

void ProcessCollector::answer(const std::string& node, const Result<std::string>& output, WallTime at) {
    Known& known = known_[node];
    known.asked = false;
    known.asked_at = at;
    known.ended_at.reset();
    if (!output) {
        // The pid stays: what /proc says of it is not worse for the driver's silence.
        known.problem = output.error().message;
        return;
    }
    std::optional<double> said_start;
    int pid = 0;
    known.tasks.clear();
    known.stopped_in_order.reset();
    if (const auto systemd = output->find("MainPID="); systemd != std::string::npos) {
        pid = std::atoi(output->c_str() + systemd + 8);
        // A unit whose process was killed or failed is `failed`, or `activating` where it is started again.
        if (pid == 0 && (output->contains("ActiveState=inactive") || output->contains("ActiveState=deactivating")))
            known.stopped_in_order = true;
        else if (pid == 0 && output->contains("ActiveState="))
            known.stopped_in_order = false;
    } else {
        const Json document = foreign_json(*output);
        if (!document.is_object()) {
            known.problem = "its status command printed no JSON object";
            return;
        }
        pid = static_cast<int>(integer(document, "pid").value_or(0));
        said_start = number(document, "start_time");
        if (const auto spare = boolean(document, "spare")) known.spare = spare;
        if (const auto order = boolean(document, "stopped_in_order")) known.stopped_in_order = order;
        for (const Json& task : array(document, "tasks"))
            if (const auto number = integer(task, "task"); number && !text(task, "connector").empty())
                known.tasks.push_back({text(task, "connector"), std::to_string(*number),
                                       static_cast<int>(integer(task, "pid").value_or(0))});
    }
    known.told = true;
    known.problem.clear();
    if (pid != known.pid) known.detailed_at = known.ports_at = known.children_at = {};
    take_process(known, pid, said_start);
}

// A process is itself as long as pid and start ticks are the same: what time it was started at changes with the clock.
void ProcessCollector::take_process(Known& known, int pid, const std::optional<double>& said_start) const {
    const auto stat = pid > 0 ? read_stat(pid) : std::nullopt;
    const bool same = stat && pid == known.pid && stat->start_ticks == known.start_ticks;
    if (same && said_start == known.said_start) return;
    const auto start_time = stat ? started(*stat, said_start) : std::nullopt;
    known.pid = start_time ? pid : 0;
    known.said_start = said_start;
    if (!start_time || same) return;
    known.start_ticks = stat->start_ticks;
    known.start_time = *start_time;
}

void ProcessCollector::details(Known& known, WallTime at) {
    // A young process is still opening its ports.
    constexpr double young_s = 30;
    constexpr Duration young_every{2'000};
    const double age_s = static_cast<double>(at.unix_ms) / 1000 - known.start_time;
    const bool young = age_s > -start_time_tolerance_s && age_s < young_s;
    if (!is_due(known.detailed_at, young ? young_every : options_.details_every, at)) return;
    known.detailed_at = at;
    const auto open = proc_read::descriptors(options_.proc, known.pid);
    known.descriptors = open ? std::optional(static_cast<double>(open->count)) : std::nullopt;
    if (!open || !is_due(known.ports_at, young ? young_every : options_.ports_every, at)) return;
    known.ports_at = at;
    known.ports.clear();
    for (const int port : proc_read::listening_ports(options_.proc, known.pid, open->socket_inodes)) {
        if (!known.ports.empty()) known.ports += ',';
        known.ports += std::to_string(port);
    }
}

// The list of children is read anew when one of them has ended, or from time to time.
void ProcessCollector::children(Known& known, WallTime at) {
    const bool all_there = !known.children.empty() &&
                           std::ranges::all_of(known.children, [&](int child) { return read_stat(child).has_value(); });
    if (all_there && !is_due(known.children_at, options_.details_every, at)) return;
    known.children_at = at;
    known.children = proc_read::children(options_.proc, known.pid);
}

void ProcessCollector::node(Observation& observation, const WatchedNode& node, WallTime at) {
    Known& known = known_[node.name];
    auto& attributes = observation.attributes[{options_.cluster, "node", node.name}];
    attributes = {
        {"role", node.role}, {"zone", node.zone}, {"spare", known.spare.value_or(node.spare) ? "true" : "false"}};
    if (node.status_command.empty()) return;
    note_end(known, at);
    const auto stat = known.pid != 0 ? read_stat(known.pid) : std::nullopt;
    if (!stat && !known.told)
        return observation.lacks(node.name + ": " + (known.problem.empty() ? "not asked yet" : known.problem));
    const auto labels = node_labels(options_.cluster, node);
    observation.sample("process_up", labels, stat ? 1 : 0);
    if (!stat && known.stopped_in_order)
        observation.sample("process_stopped_in_order", labels, *known.stopped_in_order ? 1 : 0);
    if (!stat)
        observation.sample("process_end_awaited", labels,
                           known.ended_at && !is_due(*known.ended_at, end_awaited_max, at));
    if (!stat) return;
    details(known, at);
    if (node.role == "connect-worker") children(known, at);
    observation.sample("process_cpu_seconds_total", labels, stat->cpu_seconds);
    observation.sample("process_resident_memory_bytes", labels, stat->resident_bytes);
    observation.sample("process_start_time_seconds", labels, known.start_time);
    observation.sample("process_stopped", labels, stat->state == 'T' || stat->state == 't' ? 1 : 0);
    if (known.descriptors) observation.sample("process_open_file_descriptors", labels, *known.descriptors);
    attributes["pid"] = std::to_string(known.pid);
    attributes["ports"] = known.ports;
    tasks(observation, node, known);
}

// Where a worker runs its tasks as processes: which child is which task says the driver, or the child's own arguments.
void ProcessCollector::tasks(Observation& observation, const WatchedNode& node, Known& known) const {
    if (node.role != "connect-worker") return;
    std::vector<Task> all = known.tasks;
    for (const int child : known.children) {
        if (std::ranges::find(all, child, &Task::pid) != all.end()) continue;
        const auto arguments = proc_read::arguments(options_.proc, child);
        const auto after = [&](std::string_view flag) {
            const auto found = std::ranges::find(arguments, flag);
            return found == arguments.end() || found + 1 == arguments.end() ? std::string() : *(found + 1);
        };
        Task task{after("--connector"), after("--task"), child};
        if (task.connector.empty() || task.task.empty()) continue;
        std::erase_if(all, [&](const Task& old) { return old.connector == task.connector && old.task == task.task; });
        all.push_back(std::move(task));
    }
    for (const Task& task : all) {
        const auto stat = task.pid > 0 ? read_stat(task.pid) : std::nullopt;
        if (!stat) continue;
        // The node's name stands for the worker here; agent/daemon puts the worker's own id in its place when it knows
        // it.
        observation.sample(
            "connect_task_process_cpu_seconds_total",
            {{"cluster", options_.cluster}, {"connector", task.connector}, {"task", task.task}, {"worker", node.name}},
            stat->cpu_seconds);
        observation.attributes[{options_.cluster, "connector-task", task.connector + "/" + task.task}] = {
            {"pid", std::to_string(task.pid)}, {"node", node.name}, {"process_state", std::string(1, stat->state)}};
    }
}

void ProcessCollector::host(Observation& observation) {
    const std::vector<LabelPair> labels = {{"cluster", options_.cluster}, {"node", "agent-host"}};
    // The kernel counts through every interrupt for this: now and then is enough for a starved machine to show.
    if (is_due(host_at_, host_every, observation.at)) {
        host_at_ = observation.at;
        const auto cpu = proc_read::cpu_times(options_.proc);
        cpu_busy_.reset();
        if (cpu && cpu_before_ && cpu->second > cpu_before_->second)
            cpu_busy_ = std::clamp((cpu->first - cpu_before_->first) / (cpu->second - cpu_before_->second), 0.0, 1.0);
        cpu_before_ = cpu;
        memory_available_ = proc_read::memory_available(options_.proc);
    }
    if (cpu_busy_) observation.sample("host_cpu_busy_ratio", labels, *cpu_busy_);
    if (memory_available_) observation.sample("host_memory_available_bytes", labels, *memory_available_);
}

// A folder that is not there yet says nothing of how full its disk is; the rest of the node is told all the same.
void ProcessCollector::disks(Observation& observation, const WatchedNode& node) {
    for (const std::string& folder : node.disks) {
        auto& [at, seen] = disks_[folder];
        if (is_due(at, disks_every, observation.at)) {
            at = observation.at;
            seen = proc_read::file_system(options_.proc, folder);
        }
        if (!seen) {
            observation.lacks(node.name + ": " + folder + " can't be looked at");
            continue;
        }
        auto labels = node_labels(options_.cluster, node);
        labels.emplace_back("path", folder);
        observation.sample("host_filesystem_size_bytes", labels, seen->size_bytes);
        observation.sample("host_filesystem_available_bytes", labels, seen->available_bytes);
        if (seen->read_only) observation.sample("host_filesystem_read_only", labels, *seen->read_only ? 1 : 0);
    }
}

Observation ProcessCollector::look(WallTime at) {
    Observation observation;
    observation.target = options_.target;
    observation.at = at;
    for (const WatchedNode& one : options_.nodes) {
        node(observation, one, at);
        disks(observation, one);
    }
    host(observation);
    return observation;
}

}  // namespace medic
