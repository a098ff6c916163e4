// Faults of the job's own code, switched on while it runs.
#include <chrono>
#include <thread>

#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

// One that a switch begins and only a developer ends.
Fault switched_fault(const std::string& name, const std::string& told, std::vector<std::string> causes) {
    return {.name = name,
            .told = told,
            .side = "user",
            .causes = std::move(causes),
            .inject = switched(name, true),
            .clear = switched(name, false),
            .ends = Ends::by_a_person};
}

constexpr std::uint64_t usual_descriptors = 1'024;  // What a shell or a service unit gives where nobody says otherwise.

Status leak_connections(Site& site) {
    MEDIC_CHECK(site.limit_descriptors(usual_descriptors));
    return site.fault("connection-leak", true);
}

// What a process has leaked goes with it: else the next one's limit would be reached at once.
Status end_leak(Site& site) {
    MEDIC_CHECK(site.fault("connection-leak", false));
    for (const auto& process : site.plan().processes)
        if (process.role == engine::lab::Role::taskmanager && site.lives(process.name))
            MEDIC_CHECK(site.node("kill", process.name));
    return {};
}

// One subtask takes the call that never comes back; then the job fails and wants to restart.
Status block_cancellation(Site& site) {
    MEDIC_CHECK(site.fault("blocked-cancel", true));
    MEDIC_CHECK(is_taken(site, "blocked-cancel", std::chrono::seconds(10)));
    MEDIC_CHECK(site.fault("null-pointer", true));
    std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
    return site.fault("null-pointer", false);
}

}  // namespace

std::vector<Fault> job_faults() {
    Fault leak = switched_fault("connection-leak", "the job opens a socket for each record and closes none",
                                {"flink.handles-not-closed", "flink.descriptor-leak"});
    leak.patience = Duration(180'000);  // A thousand descriptors, at some twenty a second in each process.
    leak.inject = leak_connections;
    leak.clear = end_leak;
    Fault slow = switched_fault("slow-sink", "the step before the sink takes half a second for each record",
                                {"flink.configuration-does-not-fit-load", "flink.function-slow"});
    slow.patience = Duration(180'000);
    slow.may_try = true;  // More subtasks may help, as far as the agent can know.
    Fault hot = switched_fault("hot-key", "all orders are one customer's", {"flink.data-skew"});
    hot.patience = Duration(180'000);
    hot.history = Duration(120'000);
    Fault growing =
        switched_fault("growing-state", "the job puts eight kilobytes of each order into its state and removes none",
                       {"flink.state-grows"});
    growing.hits = Hits::nothing;
    growing.patience = Duration(300'000);
    growing.history = Duration(180'000);
    std::vector<Fault> faults = {
        switched_fault("null-pointer", "the job's function calls a method on null", {"flink.null-dereference"}),
        switched_fault("class-cast", "the job's function casts text to a number", {"flink.user-exception"}),
        switched_fault("heap-exhaustion", "the job keeps a megabyte of each record", {"flink.memory-exhausted-by-job"}),
        leak,
        switched_fault("endless-loop", "the job's function never returns",
                       {"flink.function-hangs", "flink.configuration-does-not-fit-load"}),
        slow,
        hot,
        growing,
    };
    faults.push_back({.name = "blocked-cancel",
                      .told = "the job fails, and one subtask ignores its cancellation",
                      .side = "system",
                      .causes = {"flink.connector-blocks-restart"},
                      .inject = block_cancellation,
                      .clear = switched("blocked-cancel", false),
                      .patience = Duration(240'000)});
    return faults;
}

}  // namespace medic::live
