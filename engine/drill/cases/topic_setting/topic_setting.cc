// Somebody raises min.insync.replicas of the topic that the workload writes to above the replicas that it has: nothing
// is broken, every replica is in sync, and nothing can be written any more.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::topic_setting {
namespace {

constexpr const char* setting = "min.insync.replicas";
constexpr const char* more_than_there_are = "4";

Status inject(Platform& platform) { return platform.set_topic_setting(setting, more_than_there_are); }

// What the agent has set is the value that was there.
Status clear(Platform& platform) { return platform.set_topic_setting(setting, std::nullopt); }

}  // namespace

DrillCase descriptor() {
    return {.name = "topic-setting",
            .injected_by = "min.insync.replicas of the job's topic is raised to 4, of 3 replicas",
            .expected_side = "user",
            .expected_cause = "kafka.writes-refused",
            .expected_remedy = "kafka.restore-configuration",
            .inject = inject,
            .progress = job_progress,
            .check = check_job_records,
            .clear = clear,
            // The agent must have seen it written to for a minute (first_topic_settings_after).
            .history = Duration(75'000),
            .patience = Duration{90'000}};
}

}  // namespace medic::engine::drill::cases::topic_setting
