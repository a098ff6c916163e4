// One record of the sink's topic is no JSON: its task fails at it, and again whenever it is restarted.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::poison_record {
namespace {

const std::string poison = R"({"id": 17, "server": "s-1", "slots":)";

// Everything else has its row, and the poison is in the dead letter queue, once.
Result<RecordCheck> check(Platform& platform, Duration) {
    MEDIC_TRY(RecordCheck check, platform.check_inventory_without(poison));
    MEDIC_TRY(const int letters, platform.dead_letters(poison));
    if (letters == 0) ++check.lost;
    if (letters > 1) ++check.doubled;
    return check;
}

}  // namespace

DrillCase descriptor() {
    return {.name = "poison-record",
            .injected_by = "a record that is cut off in its middle comes into the sink's topic",
            .expected_side = "user",
            .expected_cause = "connect.poison-record",
            .expected_remedy = "connect.set-aside-bad-records",
            .inject = [](Platform& platform) { return platform.deliver_to_sink(poison); },
            .progress = connector_progress,
            .check = check,
            // With the new settings, and by the restart of what has failed.
            .effects = {{"started task inventory-sink-0", 2}},
            .note = "the record is in inventory-sink-dead-letters"};
}

}  // namespace medic::engine::drill::cases::poison_record
