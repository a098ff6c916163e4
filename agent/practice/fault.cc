#include "agent/practice/fault.h"

#include <algorithm>
#include <array>

namespace medic::practice {
namespace {

using Kind = Fault::Kind;

constexpr auto faults = std::to_array<Fault>({
    {"taskmanager-lost", "taskmanager", Kind::kill, "flink.taskmanager-lost",
     "its jobs fail over: they go back to their newest checkpoint, on the slots that are left or a spare's"},
    {"taskmanager-frozen", "taskmanager", Kind::freeze, "flink.taskmanager-frozen",
     "its jobs stand still until it is found out, then go back to their newest checkpoint"},
    {"worker-lost", "connect-worker", Kind::kill, "connect.worker-lost",
     "its connectors' tasks stop; other workers take them up after scheduled.rebalance.max.delay.ms, the only one when "
     "it is back"},
    {"worker-frozen", "connect-worker", Kind::freeze, "connect.worker-frozen",
     "its connectors' tasks stand still, and their consumers keep their partitions until their session ends"},
    {"broker-lost", "broker", Kind::kill, "kafka.broker-lost",
     "its leaders move to other replicas, and clients wait for that; it catches up when it is back"},
    {"broker-frozen", "broker", Kind::freeze, "kafka.broker-frozen",
     "its partitions have no leader until its session ends, and their clients wait"},
    {"jobmanager-lost", "jobmanager", Kind::kill, "flink.jobmanager-lost",
     "its jobs stop; without high availability they are gone with it and must be started from their checkpoints"},
    {"jobmanager-frozen", "jobmanager", Kind::freeze, "flink.jobmanager-frozen",
     "no checkpoint ends and no failed task is restarted; after heartbeat.timeout the tasks are cancelled"},
});

}  // namespace

std::span<const Fault> all_faults() { return faults; }

const Fault* find_fault(std::string_view name) {
    const auto found = std::ranges::find(faults, name, &Fault::name);
    return found == faults.end() ? nullptr : &*found;
}

std::string made_by(const Fault& fault) {
    return fault.kind == Kind::kill ? "its process is killed by its driver's `kill`"
                                    : "its process is stopped (SIGSTOP) on this host";
}

std::string undone_by(const Fault& fault) {
    return fault.kind == Kind::kill
               ? "its driver's `start`"
               : "SIGCONT to that same process; where the agent has fenced it meanwhile, its driver's `start`";
}

}  // namespace medic::practice
