// Processes of nodes on this host, from /proc: alive, CPU time, memory, descriptors, stopped, listening ports,
// children; and the file systems of the nodes' data folders. The pid comes from the node's driver (its status command),
// which is asked only when /proc no longer answers for the known one. It signals nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/collectors/observation.h"
#include "agent/collectors/process/proc_internal.h"
#include "agent/config/config.h"

namespace medic {

struct WatchedNode {
    std::string name, role, zone;
    bool spare = false;
    std::vector<std::string> status_command{};  // Empty: nobody can be asked; the node stays unknown.
    Duration status_timeout{10'000};            // What that command may take; for whoever runs it.
    std::vector<std::string> disks{};           // Folders on local file systems: a network's may hang the look.
};

struct ProcessCollectorOptions {
    std::string cluster;
    std::string target;  // "lab/process"
    std::vector<WatchedNode> nodes;
    std::string proc = "/proc";
    Duration status_every{
        30'000};  // The driver is asked again at least this often: roles and pids may change behind our back.
    Duration status_retry{2'000};    // … and this often while it knows no process.
    Duration details_every{10'000};  // Descriptors and children cost more than the rest …
    Duration ports_every{300'000};   // … and the tables of sockets most of all; a young process is looked at sooner.
    double ticks_per_second = 100;   // sysconf(_SC_CLK_TCK)
    double page_bytes = 4096;        // sysconf(_SC_PAGESIZE)
};

// For the cluster's nodes of this host, in this host's units: those that a sidecar looks at are left out.
[[nodiscard]] ProcessCollectorOptions process_options_of(const ClusterConfig& cluster);

struct StatusAsk {
    std::string node;
    std::vector<std::string> argv;
    Duration timeout{0};
};

class ProcessCollector {
public:
    explicit ProcessCollector(ProcessCollectorOptions options);

    [[nodiscard]] const std::string& target() const { return options_.target; }
    // Status commands that are due. The look goes on without waiting for their answers.
    [[nodiscard]] std::vector<StatusAsk> due(WallTime at);
    // What the command printed: {"pid": 12, "start_time": 1700000000.5, "state": "running", "spare": false,
    // "tasks": [{"connector": "c", "task": 0, "pid": 13}]}, or systemd's MainPID=12. A node without a process: "pid": 0
    // or null; it may say why with "stopped_in_order": true, as systemd does with ActiveState=inactive (not failed).
    void answer(const std::string& node, const Result<std::string>& output, WallTime at);
    [[nodiscard]] Observation look(WallTime at);

private:
    struct Task {
        std::string connector, task;
        int pid = 0;
    };
    struct Known {
        int pid = 0;                       // 0: none.
        bool asked = false;                // Since when no answer came.
        bool told = false;                 // The driver has answered at least once.
        std::string problem;               // Why it could not.
        double start_ticks = 0;            // Since the boot. A recycled pid is another process.
        double start_time = 0;             // By the clock when it was seen first: it stays when the clock is set.
        std::optional<double> said_start;  // By the driver.
        std::optional<bool> spare;
        std::optional<bool> stopped_in_order;  // What ended the process, as far as its driver says.
        std::optional<WallTime> ended_at;      // Found gone; the driver's word of it has not come yet.
        WallTime asked_at, detailed_at, ports_at, children_at;
        std::optional<double> descriptors;
        std::string ports;
        std::vector<Task> tasks;
        std::vector<int> children;
    };
    struct Stat;
    [[nodiscard]] std::optional<Stat> read_stat(int pid) const;
    [[nodiscard]] std::optional<double> started(const Stat& stat, const std::optional<double>& said) const;
    void take_process(Known& known, int pid, const std::optional<double>& said_start) const;
    void note_end(Known& known, WallTime at) const;  // Whether its process has gone since the last look.
    void details(Known& known, WallTime at);
    void children(Known& known, WallTime at);
    void node(Observation& observation, const WatchedNode& node, WallTime at);
    void tasks(Observation& observation, const WatchedNode& node, Known& known) const;
    void host(Observation& observation);
    void disks(Observation& observation, const WatchedNode& node);

    ProcessCollectorOptions options_;
    std::map<std::string, Known> known_;
    double boot_time_ = 0;  // By the clock as it was when the agent was started.
    std::map<std::string, std::pair<WallTime, std::optional<proc_read::FileSystem>>> disks_;  // By folder.
    WallTime host_at_;
    std::optional<double> cpu_busy_, memory_available_;
    std::optional<std::pair<double, double>> cpu_before_;  // busy, total
};

}  // namespace medic
