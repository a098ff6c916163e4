// stuck-connector where nobody can end the task alone, as with tasks that are threads of a worker. Connect leaves one
// behind that does not end; its consumer keeps its partitions unless it is taken out of the group.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases {

namespace stuck_connector {
DrillCase descriptor();
}

namespace stuck_connector_in_worker {

DrillCase descriptor() {
    DrillCase drill = stuck_connector::descriptor();
    drill.name = "stuck-connector-in-worker";
    drill.injected_by += ", and cannot be killed alone";
    drill.expected_remedy = "connect.replace-stuck-task";
    drill.effects = {{"Graceful stop of task inventory-sink-0 failed"}, {"started task inventory-sink-0"}};
    drill.shape.kills_tasks = false;
    return drill;
}

}  // namespace stuck_connector_in_worker
}  // namespace medic::engine::drill::cases
