// As load-growth, under the adaptive scheduler: the job is rescaled while it goes on, and keeps its id.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::load_growth_in_place {
namespace {

constexpr double growth = 5;

Status set_load(Platform& platform, double factor) {
    return platform.set_rate(platform.plan().options.workload.records_per_second * factor);
}

}  // namespace

DrillCase descriptor() {
    return {.name = "load-growth-in-place",
            .injected_by = "the offered load grows five-fold, under the adaptive scheduler",
            .expected_side = "user",
            .expected_cause = "flink.configuration-does-not-fit-load",
            .expected_remedy = "flink.change-configuration",
            .inject = [](Platform& platform) { return set_load(platform, growth); },
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{"is rescaled, needs"}},
            .clear = [](Platform& platform) { return set_load(platform, 1); },
            .shape = {.slots = 8, .job_parallelism = 2, .flink = {{"jobmanager.scheduler", "adaptive"}}},
            // The old settings carry less than half of the new load; 95 % of it must flow in the end.
            .recovery = {.recovered_ratio = 0.95, .fallen_ratio = 0.9},
            .rate_factor = growth,
            .history = Duration(15'000),
            .note = "scaled to what one machine with every process on it carries (a large fleet: 100,000 to 500,000)"};
}

}  // namespace medic::engine::drill::cases::load_growth_in_place
