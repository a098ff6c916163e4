// The offered load grows five-fold: the job's static parallelism no longer fits it. Waiting for the lookup service, not
// CPU, is the bound.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::load_growth {
namespace {

constexpr double growth = 5;

Status set_load(Platform& platform, double factor) {
    return platform.set_rate(platform.plan().options.workload.records_per_second * factor);
}

}  // namespace

DrillCase descriptor() {
    return {.name = "load-growth",
            .injected_by = "the offered load grows five-fold",
            .expected_side = "user",
            .expected_cause = "flink.configuration-does-not-fit-load",
            .expected_remedy = "flink.change-configuration",
            .inject = [](Platform& platform) { return set_load(platform, growth); },
            .progress = job_progress,
            .changes_lab = true,
            .check = check_job_records,
            .effects = {{"submitted, needs"}},
            .clear = [](Platform& platform) { return set_load(platform, 1); },
            .shape = {.slots = 8, .job_parallelism = 2},  // The machines have room; the job doesn't use it.
            // The old settings carry less than half of the new load; 95 % of it must flow in the end.
            .recovery = {.recovered_ratio = 0.95, .fallen_ratio = 0.9},
            .rate_factor = growth,
            .history = Duration(15'000),
            // Each record waits for one answer of a service over HTTP; that, with three brokers and the job on one
            // machine, is far below the 100,000 to 500,000 records/s of a large fleet.
            .note = "scaled to what one machine with every process on it carries (a large fleet: 100,000 to 500,000)"};
}

}  // namespace medic::engine::drill::cases::load_growth
