// One record has no value, and the sink's table takes no row without one: put() fails at it, where no dead letter queue
// would help.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::refused_record {

DrillCase descriptor() {
    return {.name = "refused-record",
            .injected_by = "a record without a value comes into the topic of a sink whose table wants one",
            .expected_side = "user",
            .expected_cause = "connect.poison-record",
            .expected_remedy = "connect.skip-record",
            .inject = [](Platform& platform) { return platform.deliver_to_sink(std::nullopt); },
            .progress = connector_progress,
            .check = [](Platform& platform, Duration) { return platform.check_inventory_without(std::nullopt); },
            // To read record by record, by the restart of what has failed, resumed, and to read in batches again.
            .effects = {{"started task inventory-sink-0", 4}},
            // A lab of its own: another drill may have healed the same cause of the same task a moment before.
            .shape = {.kafka = {{"log.retention.check.interval.ms", "60000"}}},
            .note = "the agent's journal names the record that was skipped"};
}

}  // namespace medic::engine::drill::cases::refused_record
