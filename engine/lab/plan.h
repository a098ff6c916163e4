// Which processes a lab consists of and with which arguments and ports each is started. Pure: options in, plan out.
// The plan is written to lab.json and is the one place that knows every process's command line.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::engine::lab {

// Keys of the real products that differ from their defaults. Printed, and the same for both arms of a comparison.
struct Profile {
    std::string name = "default";
    std::map<std::string, std::string> kafka, connect, flink;
};
// "default": the products' own time-outs. Errors: invalid, with the names that exist.
[[nodiscard]] Result<Profile> find_profile(const std::string& name);
[[nodiscard]] std::string describe(const Profile& profile);

struct WorkloadOptions {
    double records_per_second = 2'000;
    double time_scale = 12;  // A one-minute window of event time takes 5 s.
    int partitions = 8;
    int job_parallelism = 4;  // As many as there are slots: a lost task manager can't be made up for by the others.
    std::int64_t lookup_latency_us = 250;
    int lookup_batch = 1;  // Records that one lookup answers for.
};

struct LabOptions {
    std::string data_dir;  // Absolute.
    std::string program;   // medic-engine, absolute; the jobs stand in `jobs/` beside it.
    Profile profile;
    int brokers = 3;
    int taskmanagers = 2;
    int spares = 1;
    int slots = 2;  // Per task manager.
    std::int64_t log_dir_capacity_bytes = 2LL << 30;
    Duration broker_start{0};  // What a broker takes to start beyond its own time; Kafka's takes seconds.
    bool kills_tasks = true;   // The worker's driver can end a single task; a JVM's can't.
    bool grows_disks = true;   // The brokers' drivers can grow a log directory; disks of metal can't be grown.
    bool with_workload = true;
    WorkloadOptions workload;
    std::function<bool()> interrupted{};  // Asked while the lab comes up, which it gives up then. Not kept in lab.json.
};

enum class Role : std::uint8_t { controller, broker, connect_worker, jobmanager, taskmanager, workload };
[[nodiscard]] std::string to_string(Role role);  // As medic.yaml spells it.
[[nodiscard]] Result<Role> parse_role(const std::string& text);

struct ProcessPlan {
    std::string name;  // broker-1, connect-1, tm-3: the node's name in medic.yaml.
    Role role = Role::broker;
    bool spare = false;
    std::string zone;
    std::vector<std::string> argv;               // To start it as a working member.
    std::vector<std::string> spare_argv;         // To start it as a warm spare; empty where that makes no sense.
    std::map<std::string, std::uint16_t> ports;  // rest, metrics, kafka, rpc, control, lookup, …
};

struct LabPlan {
    LabOptions options;
    std::vector<ProcessPlan> processes;  // In starting order.
    std::uint16_t agent_port = 0;        // Where medic.yaml lets the agent's API listen.
    [[nodiscard]] const ProcessPlan* find(const std::string& name) const;
    [[nodiscard]] const ProcessPlan& only(Role role) const;  // The one process of a role that exists once.
    [[nodiscard]] std::string bootstrap() const;
};

// Ports that were free a moment ago, in order of asking.
using TakePort = Result<std::uint16_t> (*)();

[[nodiscard]] Result<LabPlan> make_plan(const LabOptions& options, TakePort take_port);

// medic.yaml and policy.yaml for this plan: all that the agent is given.
[[nodiscard]] std::string medic_yaml(const LabPlan& plan);
[[nodiscard]] std::string policy_yaml();

// Program arguments of the workload's job, and the artifacts of its versions.
[[nodiscard]] std::vector<std::string> job_arguments(const LabPlan& plan);
[[nodiscard]] std::string job_artifact(const LabPlan& plan, const std::string& version);

constexpr const char* cluster_name = "lab";
constexpr const char* job_name = "fleet-monitor";
constexpr const char* topic_name = "fleet-events";

}  // namespace medic::engine::lab
