#include "agent/store/connect_words.h"
#include "remediations/remedies/dead_consumers.h"
#include "remediations/remedies/parts.h"
#include "remediations/remedies/stuck_task.h"

// A task that hangs inside its worker is started anew, and its thread left behind: Connect gives a task that does not
// end in time up (task.shutdown.graceful.timeout.ms, 5 s) and starts the next one beside it, and the worker's other
// tasks notice nothing. Alone that does not help for minutes: the consumer of the thread keeps its partitions until
// max.poll.interval.ms (5 min) is over, so it is taken out of its group first. Where the new task hangs as well, as
// behind a lock that the thread holds, the worker has to go: connect.kill-stuck-task.
namespace medic::remedies::connect_replace_stuck_task {
namespace {

// Connect's answer comes when the grace is over; a worker may wait for up to 90 s for its own thread (its REST API's
// time-out).
constexpr Duration restart_takes_max{30'000};

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto stuck = stuck_task(diagnosis);
    if (!stuck) return {};
    std::vector<FactKey> keys = stuck_consumer_facts(diagnosis, *stuck);
    keys.push_back(state_of(*stuck));
    return keys;
}

// Connect gave it to another worker: what hung is not what is there now.
Status still_on_its_worker(const StuckTask& stuck, const PlanningView& view) {
    const Fact* told = view.fact(runs_on_key(stuck.subject));
    if (stuck.worker.empty() || told == nullptr || told->text == stuck.worker || told->text == no_worker_answers)
        return {};
    return fail(ErrorCode::not_ready, "task {} of {} runs on {} now, and hung on {}", stuck.task, stuck.connector,
                told->text, stuck.worker);
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const StuckTask stuck, stuck_task(diagnosis));
    const NodeInfo* node = view.node(stuck.node);
    if (node != nullptr && node->can_kill_task)
        return fail(ErrorCode::invalid, "the task is a process of its own, which can be ended: nothing is left behind");
    MEDIC_CHECK(still_on_its_worker(stuck, view));
    Plan result;
    result.summary = fmt::format(
        "task {} of {} hangs inside worker {}: start it anew beside its thread, which is left behind; the worker's "
        "other tasks go on",
        stuck.task, stuck.connector, stuck.node);
    if (auto removal = remove_stuck_consumer(diagnosis, view, stuck)) result.steps.push_back(*std::move(removal));
    Step restart = restart_of(
        stuck, fmt::format("start task {} of {} anew and leave its thread behind", stuck.task, stuck.connector));
    restart.timeout = restart_takes_max;
    restart.once = true;  // Each try leaves a thread behind.
    if (!stuck.worker.empty())
        restart.skip_if = {
            text_not_in(stuck.subject, std::string(runs_on), {stuck.worker, std::string(no_worker_answers)})};
    result.steps.push_back(std::move(restart));
    return result;
}

}  // namespace

Remedy descriptor() {
    return {
        .name = "connect.replace-stuck-task",
        .what = "starts a task anew that hangs inside its worker, whose other tasks go on; its thread is left behind",
        .destroys = Destroys::nothing,
        .cures = {{.cause = "connect.task-stuck", .since = 2}},
        .needs = needs,
        .plan = plan};
}

}  // namespace medic::remedies::connect_replace_stuck_task
