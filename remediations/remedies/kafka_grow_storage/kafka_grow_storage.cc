#include <cmath>

#include "remediations/remedies/disk_parts.h"

// Growing is easy and shrinking impossible: by half of the present size, once per cool-down of the policy.
namespace medic::remedies::kafka_grow_storage {
namespace {

constexpr double growth = 1.5;

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) { return log_dir_facts(diagnosis); }

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const LogDir dir, log_dir(diagnosis, view));
    const NodeInfo* node = view.node(dir.node);
    if (node == nullptr || !node->can_grow)
        return fail(ErrorCode::invalid, "the driver of node {} can't grow storage", dir.node);
    const auto bytes = static_cast<std::int64_t>(std::ceil(dir.total_bytes * growth));
    Step step{.subject = dir.subject,
              .text = fmt::format("grow {} of broker {} to {} bytes", dir.path, dir.broker, bytes),
              .operation = GrowStorage{dir.node, dir.path, bytes}};
    step.timeout = Duration{60'000};
    step.idempotent = true;  // It names the new size, not the difference.
    step.precondition = {at_most(dir.subject, "kafka_log_dir_total_bytes", dir.total_bytes)};
    step.done = {at_least(dir.subject, "kafka_log_dir_total_bytes", 0.95 * static_cast<double>(bytes))};
    step.expectation = {.all = {step.done.front(), at_least(dir.subject, "kafka_log_dir_usable_bytes",
                                                            free_share_wanted * dir.total_bytes)},
                        .within = Duration{120'000}};
    step.undo = "storage can't be shrunk; move its replicas away and replace the broker";
    step.risk = Risk::reversible;
    step.object = "log-dir:" + dir.subject.name;
    Plan result;
    result.summary = fmt::format("{} of broker {} is nearly full: grow it by half", dir.path, dir.broker);
    result.steps = {step};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.grow-storage",
            .what = "grows a broker's log directory through its driver",
            .destroys = Destroys::nothing,
            .cures = {{"kafka.disk-nearly-full"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_grow_storage
