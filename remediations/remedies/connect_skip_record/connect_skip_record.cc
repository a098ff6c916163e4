#include <algorithm>

#include "remediations/remedies/connector_change.h"

// A sink's task fails at one record again and again: the group is set to the record behind it (KIP-875). The record
// stays in its topic and never reaches the sink, which is why a policy must name the connector, or a person agree.
// Nothing else may be passed over, and a task that fails has delivered and committed nothing of the batch that the
// record came in. So the task first reads record by record: it delivers what stands before the record and fails again
// at it, with the group's offset at that very record. That also proves that it is the record. Where the sink commits
// less than it has put (its preCommit() decides), the offset never gets there, and the plan is taken back.
namespace medic::remedies::connect_skip_record {
namespace {

// Different records that ended the task within the last hour. After the second one each next record fails: a schema or
// a rule of the target has changed, and to skip one after another would lose them all.
constexpr std::int64_t records_max = 2;
constexpr const char* batch_setting = "consumer.override.max.poll.records";
constexpr Duration stops_within{60'000}, told_within{30'000};
// Before the record stands at most what is left of a batch, Kafka's default of max.poll.records = 500.
constexpr Duration reads_up_to_it_within{3 * 60'000};

struct Poison {
    Subject connector, task;
    PartitionName partition;
    std::int64_t offset = 0, committed = 0;

    [[nodiscard]] std::string object() const { return "connector:" + connector.name; }
    [[nodiscard]] FactKey group() const { return committed_key(connector, partition); }
    [[nodiscard]] Condition group_at(std::int64_t next) const {
        return equals(connector, group().name, static_cast<double>(next));
    }
    [[nodiscard]] Condition group_elsewhere(std::int64_t next) const {
        Condition condition = group_at(next);
        condition.is = Condition::Is::not_equal;
        return condition;
    }
    [[nodiscard]] Condition is(const char* state) const {
        return text_in(connector, "connect_connector_state", {state});
    }
    [[nodiscard]] std::string text() const {
        return fmt::format("offset {} of partition {} of {}", offset, partition.partition, partition.topic);
    }
};

// Where it stands, as the diagnosis names it.
Result<Poison> named(const Diagnosis& diagnosis) {
    Poison poison;
    MEDIC_TRY(const std::string connector, parameter(diagnosis, "connector"));
    poison.connector = subject_in(diagnosis, "connector", connector);
    poison.task = diagnosis.subject;
    if (!parameter(diagnosis, "failing_offset"))
        return fail(ErrorCode::invalid,
                    "neither the trace nor a log names the record at which task {} fails (its worker's log names those "
                    "that can't be converted: `logs` in medic.yaml)",
                    diagnosis.subject.name);
    MEDIC_TRY(poison.partition.topic, parameter(diagnosis, "failing_topic"));
    MEDIC_TRY(poison.partition.partition, number(diagnosis, "failing_partition"));
    MEDIC_TRY(poison.offset, number(diagnosis, "failing_offset"));
    return poison;
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto poison = named(diagnosis);
    if (!poison) return {};
    auto keys = connector_facts(poison->connector);
    keys.push_back(poison->group());
    return keys;
}

Result<Poison> poison_of(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(Poison poison, named(diagnosis));
    MEDIC_TRY(const std::int64_t records, number(diagnosis, "failing_records"));
    if (records > records_max)
        return fail(ErrorCode::invalid,
                    "{} different records have ended task {} within an hour: it is not one record that is wrong",
                    records, diagnosis.subject.name);
    MEDIC_CHECK(must_be_sink(view, poison.connector, "have a group that can be set past a record"));
    const Fact* committed = view.fact(poison.group());
    if (committed == nullptr || !committed->value)
        return fail(ErrorCode::not_ready,
                    "where the group of {} stands in {}-{} is not known (its worker must be of Connect 3.6 or later)",
                    poison.connector.name, poison.partition.topic, poison.partition.partition);
    poison.committed = static_cast<std::int64_t>(*committed->value);
    if (poison.committed > poison.offset)
        return fail(ErrorCode::invalid, "the group of {} is past {}", poison.connector.name, poison.text());
    return poison;
}

Step step_of(const Poison& poison, OperationBody operation) {
    Step step{.subject = poison.connector, .operation = std::move(operation)};
    step.idempotent = true;
    step.object = poison.object();
    return step;
}

Step read_one_by_one(const Poison& poison, const ConnectorChange& change) {
    Step step = change_settings(poison.connector, {.values = change.set, .from = change.from, .to = change.to});
    step.text = fmt::format("let {} read record by record", poison.connector.name);
    step.undo = "let it read in batches again";
    step.object = poison.object();
    return step;
}

Step fail_at_it_again(const Poison& poison, const ConnectorChange& change) {
    Step step = step_of(
        poison, RestartConnector{.connector = poison.connector.name, .include_tasks = true, .only_failed = true});
    step.text = fmt::format("let {} deliver what stands before {}", poison.connector.name, poison.text());
    step.precondition = {text_in(poison.connector, "configuration", {change.to})};
    step.skip_if = {poison.group_at(poison.offset), text_in(poison.task, "connect_task_state", {"FAILED"})};
    // One that gets past it had another trouble.
    step.expectation = {
        .all = step.skip_if,
        .in_vain_if = {at_least(poison.connector, poison.group().name, static_cast<double>(poison.offset + 1))},
        .within = reads_up_to_it_within};
    step.undo = "nothing to undo: it has only delivered";
    step.risk = Risk::reversible;
    return step;
}

Step stop(const Poison& poison) {
    Step step = step_of(poison, StopConnector{poison.connector.name});
    step.text = fmt::format("stop {}: a group that has members can't be set", poison.connector.name);
    step.done = {poison.is("STOPPED")};
    step.expectation = {.all = {poison.is("STOPPED"), text_in(poison.connector, "state_of_all", {"no tasks"})},
                        .within = stops_within};
    step.undo = "resume the connector";
    step.destroys = Destroys::availability;
    return step;
}

Step set_group(const Poison& poison, std::int64_t from, std::int64_t to) {
    Step step = step_of(poison, AlterConnectorOffset{.connector = poison.connector.name,
                                                     .topic = poison.partition.topic,
                                                     .partition = static_cast<int>(poison.partition.partition),
                                                     .from = from,
                                                     .to = to});
    step.precondition = {poison.is("STOPPED"), poison.group_at(from)};
    step.done = {poison.group_at(to)};
    step.expectation = {.all = step.done, .within = told_within};
    return step;
}

Step resume(const Poison& poison) {
    Step step = step_of(poison, ResumeConnector{poison.connector.name});
    step.text = fmt::format("resume {}", poison.connector.name);
    step.precondition = {text_in(poison.connector, "connect_connector_state", {"STOPPED", "RUNNING"})};
    step.done = {poison.is("RUNNING")};
    step.undo = "stop the connector";
    step.risk = Risk::reversible;
    return step;
}

Step go_on(const Poison& poison) {
    Step step = resume(poison);
    const Subject group{poison.connector.cluster, "group", "connect-" + poison.connector.name};
    step.expectation = {
        .all = {poison.is("RUNNING"), text_in(poison.task, "connect_task_state", {"RUNNING"})},
        // A quiet topic may hold nothing behind the record.
        .any = {progressing(poison.task, "connect_task_records_total"), at_most(group, "kafka_group_lag_records", 0)},
        .in_vain_if = {text_in(poison.task, "connect_task_state", {"FAILED"})},
        .within = page_proves_within,
        .stable_for = Duration{5'000}};
    return step;
}

Step read_in_batches(const Poison& poison, const ConnectorChange& change) {
    Step step = change_settings(poison.connector, {.values = change.back, .from = change.to, .to = change.from});
    step.text = fmt::format("let {} read in batches again", poison.connector.name);
    step.undo = "let it read record by record";
    step.object = poison.object();
    step.skip_if = step.done;
    return step;
}

// What the steps before have done is told as planned work: changed settings as a deployment, a stopped connector as
// stopped by an operator.
void go_on_after_own_work(std::vector<Step>& steps, std::size_t first) {
    for (std::size_t i = first; i < steps.size(); ++i) steps[i].compatible_with = {"planned deploy", "planned stop"};
}

// A skip after which nothing flows was none: the record is put back, unless the group has gone on since. Where nothing
// was skipped the connector is not stopped for it.
std::vector<Step> taken_back(const Poison& poison, const std::optional<ConnectorChange>& change) {
    Step halt = stop(poison);
    halt.precondition = {poison.group_at(poison.offset + 1)};
    halt.skip_if = {poison.group_elsewhere(poison.offset + 1)};
    Step back = set_group(poison, poison.offset + 1, poison.offset);
    back.skip_if = halt.skip_if;
    back.text = fmt::format("set {} back to {}", poison.connector.name, poison.text());
    back.undo = "skip it again";
    back.risk = Risk::reversible;
    Step again = resume(poison);
    again.skip_if = again.done;
    again.expectation = {.all = again.done, .within = told_within};
    std::vector<Step> steps{halt, back, again};
    if (change) steps.push_back(read_in_batches(poison, *change));
    go_on_after_own_work(steps, 0);
    return steps;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const Poison poison, poison_of(diagnosis, view));
    std::optional<ConnectorChange> change;
    if (poison.committed < poison.offset) {
        MEDIC_TRY(change, connector_change(view, poison.connector, {{batch_setting, "1"}}));
        if (change->from == change->to)
            return fail(ErrorCode::invalid, "{} reads record by record and its group does not get to {}",
                        poison.connector.name, poison.text());
    }
    Plan result;
    result.summary =
        fmt::format("{} fails at the record at {}: skip this one record", poison.connector.name, poison.text());
    if (change) result.steps = {read_one_by_one(poison, *change), fail_at_it_again(poison, *change)};
    Step halt = stop(poison);
    halt.precondition = {poison.group_at(poison.offset)};
    Step skip = set_group(poison, poison.offset, poison.offset + 1);
    skip.text = fmt::format("skip the record at {}: it never reaches {}", poison.text(), poison.connector.name);
    skip.undo = "set the group back to it while the connector is stopped; the record is in its topic";
    skip.risk = Risk::destructive;
    skip.destroys = Destroys::data;
    result.steps.insert(result.steps.end(), {halt, skip, go_on(poison)});
    if (change) {
        result.steps.push_back(read_in_batches(poison, *change));
        result.steps.back().after_heal = true;
    }
    go_on_after_own_work(result.steps, 1);
    result.undo_steps = taken_back(poison, change);
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "connect.skip-record",
            .what = "skips the one record at which a sink's task fails again and again",
            .destroys = Destroys::data,
            .cures = {{"connect.poison-record", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::connect_skip_record
