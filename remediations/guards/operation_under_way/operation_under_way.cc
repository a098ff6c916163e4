#include <algorithm>
#include <array>

#include "remediations/guards/guard.h"

// Others at work: a reassignment, a roll, a rebalance, a savepoint, a deployment, a log recovery. No step overlaps one
// unsafely.
namespace medic::guards::operation_under_way {
namespace {

enum class Layer { kafka, connect, flink, any };

Layer layer_of(std::string_view kind) {
    constexpr std::array kafka{"broker", "log-dir", "topic"};
    constexpr std::array connect{"worker", "connector", "connector-task"};
    constexpr std::array flink{"job", "vertex", "taskmanager", "jobmanager"};
    if (std::ranges::find(kafka, kind) != kafka.end()) return Layer::kafka;
    if (std::ranges::find(connect, kind) != connect.end()) return Layer::connect;
    if (std::ranges::find(flink, kind) != flink.end()) return Layer::flink;
    return Layer::any;
}

// A step's layer comes from its remedy's name (kafka.…, connect.…, flink.…), since node/x does not tell.
Layer layer_of_remedy(std::string_view remedy) {
    if (remedy.starts_with("kafka.")) return Layer::kafka;
    if (remedy.starts_with("connect.")) return Layer::connect;
    if (remedy.starts_with("flink.")) return Layer::flink;
    return Layer::any;
}

bool overlaps(const Step& step, const OperationUnderWay& operation) {
    if (std::ranges::find(step.compatible_with, operation.kind) != step.compatible_with.end()) return false;
    if (operation.subject == step.subject) return true;
    // Among hundreds of consumer groups one rebalances at any time, and finds its members by itself.
    if (operation.subject.kind == "group") return false;
    const Layer theirs = layer_of(operation.subject.kind), ours = layer_of_remedy(step.remedy);
    if (theirs == Layer::any || ours == Layer::any) return true;
    if (theirs != ours) return false;
    // A savepoint is its own job's affair.
    return operation.subject.kind != "job" || step.job.kind.empty() || operation.subject == step.job;
}

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.operations_seen_at || question.now - *question.operations_seen_at > guard_facts_age_max)
        return Refusal{"operation-under-way", "it is not known what others are doing", Refusal::Kind::wait, {}};
    for (const auto& operation : question.operations)
        if (overlaps(question.step, operation))
            return Refusal{"operation-under-way",
                           operation.kind + " of " + operation.subject.kind + "/" + operation.subject.name + " by " +
                               operation.by + " is under way",
                           Refusal::Kind::wait,
                           {}};
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"operation-under-way", "nothing overlaps the work of others", object}; }

}  // namespace medic::guards::operation_under_way
