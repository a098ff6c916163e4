#include <array>

#include "agent/store/kafka_words.h"
#include "remediations/remedies/parts.h"

// Takes a replication throttle back that a reassignment has left behind: first the replicas that each topic names, then
// the brokers' rates. What stood there is kept for the way back. Never while a replica is being moved: that is asked
// again before every step.
namespace medic::remedies::kafka_delete_orphan_throttles {
namespace {

const std::string none(no_throttle);
// Settings are read every third look.
constexpr Duration seen_within{60'000};

struct Settings {
    AlterConfigs::Resource resource;
    const char* kind;
    std::array<const char*, 2> keys;
};
constexpr Settings of_topics{AlterConfigs::Resource::topic,
                             "topic",
                             {"leader.replication.throttled.replicas", "follower.replication.throttled.replicas"}};
constexpr Settings of_brokers{AlterConfigs::Resource::broker,
                              "broker",
                              {"leader.replication.throttled.rate", "follower.replication.throttled.rate"}};

std::vector<std::string> names(const Diagnosis& diagnosis, const Settings& settings) {
    const std::string list = parameter(diagnosis, std::string(settings.kind) + "s").value_or("");
    std::vector<std::string> all;
    for (const auto name : split(list, ',')) all.emplace_back(name);
    return all;
}

Subject cluster_of(const Diagnosis& diagnosis) { return subject_in(diagnosis, "cluster", diagnosis.subject.cluster); }

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    std::vector<FactKey> keys{{cluster_of(diagnosis), "kafka_cluster_partitions_reassigning"}};
    for (const Settings& settings : {of_topics, of_brokers})
        for (const std::string& name : names(diagnosis, settings))
            for (const char* key : settings.keys) keys.push_back({subject_in(diagnosis, settings.kind, name), key});
    return keys;
}

// One step for what is set of one topic or broker; nullopt: nothing is.
struct Pair {
    Step away, back;
};
Result<std::optional<Pair>> pair_for(const Diagnosis& diagnosis, const PlanningView& view, const Settings& settings,
                                     const std::string& name) {
    const Subject subject = subject_in(diagnosis, settings.kind, name);
    AlterConfigs away{.resource = settings.resource, .name = name, .set = {}}, back = away;
    std::vector<Condition> is_set, is_gone;
    std::string before;
    for (const char* key : settings.keys) {
        const std::string value = told(view, {subject, key});
        if (value.empty()) return fail(ErrorCode::not_ready, "{} of {} {} is not known", key, settings.kind, name);
        if (value == none || value == "*") continue;
        away.set[key] = std::nullopt;
        back.set[key] = value;
        is_set.push_back(text_in(subject, key, {value}));
        is_gone.push_back(text_in(subject, key, {none}));
        before += fmt::format("{}{}={}", before.empty() ? "" : " ", key, value);
    }
    if (away.set.empty()) return std::optional<Pair>();
    Step step{.subject = subject,
              .text = fmt::format("delete the replication throttle of {} {}", settings.kind, name),
              .operation = away};
    step.idempotent = true;
    step.precondition = is_set;
    step.precondition.push_back(equals(cluster_of(diagnosis), "kafka_cluster_partitions_reassigning", 0));
    step.done = is_gone;
    step.expectation = {.all = is_gone, .within = seen_within};
    step.undo = "set it again: " + before;
    step.risk = Risk::reversible;
    step.object = std::string(settings.kind) + ":" + name;
    Step again = step;
    again.text = fmt::format("set the replication throttle of {} {} again", settings.kind, name);
    again.operation = back;
    again.precondition.clear();
    again.done = is_set;
    again.expectation = {.all = is_set, .within = seen_within};
    again.undo = "delete it";
    return std::optional<Pair>({std::move(step), std::move(again)});
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    const Fact* moving = view.fact({cluster_of(diagnosis), "kafka_cluster_partitions_reassigning"});
    if (moving == nullptr || !moving->value)
        return fail(ErrorCode::not_ready, "it is not known whether replicas are being moved");
    if (*moving->value > 0) return fail(ErrorCode::not_ready, "{} partitions are being moved", *moving->value);
    Plan result;
    for (const Settings& settings : {of_topics, of_brokers})
        for (const std::string& name : names(diagnosis, settings)) {
            MEDIC_TRY(auto pair, pair_for(diagnosis, view, settings, name));
            if (!pair) continue;
            result.steps.push_back(std::move(pair->away));
            result.undo_steps.insert(result.undo_steps.begin(), std::move(pair->back));
        }
    if (result.steps.empty()) return fail(ErrorCode::invalid, "no throttle is set any more");
    result.summary = "a reassignment has left its throttle behind: delete it";
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.delete-orphan-throttles",
            .what = "deletes replication throttles that no reassignment needs any more",
            .destroys = Destroys::nothing,
            .cures = {{"kafka.orphan-throttle", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_delete_orphan_throttles
