// Faults of the job's own code, switched on while it runs.
#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

std::function<Status(Site&)> switched(const std::string& name, bool on) {
    return [name, on](Site& site) { return site.fault(name, on); };
}

// One that throws at the next record, again after each restart.
Fault throwing(const std::string& name, const std::string& told, std::vector<std::string> causes) {
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
    constexpr auto patience = std::chrono::seconds(10);
    const std::filesystem::path taken = site.data_dir() + "/faults/blocked-cancel";
    MEDIC_CHECK(site.fault("blocked-cancel", true));
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::filesystem::exists(taken)) {
        if (std::chrono::steady_clock::now() >= deadline)
            return fail(ErrorCode::unavailable, "no subtask has taken the blocked call");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    MEDIC_CHECK(site.fault("null-pointer", true));
    std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
    return site.fault("null-pointer", false);
}

}  // namespace

std::vector<Fault> job_faults() {
    std::vector<Fault> faults = {
        throwing("null-pointer", "the job's function calls a method on null", {"flink.null-dereference"}),
        throwing("class-cast", "the job's function casts text to a number", {"flink.user-exception"}),
        throwing("heap-exhaustion", "the job keeps a megabyte of each record", {"flink.memory-exhausted-by-job"}),
        throwing("connection-leak", "the job opens a socket for each record and closes none",
                 {"flink.handles-not-closed", "flink.descriptor-leak"}),
    };
    faults[3].patience = Duration(180'000);  // A thousand descriptors, at some twenty a second in each process.
    faults[3].inject = leak_connections;
    faults[3].clear = end_leak;
    faults.push_back({.name = "endless-loop",
                      .told = "the job's function never returns",
                      .side = "user",
                      .causes = {"flink.function-hangs", "flink.configuration-does-not-fit-load"},
                      .inject = switched("endless-loop", true),
                      .clear = switched("endless-loop", false),
                      .ends = Ends::by_a_person});
    faults.push_back({.name = "slow-sink",
                      .told = "the step before the sink takes half a second for each record",
                      .side = "user",
                      .causes = {"flink.configuration-does-not-fit-load", "flink.function-slow"},
                      .inject = switched("slow-sink", true),
                      .clear = switched("slow-sink", false),
                      .ends = Ends::by_a_person,
                      .patience = Duration(180'000)});
    faults.push_back({.name = "hot-key",
                      .told = "all orders are one customer's",
                      .side = "user",
                      .causes = {"flink.data-skew"},
                      .inject = switched("hot-key", true),
                      .clear = switched("hot-key", false),
                      .ends = Ends::by_a_person,
                      .patience = Duration(180'000),
                      .history = Duration(120'000)});
    faults.push_back({.name = "growing-state",
                      .told = "the job puts eight kilobytes of each order into its state and removes none",
                      .side = "user",
                      .causes = {"flink.state-grows"},
                      .inject = switched("growing-state", true),
                      .clear = switched("growing-state", false),
                      .ends = Ends::by_a_person,
                      .hits = Hits::nothing,
                      .patience = Duration(300'000),
                      .history = Duration(180'000)});
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
