// A team changes where its sink writes to and mistypes the folder: the task fails as it starts, and again whenever it
// is restarted.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::connector_bad_configuration {

DrillCase descriptor() {
    return {.name = "connector-bad-configuration",
            .injected_by = "the sink's configuration is changed to a folder that does not exist",
            .expected_side = "user",
            .expected_cause = "connect.option-invalid",
            .expected_remedy = "connect.roll-back-configuration",
            .inject =
                [](Platform& platform) {
                    return platform.change_connector("inventory-sink", "db.path",
                                                     platform.data_dir() + "/inventroy/inventory.db");
                },
            .progress = connector_progress,
            .check = check_connector_records,
            // The configuration that fails, the one that works, and nothing else starts the task.
            .effects = {{"started task inventory-sink-0", 2}},
            // The agent must have seen it work for a minute (first_good_after).
            .history = Duration(75'000)};
}

}  // namespace medic::engine::drill::cases::connector_bad_configuration
