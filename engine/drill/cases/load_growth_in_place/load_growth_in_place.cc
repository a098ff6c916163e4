// load-growth under the adaptive scheduler: the job is rescaled while it goes on, and keeps its id.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases {

namespace load_growth {
DrillCase descriptor();
}

namespace load_growth_in_place {

DrillCase descriptor() {
    DrillCase drill = load_growth::descriptor();
    drill.name = "load-growth-in-place";
    drill.injected_by += ", under the adaptive scheduler";
    drill.effects = {{"is rescaled, needs"}};
    drill.shape.flink = {{"jobmanager.scheduler", "adaptive"}};
    return drill;
}

}  // namespace load_growth_in_place
}  // namespace medic::engine::drill::cases
