#include "agent/practice/undo.h"

#include <cmath>

namespace medic::practice {
namespace {

using Kind = UndoStep::Kind;

// The kernel's ticks since boot, as in agent/collectors/process: differences below this are rounding.
constexpr double start_time_tolerance_s = 2.5;

}  // namespace

bool is_same_process(const UndoRecord& record, const NodeSight& node) {
    return record.pid != 0 && node.pid == record.pid && node.start_time > 0 &&
           std::abs(node.start_time - record.start_time) <= start_time_tolerance_s;
}

UndoStep next_undo(const UndoRecord& record, const UndoQuestion& question) {
    const NodeSight& node = question.node;
    const Fault* fault = find_fault(record.fault);
    if (fault == nullptr)
        return {Kind::person,
                "the fault `" + record.fault + "` is none that this program makes: it was made by another"};
    if (!node.up)
        return {Kind::look_again,
                "whether " + record.node + " runs can't be told" + (node.problem.empty() ? "" : ": " + node.problem)};
    if (*node.up && node.stopped == true) {
        // The agent fences what stands still; a process that stands still and is not ours was stopped by somebody else.
        if (fault->kind == Fault::Kind::freeze && is_same_process(record, node))
            return {Kind::thaw, record.node + " is still stopped"};
        return {Kind::person,
                "the process of " + record.node + " is stopped, and is not the one that the drill stopped"};
    }
    if (*node.up) {
        if (is_same_process(record, node))
            return {Kind::done, record.node + (fault->kind == Fault::Kind::freeze ? " goes on" : " was never lost")};
        return {Kind::done, record.node + " runs again: it was started meanwhile"};
    }
    if (question.agent_at_work) return {Kind::look_again, "the agent is at work on it"};
    if (!question.replaced_by) return {Kind::start, record.node + " is down"};
    if (question.can_start_spare)
        return {Kind::start_spare,
                *question.replaced_by + " works in the place of " + record.node + ", which becomes a spare"};
    return {Kind::done, *question.replaced_by + " works in the place of " + record.node +
                            ", and its driver has no `start_spare`: start it by hand when it is wanted"};
}

}  // namespace medic::practice
