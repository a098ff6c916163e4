// Flink's processes die or stand still.
#include <fmt/format.h>

#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

std::function<Status(Site&)> at_working_taskmanager(const std::string& action) {
    return [action](Site& site) -> Status {
        MEDIC_TRY(const std::string node, site.working_taskmanager());
        return site.node(action, node);
    };
}

}  // namespace

std::vector<Fault> flink_node_faults() {
    return {
        {.name = "taskmanager-killed",
         .told = "a task manager with work is killed",
         .side = "system",
         .causes = {"flink.taskmanager-lost"},
         .inject = at_working_taskmanager("kill"),
         .clear = {}},
        {.name = "taskmanager-frozen",
         .told = "a task manager with work stands still",
         .side = "system",
         .causes = {"flink.taskmanager-frozen"},
         .inject = at_working_taskmanager("freeze"),
         .clear = {},
         .history = Duration(30'000)},
        {.name = "jobmanager-killed",
         .told = "the job manager is killed, and its jobs with it",
         .side = "system",
         .causes = {"flink.jobmanager-lost", "flink.job-lost"},  // Both: the jobs are gone with it.
         .inject = [](Site& site) { return site.node("kill", "jobmanager"); },
         .clear = {}},
    };
}

}  // namespace medic::live
