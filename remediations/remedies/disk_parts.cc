#include "remediations/remedies/disk_parts.h"

namespace medic::remedies {

std::vector<FactKey> log_dir_facts(const Diagnosis& diagnosis) {
    return {{diagnosis.subject, "kafka_log_dir_total_bytes"}, {diagnosis.subject, "kafka_log_dir_usable_bytes"}};
}

Result<LogDir> log_dir(const Diagnosis& diagnosis, const PlanningView& view) {
    LogDir result;
    result.subject = diagnosis.subject;
    MEDIC_TRY(result.broker, parameter(diagnosis, "broker"));
    MEDIC_TRY(result.path, parameter(diagnosis, "log_dir"));
    const auto node = parameter(diagnosis, "node");
    if (node) result.node = *node;
    const Fact* total = view.fact({diagnosis.subject, "kafka_log_dir_total_bytes"});
    const Fact* usable = view.fact({diagnosis.subject, "kafka_log_dir_usable_bytes"});
    if (total == nullptr || usable == nullptr || !total->value || !usable->value)
        return fail(ErrorCode::not_ready, "size and free space of {} are not known", result.subject.name);
    result.total_bytes = *total->value;
    result.usable_bytes = *usable->value;
    return result;
}

}  // namespace medic::remedies
